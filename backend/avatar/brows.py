"""Brows that rise: their hair goes up whole, and what it uncovers is skin.

The rig lifts what hangs between brows and lids the less, the nearer it is to the lids. In deep-set
eyes that is where a photo has the brows' lower hair, which would be drawn out into a dark smear.
So what rises by less than the brow above it takes the colour of what lies by as much lower.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from backend.avatar.recolour import away_from, even_skin, gone, mixed, ramp
from backend.head import Head
from shared.flame import ARKIT_NAMES

_RAISES = [
    ARKIT_NAMES.index(name) for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")
]
_AROUND_M = 0.012  # from a brow of the mesh; what hangs on it is nearer
_HANGS_M = 0.001  # what raised brows move by less, does not hang on them
_MOST_BEFORE = 0.9  # of a rise's way, in a portrait whose brows can still rise
_UNCOVERS, _UNCOVERED = 0.25, 0.85
"""Of what is left of it: hair that has hardly risen stays, and lids that close pull some back."""

_BELOW_M = (0.0005, 0.002)  # a brow's middle: where the mesh begins to rise by less
_HAIR_M = (0.004, 0.006)  # below it: hair up to there, no hair from there on
_LIDS_M = (0.003, 0.005)  # from their edges: what is dark up to there is shade and lashes
_SHIFTED_M = (0.0003, 0.001)  # nothing changes where all rises alike
_ASIDE_M = (-0.004, 0.005)  # from a brow's ends, negative between them
_DARK, _HAIR = 0.85, 0.65  # times as bright as skin: begins to be hair, is hair
_SHADE, _PALEST = 0.7, 1.1  # times the skin around; highlights would be drawn out as well
_FOREHEAD_M, _FOREHEAD, _NEIGHBOURS = (0.005, 0.02), 0.8, 24  # above a brow; how much of its light
_LIGHTER = 0.9  # of the way from shade to skin


class Brows:
    """The brows of one portrait's mesh.

    Args:
        vertices: [V, 3] at the portrait's expression, head space, metres.
        rest: [V, 3] without expression.
        raised: [V, 3] how far raised brows move them.
        regions: [V] bool each, of the head.

    Attributes:
        hanging: [V] bool: brows, and what hangs between them and the lids.
        way: [V, 3] back from raised brows, over which they cover what they have uncovered.
        start: [V] how much is uncovered at rest, if what moves against `way` uncovers.

    Deviates: in the paper colours of raised brows are the network's to know.
    """

    def __init__(
        self, vertices: Tensor, rest: Tensor, raised: Tensor, regions: dict[str, Tensor]
    ) -> None:
        self._vertices, self._lids = vertices, vertices[regions["lids"]]
        before = gone(vertices - rest, raised, _HANGS_M).clamp_max(_MOST_BEFORE)
        self._left = raised * (1 - before)[:, None]
        span = _UNCOVERED - _UNCOVERS
        self.way = -span * self._left
        self.start = -(before / (1 - before) + _UNCOVERS) / span
        self.hanging, self._halves = torch.zeros_like(regions["brows"]), []
        if not all((regions["brows"] & side).any() for side in _sides(rest)):
            return
        self._of = torch.nonzero(regions["brows"])[:, 0]
        brows = vertices[self._of]
        self._halves = [_Half(brows[side]) for side in _sides(brows)]
        near = away_from(rest[self._of], rest) < _AROUND_M
        lower = regions["brows"] | (self.below(vertices) > 0)
        self.hanging = near & lower & (raised.norm(dim=1) > _HANGS_M)

    @staticmethod
    def raised(head: Head, betas: np.ndarray | None) -> Tensor:
        """[V, 3] how far raised brows move an identity's mesh, `betas` [S], metres."""
        return head.unit_deltas(betas)[_RAISES].sum(0)

    def shaded(self, places: Tensor, colours: Tensor, at: Tensor, around: Tensor) -> Tensor:
        """[K, 3] skin between lids and brows: as around the eyes at the lids, and as on the
        forehead, which lies as far in the light, at the brows.

        Args:
            places: [N, 3] of skin that shows.
            colours: [N, 3] of these places.
            at: [K, 3] places.
            around: [K, 3] skin around the eyes.
        """
        height = -self.below(places)
        above = (height > _FOREHEAD_M[0]) & (height < _FOREHEAD_M[1])
        if not above.any():
            return around
        forehead = even_skin(places[above], colours[above], at, _NEIGHBOURS)
        lids = away_from(self._lids, at)
        share = lids / (lids + self.below(at).clamp_min(0)).clamp_min(1e-6)
        return around + (_FOREHEAD * share)[:, None] * (forehead - around)

    def risen(self, places: Tensor, colours: Tensor, at: Tensor, lit: Tensor) -> Tensor:
        """[K, 3] colours of fully raised brows and of what hangs on them.

        Args:
            places: [N, 3] of the face's skin at the portrait's expression.
            colours: [N, 3] of these places.
            at: [K] which of them hang there.
            lit: [K, 3] skin around those.
        """
        here, now, brows = places[at], colours[at], self._vertices[self._of]
        own = mixed(self._vertices, self._left, here, 4)
        whole = mixed(brows, self._left[self._of], here, 3)
        shift = ramp(self.below(here), *_BELOW_M)[:, None] * (whole - own)
        lower = here - shift
        shown = mixed(places, colours, lower, 4)
        bright = shown.sum(1) / lit.sum(1).clamp_min(1e-6)
        hair = (1 - ramp(bright, _HAIR, _DARK)).minimum(1 - ramp(self.below(lower), *_HAIR_M))
        hair = hair.minimum(ramp(away_from(self._lids, lower), *_LIDS_M))
        shade = (now / lit.clamp_min(1e-3)).clamp(_SHADE, _PALEST)
        skin = lit * shade.lerp(torch.ones_like(shade), _LIGHTER * (shade < 1))
        uncovered = skin + hair[:, None] * (shown - skin)
        return now + ramp(shift.norm(dim=1), *_SHIFTED_M)[:, None] * (uncovered - now)

    def between_ends(self, places: Tensor) -> Tensor:
        """[N] 0..1: 1 where places [N, 3] are below a brow, less beside it."""
        left, right = (half.aside(places[:, 0]) for half in self._halves)
        return 1 - ramp(torch.where(_sides(places)[0], left, right), *_ASIDE_M)

    def below(self, places: Tensor) -> Tensor:
        """[N] metres that places [N, 3] lie below the middle of their side's brow."""
        left, right = (half.height(places[:, 0]) for half in self._halves)
        return torch.where(_sides(places)[0], left, right) - places[:, 1]


class _Half:
    """One brow, of its places [N, 3]: a curve between its ends."""

    def __init__(self, places: Tensor) -> None:
        x, y = places[:, 0].cpu().numpy(), places[:, 1].cpu().numpy()
        self._low, self._high = x.min(), x.max()
        self._curve: Callable[[np.ndarray], np.ndarray] = np.polynomial.Polynomial.fit(x, y, 2)

    def height(self, x: Tensor) -> Tensor:
        """[N] of its middle; beyond its ends as there."""
        inside = x.cpu().numpy().clip(self._low, self._high)
        return torch.as_tensor(self._curve(inside)).to(x)

    def aside(self, x: Tensor) -> Tensor:
        """[N] metres beyond its ends; negative between them."""
        return (self._low - x).maximum(x - self._high)


def _sides(places: Tensor) -> tuple[Tensor, Tensor]:
    """[N] bool: which of places [N, 3] are on the face's left, and on its right."""
    left = places[:, 0] > 0
    return left, ~left

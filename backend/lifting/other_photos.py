"""What other photos of the person show where the main one shows a site badly or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backend.model.splitavatar import SplitAvatar

from .balance import balanced
from .collar import clothed
from .colours import SEEN, Shown, SiteColours
from .hair import hair_over_face
from .sampling import look_up
from .sites import Sites, regions_at, sites_of
from .skin import NOT_PLAIN
from .view import View

_SHARP = 4  # the best-seen one counts, but does not end in a line
_EYE = 0.02  # of an eyeball's sites: of an open one a tenth and more
_SMILE = 0.055  # of a jaw's sites: speech shows up to .047, a smile .056 to .11
_WHOLE = {
    "left_eyeball": _EYE,
    "right_eyeball": _EYE,
    "teeth_upper": _SMILE,
    "teeth_lower": _SMILE,
}
"""What has to come from one photo: parts of several would not fit each other. And which share of it
a photo must show at least."""


def shown_by(view: View, model: SplitAvatar) -> Shown:
    """What another photo shows of the sites, as far as it can be used.

    Left out are guesses at its head's rim, clothes and hair before the skin, and lids of open eyes:
    they are folded, and what shows of them lies in the lashes' shadow.
    """
    sites, _ = sites_of(view, model)
    shown = SiteColours(view, hair_over_face(view, view.parts.worn)).shown(sites)
    at = regions_at(view, sites.vertices)
    pixels = view.camera.project(sites.positions)
    skin = ~np.any([at[name] for name in (*NOT_PLAIN, "in_mouth")], axis=0)
    unusable = shown.rim | clothed(view, sites, pixels)
    unusable |= skin & look_up(view.parts.worn, pixels, False)
    for closed, left in zip(view.portrait.closed_eyes, (True, False), strict=True):
        if not closed:  # left is where x is positive
            unusable |= at["lids"] & ((sites.rest[:, 0] > 0) == left)
    return replace(shown, trust=np.where(unusable, 0.0, shown.trust), rim=np.zeros_like(shown.rim))


def with_others(
    main: Shown, others: Sequence[Shown], sites: Sites, at: dict[str, np.ndarray]
) -> Shown:
    """What the main photo shows, and where that is little what the others show, in its light.

    What faces the main photo's camera stays as it is there. An eye, or the teeth of a jaw, are of
    one photo alone, the main one where it shows enough of them. The mouth's inside stays the main
    photo's, and teeth that hardly show are not used: what shows between lips that speak is dark,
    and red of the lips.

    Args:
        main: Of the photo that is to come out exactly.
        others: Of the others, `shown_by`.
        sites: M sites.
        at: [M] bool of each region.
    """
    if not others:
        return main
    alike = [balanced(other, main, sites, at) for other in others]
    shown = _best_skin(main, alike)
    _take(shown, main, at["in_mouth"] | at["eyes"])
    for name, least in _WHOLE.items():
        shares = [_share(photo, at[name]) for photo in (main, *alike)]
        best = int(np.argmax(shares))
        if shares[0] < least <= shares[best]:
            _take(shown, alike[best - 1], at[name])
    return shown


def _share(photo: Shown, members: np.ndarray) -> float:
    """How much of some sites, [M] bool, a photo shows; 0 of none."""
    return float((photo.trust[members] > SEEN).mean()) if members.any() else 0.0


def _take(shown: Shown, photo: Shown, members: np.ndarray) -> None:
    """Gives some sites, [M] bool, one photo's colours, in place."""
    shown.colours[members] = photo.colours[members]
    shown.trust[members] = photo.trust[members]


def _best_skin(main: Shown, others: Sequence[Shown]) -> Shown:
    """The main photo's colours, mixed with those of who sees a site better."""
    well = np.stack([other.well for other in others])  # [K, M]
    best = well.max(0)
    weights = (well / np.maximum(best, 1e-6)) ** _SHARP * (best > 0)
    weights /= np.maximum(weights.sum(0), 1e-6)
    theirs = np.einsum("km,kmc->mc", weights, np.stack([other.colours for other in others]))
    trust = main.trust
    # All of the main photo's where no other sees the site; little where another sees it plainly.
    own, added = trust * (1 - best * (1 - main.plain)), best * (1 - trust * main.plain)
    total = np.maximum(own + added, 1e-6)
    mixed = (own[:, None] * main.colours + added[:, None] * theirs) / total[:, None]
    colours = np.where((added > 0)[:, None], mixed, main.colours).astype(np.float32)
    return replace(main, colours=colours, trust=1 - (1 - trust) * (1 - best))

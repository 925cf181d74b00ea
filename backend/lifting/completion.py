"""What a portrait hides of the skin: carried on from what shows, and like the other side's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array, diags_array
from scipy.sparse.linalg import spsolve

from backend.head.surface import mirror_partners

from .colours import SEEN
from .vertex_colours import VertexColours

_MIRROR_M = 0.005
_AROUND = 8.0
_ALIKE = 0.5  # how far hair and cloth of both sides are
_HOLD = 20.0
_LEAST_HOLD = 1e-6
_BELIEF = 0.05  # hold of what is usual, where nothing shows
_APART = 0.02  # how much skin still takes from what is not: hair lies over it


def completed(
    places: np.ndarray,
    edges: np.ndarray,
    shown: VertexColours,
    around: np.ndarray,
    usual: np.ndarray | None = None,
) -> np.ndarray:
    """[V, 3] the smoothest colours of a mesh that keep what is trusted.

    Where the mirror image of an edge is trusted, the colour changes along it as it does there,
    elsewhere as it usually does: solved as in gradient-domain editing (Perez et al. 2003, Poisson
    Image Editing), on the mesh. Far from what shows, the colours come to be the usual ones.

    Args:
        places: [V, 3] vertices at rest, metres; the head is symmetric about x = 0.
        edges: [E, 2] int between them.
        shown: What shows.
        around: [V] bool: what is carried on around the head rather than up and down, as hair is.
        usual: [V, 3] what the skin usually looks like on such a head, NaN where nobody knows; None:
            nowhere. Of a scalp it counts where that is bald.
    """
    a, b = edges.T
    along = places[b] - places[a]
    length = np.maximum(np.linalg.norm(along, axis=1), 1e-6)
    level = 1 - (along[:, 1] / length) ** 2
    weight = (1 + _AROUND * (around[a] & around[b]) * level) / length
    weight[around[a] != around[b]] *= _APART
    weight /= weight.mean()
    hairy = _hairy(edges, weight, shown, around)
    weight[hairy[a] != hairy[b]] *= _APART
    other = mirror_partners(places)
    near = np.linalg.norm(places[other] - places * (-1, 1, 1), axis=1) < _MIRROR_M
    shown = _with_worn(shown, around, other, near)
    there = np.where(near, shown.skin[other], 0.0)
    change, told = _mirrored_change(edges, shown, other, there)
    hold = _HOLD * shown.trust**2 + _LEAST_HOLD
    right = hold[:, None] * shown.colours
    if usual is not None:
        covered = (shown.trust > SEEN) & (shown.skin == 0)
        known = np.isfinite(usual).all(1) & ~covered & ~hairy
        weight = np.where(known[a] == known[b], weight, _APART * weight)
        usual = np.where(known[:, None], usual, 0)
        change += (1 - told) * (usual[b] - usual[a]) * (known[a] & known[b])[:, None]
        belief = _BELIEF * known * (1 - shown.trust)
        hold = hold + belief
        right += belief[:, None] * usual
    pull = weight[:, None] * change
    np.add.at(right, a, -pull)
    np.add.at(right, b, pull)
    laplacian = _laplacian(len(places), edges, weight)
    solved = np.asarray(spsolve(csc_array(laplacian + diags_array(hold)), right))
    return np.clip(solved, 0, 1).astype(np.float32)


def _hairy(
    edges: np.ndarray, weight: np.ndarray, shown: VertexColours, scalp: np.ndarray
) -> np.ndarray:
    """[V] bool: where a scalp has hair: as shown, and nearer to such than to bare skin elsewhere.

    Args:
        edges: [E, 2] int between V vertices.
        weight: [E] how much each joins.
        shown: What shows of them.
        scalp: [V] bool.
    """
    hold = _HOLD * shown.trust**2 * scalp + _LEAST_HOLD
    laplacian = _laplacian(len(scalp), edges, weight)
    hair = scalp & (shown.skin == 0)
    share = np.asarray(spsolve(csc_array(laplacian + diags_array(hold)), hold * hair))
    return scalp & (share > 0.5)


def _with_worn(
    shown: VertexColours, scalp: np.ndarray, other: np.ndarray, near: np.ndarray
) -> VertexColours:
    """What shows, and what the other side shows of hair and cloth where this side shows less: it
    has an end, so that how colours change along it does not tell them.

    Args:
        shown: What shows of V vertices.
        scalp: [V] bool: those with hair, or without.
        other: [V] int their mirror images.
        near: [V] bool: whether these are any.
    """
    theirs = shown.trust[other] * near
    worn = (shown.trust < SEEN) & (theirs > SEEN) & (shown.skin[other] == 0)
    taken = (scalp & (theirs > shown.trust)) | worn
    share = np.where(taken, 1 - shown.trust / np.maximum(theirs, 1e-6), 0)[:, None]
    return replace(
        shown,
        colours=shown.colours + share * (shown.colours[other] - shown.colours),
        trust=np.where(taken, np.maximum(_ALIKE * theirs, shown.trust), shown.trust),
        skin=np.where(taken, 0.0, shown.skin),
    )


def _mirrored_change(
    edges: np.ndarray, shown: VertexColours, other: np.ndarray, there: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """[E, 3] from each edge's first vertex to its second, where the other side is trusted more, and
    [E, 1] 0..1 how much that is to be believed; the change is multiplied by it.

    Args:
        edges: [E, 2] int between V vertices.
        shown: What shows of them.
        other: [V] int their mirror images.
        there: [V] 0..1 trust in those as skin.
    """
    better = there[edges].sum(1) > shown.skin[edges].sum(1)
    told = (better * there[edges].min(1))[:, None]
    return told * (shown.colours[other[edges[:, 1]]] - shown.colours[other[edges[:, 0]]]), told


def _laplacian(count: int, edges: np.ndarray, weight: np.ndarray) -> csr_array:
    a, b = edges.T
    beside = coo_array((weight, (a, b)), shape=(count, count)).tocsr()
    beside = beside + beside.T
    return csr_array(diags_array(beside.sum(0)) - beside)

"""What photos show of the head's vertices: the mean of each one's sites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .colours import Shown
from .sites import Sites

_MOST_FOREIGN = 0.3


@dataclass(frozen=True)
class VertexColours:
    """What photos show of V vertices.

    Args:
        colours: [V, 3] display sRGB; 0 where nothing shows.
        trust: [V] 0..1 in them.
        skin: [V] 0..1 trust in them as the head's own, which cloth, and hair over skin, are not.
        members: [V] how many of each one's sites were asked for.
    """

    colours: np.ndarray
    trust: np.ndarray
    skin: np.ndarray
    members: np.ndarray


def by_vertex(
    shown: Shown, sites: Sites, chosen: np.ndarray, foreign: np.ndarray, count: int
) -> VertexColours:
    """The means over each vertex's sites, weighted by trust.

    Args:
        shown: What photos show of M sites.
        sites: The sites.
        chosen: [M] bool: which of them to use.
        foreign: [M] bool: where that is hair or cloth, see `not_skin`.
        count: V.
    """
    members = np.bincount(sites.vertices, chosen, count)
    covered = np.bincount(sites.vertices, chosen & foreign, count) / np.maximum(members, 1)
    of_its_kind = foreign == (covered > _MOST_FOREIGN)[sites.vertices]
    weight = shown.trust * (chosen & of_its_kind)
    share = np.bincount(sites.vertices, weight, count)
    total = [np.bincount(sites.vertices, weight * c, count) for c in shown.colours.T]
    trust = share / np.maximum(np.bincount(sites.vertices, chosen & of_its_kind, count), 1)
    colours = np.stack(total, -1) / np.maximum(share, 1e-6)[:, None]
    return VertexColours(colours, trust, trust * (covered <= _MOST_FOREIGN), members)

"""Colours of the rig's Gaussians: how those are filled that no portrait shows."""

from __future__ import annotations

import numpy as np

from backend.head.surface import undirected_edges

from .appearance_file import appearance_of
from .colours import SEEN, Shown
from .completion import completed
from .eyes import SCLERA, fill_eyes
from .sampling import between, look_up
from .sites import Sites, regions_at
from .teeth import paint_teeth
from .vertex_colours import VertexColours, by_vertex
from .view import View

_LIT_SKIN = 0.6  # display sRGB of well-lit skin, all tones' middle
_MOUTH_DEPTH_M = 0.03
_THROAT = 0.75
_FRONT_TEETH_M, _BACK_TEETH = 0.008, 0.5  # so deep they are fully lit; how dark the last are
_EYE_WHITES = 85  # percentile of what shows of the eyes
_LOWER_TEETH = 0.75  # they lie in the lips' shadow
_INNER_LIPS = 0.5  # of the cavity's colour: what closed lips hide lies in their shadow
_ENOUGH_TEETH = 50
_LEAST_ENAMEL = 0.6
_NEIGHBOURS = 4
_SMOOTH_NEIGHBOURS = 64  # smooth: lids must not show the lash line's speckles

CAVITY = np.array([0.20, 0.07, 0.07])
TONGUE = np.array([0.58, 0.30, 0.29])
TEETH = np.array([0.93, 0.87, 0.82])
"""Display sRGB of what a portrait may not show at all."""


class HiddenColours:
    """Fills what is hidden of the sites.

    Args:
        view: The portrait whose pose the sites are in.

    Source: first-avatar.md, item 2 and "Visible".
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._shapes, self._regions, self._camera = view.shapes, view.regions, view.camera

    def filled(self, shown: Shown, sites: Sites, foreign: np.ndarray) -> np.ndarray:
        """Display sRGB [M, 3] of every site.

        Args:
            shown: What photos show of M sites.
            sites: The sites.
            foreign: [M] bool: those under cloth or hair, see `not_skin`.
        """
        at = regions_at(self._view, sites.vertices)
        colours, trust = shown.colours.copy(), shown.trust
        eyes, in_mouth = at["eyes"], at["in_mouth"]
        seen = trust > SEEN
        skin = ~(eyes | in_mouth)
        if (skin & seen).any():
            whole = self._completed(by_vertex(shown, sites, skin, foreign, len(self._view.rest[0])))
            self._fill_skin(colours, trust, sites, skin, at, whole)
        face = at["face"] & seen
        light = self._light(colours[face], colours[eyes & seen])
        fill_eyes(colours, seen, sites, [at["left_eyeball"], at["right_eyeball"]], light)
        self._fill_mouth(colours, seen, sites, at, light)
        return colours

    def _completed(self, vertex: VertexColours) -> np.ndarray:
        """[V, 3] every vertex's colour: as shown, or else as such heads usually look."""
        view = self._view
        edges = undirected_edges(view.faces)
        edges = edges[(vertex.members[edges] > 0).all(1)]
        appearance = appearance_of(view.head)
        usual = None
        if appearance is not None:
            usual = appearance.usual(vertex, view.head.normals(view.vertices)[0].numpy())
        return completed(view.rest[0].numpy(), edges, vertex, self._regions["scalp"], usual)

    def _fill_skin(
        self,
        colours: np.ndarray,
        trust: np.ndarray,
        sites: Sites,
        skin: np.ndarray,
        at: dict[str, np.ndarray],
        whole: np.ndarray,
    ) -> None:
        """Takes what does not show from all vertices' colours [V, 3]; a lid's inner part takes the
        skin's around it."""
        seen = trust > SEEN
        rest = self._view.rest[0].numpy()
        part = np.flatnonzero(skin & (trust < 1))
        taken = np.unique(sites.vertices[skin])
        smooth = between(rest[taken], whole[taken], sites.rest[part], _NEIGHBOURS)
        colours[part] += (1 - trust[part, None]) * (smooth - colours[part])
        pixels = self._camera.project(sites.positions)
        clear = ~look_up(self._shapes.frozen, pixels, False)  # beside lashes and lip lines
        plain = seen & clear & at["face"]
        plain &= ~(at["lips"] | at["brows"] | at["lashes"] | at["scalp"])
        lids = np.flatnonzero(at["lids"] & skin & ~seen)
        if len(lids) and plain.any():
            colours[lids] = between(
                sites.rest[plain], colours[plain], sites.rest[lids], _SMOOTH_NEIGHBOURS, bright=True
            )

    @staticmethod
    def _light(skin: np.ndarray, eyes: np.ndarray) -> float:
        """How bright the light is, 1 for a well-lit face: by skin [N, 3], which may be dark itself,
        or by the whites of eyes [K, 3], which may lie in the shade."""
        lit = [float(np.median(skin)) / _LIT_SKIN] if len(skin) else []
        if len(eyes):
            lit.append(float(np.percentile(eyes.mean(1), _EYE_WHITES) / SCLERA.mean()))
        return min(max(0.3, *lit), 1.2) if lit else 1.0

    def _fill_mouth(
        self,
        colours: np.ndarray,
        seen: np.ndarray,
        sites: Sites,
        at: dict[str, np.ndarray],
        light: float,
    ) -> None:
        """What is hidden of a mouth, darker towards the throat, lit as the face is."""
        teeth, tongue = at["teeth"], at["tongue"]
        colours[at["mouth_interior"]] = light * CAVITY
        inner_lips = at["lips"] & ~seen & ~at["mouth_interior"]
        colours[inner_lips] += _INNER_LIPS * (light * CAVITY - colours[inner_lips])
        if not teeth.any():  # FLAME has neither teeth nor tongue
            return
        depth = sites.rest[teeth, 2].max() - sites.rest[:, 2]
        shade = (1 - _THROAT * np.clip(depth / _MOUTH_DEPTH_M, 0, 1))[:, None]
        back = np.clip((depth - _FRONT_TEETH_M) / _MOUTH_DEPTH_M, 0, 1)
        on_teeth = (1 - _BACK_TEETH * back)[:, None]
        hidden = tongue & ~seen
        colours[hidden] = (light * TONGUE * shade)[hidden]
        shown = teeth & seen
        enamel = light * TEETH
        if shown.sum() > _ENOUGH_TEETH:
            brightness = colours[shown].mean(1)
            bright = brightness > np.percentile(brightness, 40)
            enamel = np.median(colours[shown][bright], axis=0)
        # What lies in the mouth's dark there, between teeth and lips, is no tooth.
        seen = seen & (colours.mean(1) > _LEAST_ENAMEL * enamel.mean())
        for jaw, lit in (("upper", 1.0), ("lower", _LOWER_TEETH)):
            own = at[f"teeth_{jaw}"]
            painted = paint_teeth(sites.rest[own], jaw, enamel, light) * on_teeth[own] * lit
            colours[own] = np.where(seen[own, None], colours[own], painted)

"""Colours of the rig's Gaussians: how those are filled that no portrait shows."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from backend.head.surface import undirected_edges

from .appearance import lit_alike
from .appearance_file import appearance_of
from .closed_lids import colour_closed_lids
from .colours import SEEN, Shown
from .completion import completed
from .eyes import fill_eyes
from .hue import hue
from .light import Light, brightness_of, tint_of
from .sampling import between, look_up
from .sites import Sites, regions_at
from .teeth import paint_teeth
from .vertex_colours import VertexColours, by_vertex
from .view import View

_DEEP_M, _DEEP = (0.012, 0.040, 0.060), (0.0, 0.3, 0.7)  # behind the teeth's front; how dark
_GROOVE_M, _GROOVE = 0.0018, 0.1  # along the tongue's middle, and how dark
_TONGUE_ASIDE_M, _TONGUE_ASIDE = 0.016, 0.25  # half its width, and how dark its sides are
_TIP_M, _TIP = 0.02, np.array([0.3, 0.5, 0.5])  # how far it is in the light when out; how lighter
_CHEEKS = 0.6  # of the tongue's colour: the lips' shadow lies on their insides
_PHARYNX_M, _ASIDE_M, _BELOW_M = 0.085, 0.018, 0.005  # from the lips; from the middle; below lips
_FRONT_TEETH_M, _BACK_TEETH_M, _BACK_TEETH = 0.008, 0.038, 0.5  # fully lit; how dark the last are
_STUDIO = (0.55, 1.05)  # what `brightness_of` told of one studio's light by different faces
_CORNER = (0.42, 0.75)  # how much darker teeth are at the mouth's corners, in light of either kind
_CORRIDOR = ((0.8, 1.0), (1.0, 0.5))  # beside the last teeth of a smile it is dark
_BESIDE_TEETH = ((0.75, 1.0), (1.0, 0.65))  # and so are cheeks there
_JAWS_LIGHT = {"upper": (1.0, 0.85), "lower": (0.85, 1.0)}  # from the front, and from above
_INNER_LIPS = 0.2  # of the cavity's colour: what closed lips hide lies in their shadow
_WET_LIPS, _INNER_LIPS_M = 0.7, 0.005  # of the lips' colour, on their insides, and how far in
_ENOUGH_TEETH = 150
_FROM_CEILING = -0.45  # how light from above is told, the second kind
_CEILING_SHADE = np.array([0.25, 0.32, 0.39])  # how it darkens teeth: it comes in past red lips
_CEILING_NARROWER = 0.25  # and how many of them
_LEAST_ENAMEL, _OTHER_HUE = 0.6, 0.08  # brightness of its own; chromaticity, of gums and lips
_LIT_ALIKE = ("forehead", "face_sides", "neck")  # as bald scalps are
_NEIGHBOURS = 4
_SMOOTH_NEIGHBOURS = 64  # smooth: lids must not show the lash line's speckles

CAVITY = np.array([0.40, 0.17, 0.15])
TONGUE = np.array([0.58, 0.30, 0.29])
TEETH = np.array([0.775, 0.69, 0.635])
"""Display sRGB of what a portrait may not show at all; incisors as smiling portraits show them."""


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
        skin, shaded = ~(eyes | in_mouth), 0.0
        if (skin & seen).any():
            whole, shaded = self._completed(
                by_vertex(shown, sites, skin, foreign, len(self._view.rest[0]))
            )
            self._fill_skin(colours, trust, sites, skin, at, whole)
        face, shown_eyes = colours[at["face"] & seen], colours[eyes & seen]
        light = Light(brightness_of(face, shown_eyes), tint_of(face, shown_eyes), shaded)
        balls = [at["left_eyeball"], at["right_eyeball"]]
        fill_eyes(colours, seen, sites, balls, light.colour)
        self._fill_mouth(colours, seen, sites, at, light)
        return colours

    def _completed(self, vertex: VertexColours) -> tuple[np.ndarray, float]:
        """[V, 3] every vertex's colour: as shown, or else as such heads usually look; and 0..1, how
        much of the light comes from elsewhere than the front."""
        view = self._view
        edges = undirected_edges(view.faces)
        edges = edges[(vertex.members[edges] > 0).all(1)]
        appearance = appearance_of(view.head)
        usual, shaded = None, 0.0
        if appearance is not None:
            normals = view.head.normals(view.vertices)[0].numpy()
            codes = appearance.codes_of(vertex, normals)
            told = np.any([self._regions[name] for name in _LIT_ALIKE], axis=0)
            usual = appearance.usual(codes, normals)
            usual = lit_alike(usual, normals, told, self._regions["scalp"])
            shaded = float(np.clip(codes.from_front / _FROM_CEILING, 0, 1))
        rest = view.rest[0].numpy()
        return completed(rest, edges, vertex, self._regions["scalp"], usual), shaded

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
        colour_closed_lids(colours, seen, plain, sites, at, self._view)

    def _fill_mouth(
        self,
        colours: np.ndarray,
        seen: np.ndarray,
        sites: Sites,
        at: dict[str, np.ndarray],
        light: Light,
    ) -> None:
        """What is hidden of a mouth, darker towards the throat, lit as the face is."""
        teeth, tongue = at["teeth"], at["tongue"]
        front = sites.rest[teeth, 2].max() if teeth.any() else sites.rest[at["lips"], 2].max()
        depth = (front - sites.rest[:, 2])[:, None]
        mucosa = light.colour * TONGUE * (1 - np.interp(depth, _DEEP_M, _DEEP))
        cavity = light.colour * CAVITY
        cheeks = np.maximum(_CHEEKS * mucosa, cavity)
        colours[at["mouth_interior"]] = cheeks[at["mouth_interior"]]
        self._like_lips(colours, seen, sites, at)
        aside = np.abs(sites.rest[:, :1]) / np.abs(sites.rest[at["lips"], 0]).max()
        inside = at["mouth_interior"] & ~seen
        colours[inside] *= np.interp(aside, *_BESIDE_TEETH)[inside]
        self._like_skin(colours, sites, at)
        inner_lips = at["lips"] & ~seen & ~at["mouth_interior"]
        colours[inner_lips] += _INNER_LIPS * (cavity - colours[inner_lips])
        if not teeth.any():  # FLAME has neither teeth nor tongue
            return
        shown_lips = colours[at["lips"] & seen & ~at["in_mouth"]]
        lips = np.median(shown_lips, axis=0) if len(shown_lips) else np.zeros(3)
        enamel = _enamel(colours[teeth & seen], light, lips)
        # What lies in the mouth's dark there, between teeth and lips, is no tooth; nor are gums.
        tooth = _like(colours, enamel, lips)
        colours[tongue] = mucosa[tongue] * _tongue_shade(sites.rest[tongue])
        self._fill_teeth(colours, seen & tooth, sites, at, depth, aside, enamel, light)

    @staticmethod
    def _fill_teeth(
        colours: np.ndarray,
        seen: np.ndarray,
        sites: Sites,
        at: dict[str, np.ndarray],
        depth: np.ndarray,
        aside: np.ndarray,
        enamel: np.ndarray,
        light: Light,
    ) -> None:
        """What is hidden of teeth, [M, 1] metres behind their front and [M, 1] of the way aside to
        the mouth's corners; less lit at the back and there, and by light that does not come in from
        the front."""
        back = np.clip((depth - _FRONT_TEETH_M) / (_BACK_TEETH_M - _FRONT_TEETH_M), 0, 1)
        aside = aside / (1 - _CEILING_NARROWER * light.shaded)
        corner = np.interp(light.shaded, (0, 1), _CORNER)
        lit_aside = (1 - corner * np.minimum(aside, 1) ** 2) * np.interp(aside, *_CORRIDOR)
        on_teeth = (1 - _BACK_TEETH * back) * lit_aside
        for jaw, (studio, ceiling) in _JAWS_LIGHT.items():
            lit = studio + light.shaded * (ceiling - studio)
            own = at[f"teeth_{jaw}"]
            painted = paint_teeth(sites.rest[own], jaw, enamel, light.colour) * on_teeth[own] * lit
            colours[own] = np.where(seen[own, None], colours[own], painted)

    @staticmethod
    def _like_lips(
        colours: np.ndarray, seen: np.ndarray, sites: Sites, at: dict[str, np.ndarray]
    ) -> None:
        """Lips go on inwards: their insides show at the edge of an open mouth."""
        lips, inside = np.flatnonzero(at["lips"] & seen), np.flatnonzero(at["mouth_interior"])
        if not (len(lips) and len(inside)):
            return
        away = np.asarray(KDTree(sites.rest[at["lips"]]).query(sites.rest[inside])[0])
        share = np.clip(1 - away / _INNER_LIPS_M, 0, 1)[:, None]
        tone = between(sites.rest[lips], colours[lips], sites.rest[inside], _SMOOTH_NEIGHBOURS)
        colours[inside] += share * (_WET_LIPS * tone - colours[inside])

    @staticmethod
    def _like_skin(colours: np.ndarray, sites: Sites, at: dict[str, np.ndarray]) -> None:
        """The pharynx's walls below the lips, which a tongue hides, look like the skin before them:
        where that is drawn in to the jaw's outline, it may leave gaps."""
        skin = at["jaw"] | at["neck"] | at["face_sides"]
        lips = sites.rest[at["lips"]]
        deep = sites.rest[:, 2] < lips[:, 2].max() - _PHARYNX_M
        wall = at["mouth_interior"] & deep & (np.abs(sites.rest[:, 0]) > _ASIDE_M)
        wall &= sites.rest[:, 1] < lips[:, 1].mean() - _BELOW_M
        if wall.any() and skin.any():
            colours[wall] = between(
                sites.rest[skin], colours[skin], sites.rest[wall], _SMOOTH_NEIGHBOURS
            )


def _tongue_shade(rest: np.ndarray) -> np.ndarray:
    """[N, 3] times so bright, at places of a tongue [N, 3]: without, wide open jaws show a plain
    sheet."""
    aside = np.abs(rest[:, :1])
    groove = _GROOVE * np.exp(-np.square(aside / _GROOVE_M))
    sides = 1 - _TONGUE_ASIDE * np.minimum(aside / _TONGUE_ASIDE_M, 1) ** 2
    tip = np.clip(1 - (rest[:, 2:].max() - rest[:, 2:]) / _TIP_M, 0, 1)
    return (1 - groove) * sides * (1 + tip * _TIP)


def _enamel(shown: np.ndarray, light: Light, lips: np.ndarray) -> np.ndarray:
    """[3] the enamel of teeth of which a portrait shows colours [K, 3], between lips of a colour
    [3]; the usual one where it hardly shows any."""
    usual = light.colour / np.clip(light.brightness, *_STUDIO) * TEETH
    usual = (1 - _CEILING_SHADE * light.shaded) * usual
    teeth = shown[_like(shown, usual, lips)]
    if len(teeth) <= _ENOUGH_TEETH:
        return usual
    shades = teeth.mean(1)
    return np.median(teeth[shades >= np.percentile(shades, 40)], axis=0)


def _like(colours: np.ndarray, enamel: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """[M] bool: which colours [M, 3] are as bright as enamel [3], and of its hue rather than of
    lips' [3], which what lies between hardly parted ones has."""
    hues = hue(colours)
    away, from_lips = (np.abs(hues - hue(other)).max(1) for other in (enamel, lips))
    bright = colours.mean(1) > _LEAST_ENAMEL * enamel.mean()
    return bright & (away < np.minimum(_OTHER_HUE, from_lips))

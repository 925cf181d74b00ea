"""Colours of the rig's Gaussians: what the portrait shows of each, and how the rest is filled."""

from __future__ import annotations

import numpy as np

from backend.head.surface import undirected_edges

from .completion import completed
from .eyes import SCLERA, fill_eyes
from .fill import nearest_fill
from .polygons import erode
from .sampling import between, look_up, sample
from .sites import Sites, facing_camera, shown_sites
from .teeth import paint_teeth
from .view import View

_FACING = 0.12
_SOFT = 0.25  # from where on a site counts fully
_SEEN = 0.5
_OUTLINE_PX = 3
_STEP_M = 0.001
_MOST_OUT_PX = 24
_RIM_FACING, _RIM_TRUST = -0.3, 0.3  # hair at the outline goes on behind it
_FLANK_FACING = 0.75
_FOREIGN = 0.05  # of chromaticity, from the skin beside it
_DARK = 0.6  # of its brightness: shade is rarely darker, hair is
_CONTOUR_FACING = 0.2  # the jaw's outline shows shadow, hair and background
_LID_FACING = 0.05  # all of a lid that shows keeps the lash line's shadow
_DEPTH_TOLERANCE_M = 0.002
_LID_TOLERANCE_M = 0.0005  # a folded lid lies that close behind the one that shows
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


class SiteColours:
    """Colours the sites from one portrait.

    Args:
        view: The portrait and the fitted head.
        over: [H, W] bool: hair that hides the face.

    Source: first-avatar.md, item 2 and "Visible".
    """

    def __init__(self, view: View, over: np.ndarray) -> None:
        self._view, self._over = view, over
        self._shapes, self._regions, self._camera = view.shapes, view.regions, view.camera

    def paint(self, sites: Sites) -> tuple[np.ndarray, np.ndarray]:
        """Display sRGB [M, 3] of every site, and [M] 0..1: how much of it the portrait shows."""
        pixels = self._camera.project(sites.positions)
        at = self._of_sites(sites.vertices)
        trust, rim = self._trust(sites, pixels, at)
        pixels[rim] = self._outline(sites, pixels, rim)
        colours = np.zeros((len(pixels), 3), np.float32)
        eyes = at["left_eyeball"] | at["right_eyeball"]
        in_mouth = at["teeth"] | at["tongue"] | at["mouth_interior"]
        for members, image in (
            (~eyes & ~in_mouth, self._without(self._shapes.eyes | self._shapes.mouth)),
            (in_mouth, self._only(self._shapes.mouth)),
            (at["left_eyeball"], self._only(self._shapes.left_eye)),
            (at["right_eyeball"], self._only(self._shapes.right_eye)),
        ):
            if image is None:
                trust[members] = 0
            else:
                chosen = (trust > 0) & members
                colours[chosen] = sample(image, pixels[chosen])
        trust *= 1 - self._foreign(colours, trust > _SEEN, sites, at)
        trust[at["face"] & look_up(self._over, pixels, False)] = 0
        seen = trust > _SEEN
        self._fill_skin(colours, trust, sites, ~(eyes | in_mouth), at)
        face = at["face"] & seen
        light = self._light(colours[face], colours[eyes & seen])
        fill_eyes(colours, seen, sites, [at["left_eyeball"], at["right_eyeball"]], light)
        self._fill_mouth(colours, seen, sites, at, light)
        return colours, np.where(rim, 0.0, trust)

    def _foreign(
        self, colours: np.ndarray, seen: np.ndarray, sites: Sites, at: dict[str, np.ndarray]
    ) -> np.ndarray:
        """[M] 0..1: the jaw's outline, where it took the colour of hair, collar or background."""
        below_ears = at["face_sides"] & (sites.rest[:, 1] < sites.rest[at["ears"], 1].min())
        edge = (at["jaw"] | at["chin"] | at["cheeks"] | below_ears) & seen & ~at["lips"]
        facing = facing_camera(sites, self._camera)
        index = np.flatnonzero(edge & (facing < _FLANK_FACING))
        plain = np.flatnonzero(edge & (facing >= _FLANK_FACING))
        foreign = np.zeros(len(colours))
        if len(index) and len(plain):
            skin = between(sites.rest[plain], colours[plain], sites.rest[index], _SMOOTH_NEIGHBOURS)
            unlike = _unlikeness(colours[index], skin)
            vertices = sites.vertices[index]
            total = np.bincount(vertices, unlike) / np.maximum(np.bincount(vertices), 1)
            foreign[index] = np.clip((total[vertices] - _FOREIGN) / _FOREIGN + 0.5, 0, 1)
        return foreign

    def _only(self, shape: np.ndarray) -> np.ndarray | None:
        """The portrait with what lies in a polygon carried outwards; None for no polygon.

        A site near a lip or lid line may project to the wrong side of it; it must not take
        teeth for lips or lashes for the eye.
        """
        return nearest_fill(self._view.rgb, shape) if shape.any() else None

    def _without(self, shape: np.ndarray) -> np.ndarray:
        return nearest_fill(self._view.rgb, ~shape)

    def _of_sites(self, vertices: np.ndarray) -> dict[str, np.ndarray]:
        at = {name: mask[vertices] for name, mask in self._regions.items()}
        at["teeth"] = at["teeth_upper"] | at["teeth_lower"]
        return at

    def _trust(
        self, sites: Sites, pixels: np.ndarray, at: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """[M] 0..1: how much the mesh shows of the site, inside the matte; [M] bool: the rim, where
        hair goes on behind what shows.
        """
        slack = np.where(at["lids"], _LID_TOLERANCE_M, _DEPTH_TOLERANCE_M)
        inner = at["teeth"] | at["left_eyeball"] | at["right_eyeball"]
        contour = at["face_sides"] | at["jaw"] | at["chin"] | at["cheeks"] | at["neck"]
        least = np.where(contour, _CONTOUR_FACING, _FACING)
        least = np.where(at["lids"] & ~inner, _LID_FACING, least)
        view = self._view
        shown = shown_sites(view, sites, pixels, slack, least)
        shown &= ~at["lashes"] & ~at["mouth_interior"]
        facing = facing_camera(sites, view.camera)
        soft = np.clip((facing - least) / _SOFT, 0, 1)
        trust = np.where(at["lids"] | inner, 1.0, soft) * shown
        rim = at["scalp"] & ~at["lids"] & (facing > _RIM_FACING) & (facing < _FACING)
        return np.where(rim, _RIM_TRUST, trust), rim

    def _outline(self, sites: Sites, pixels: np.ndarray, rim: np.ndarray) -> np.ndarray:
        """[K, 2] pixels of sites at the head's rim, brought outwards to where the person ends.

        Hair stands off the skull: what the portrait shows at the skull's own rim is less of it.
        """
        inside = erode(self._view.matte > 0.95, _OUTLINE_PX)
        ahead = self._camera.project(sites.positions[rim] + _STEP_M * sites.normals[rim])
        outwards = ahead - pixels[rim]
        outwards /= np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-9)
        at = pixels[rim]
        going = np.ones(len(at), bool)
        for _ in range(_MOST_OUT_PX):
            going &= look_up(inside, at + outwards, False)
            at = at + going[:, None] * outwards
        return at

    def _fill_skin(
        self,
        colours: np.ndarray,
        trust: np.ndarray,
        sites: Sites,
        skin: np.ndarray,
        at: dict[str, np.ndarray],
    ) -> None:
        """Completes what does not show; a lid's inner part takes the skin's around it."""
        seen = trust > _SEEN
        if not (skin & seen).any():
            return
        rest = self._view.rest[0].numpy()
        count = len(rest)
        weight = trust * skin
        share = np.bincount(sites.vertices, weight, count)
        total = [np.bincount(sites.vertices, weight * c, count) for c in colours.T]
        shown = np.stack(total, -1) / np.maximum(share, 1e-6)[:, None]
        members = np.bincount(sites.vertices, skin, count)
        edges = undirected_edges(self._view.faces)
        edges = edges[(members[edges] > 0).all(1)]
        whole = completed(
            rest, edges, shown, share / np.maximum(members, 1), self._regions["scalp"]
        )
        part = np.flatnonzero(skin & (trust < 1))
        taken = np.flatnonzero(members > 0)
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
        """What the portrait hides of a mouth, darker towards the throat, lit as the face is."""
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


def _unlikeness(colours: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """[N] how foreign colours [N, 3] are to skin [N, 3]; `_FOREIGN` is half foreign.

    Shaded skin is darker, but of the same chromaticity.
    """
    bright, usual = (np.maximum(c.sum(1, keepdims=True), 1e-3) for c in (colours, skin))
    hue = np.abs(colours / bright - skin / usual).max(1)
    dark = np.clip(_DARK - (bright / usual)[:, 0], 0, None)
    return hue + dark

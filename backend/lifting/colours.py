"""Colours of the rig's Gaussians: what a portrait shows of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .closed_lids import hung_over
from .fill import nearest_fill
from .hair import within_outline
from .hair_tone import hair_tone
from .sampling import between, look_up, sample
from .sites import Sites, facing_camera, regions_at, shown_sites
from .view import View

SEEN = 0.5
"""Trust from where on a site counts as seen."""

_FACING = 0.12
_SOFT = 0.25  # from where on a site counts fully
_ASIDE, _PLAIN = 0.3, 0.7  # cosines to the camera from where on a splat is seen, and seen well
_OUTLINE_PX = 10  # farther out hair is dark, or blue of what is behind
_STEP_M = 0.001
_MOST_OUT_PX = 24
_RIM_FACING, _RIM_TRUST = -0.3, 0.3  # hair at the outline goes on behind it
_FLANK_FACING = 0.75
_FOREIGN = 0.05  # of chromaticity, from the skin beside it
_DARK = 0.6  # of its brightness: shade is rarely darker, hair is
_CONTOUR_FACING = 0.2  # the jaw's outline shows shadow, hair and background
_BARE_FACING = 0.4  # a bald skull's outline is lit by the wall behind
_LID_FACING = 0.05  # all of a lid that shows keeps the lash line's shadow
_DEPTH_TOLERANCE_M = 0.002
_LID_TOLERANCE_M = 0.0005  # a folded lid lies that close behind the one that shows
_SMOOTH_NEIGHBOURS = 64


@dataclass(frozen=True)
class Shown:
    """What photos show of M sites.

    Args:
        colours: [M, 3] display sRGB, where anything shows.
        trust: [M] 0..1 in them.
        rim: [M] bool: hair at the head's outline, which goes on behind what shows.
        plain: [M] 0..1: 1 for what faces the camera, 0 for what is seen from aside at best.
    """

    colours: np.ndarray
    trust: np.ndarray
    rim: np.ndarray
    plain: np.ndarray

    @property
    def well(self) -> np.ndarray:
        """[M] 0..1: how well a site itself is seen."""
        return np.where(self.rim, 0.0, self.trust) * self.plain


class SiteColours:
    """Finds what one portrait shows of the sites.

    Args:
        view: The portrait and the fitted head.
        over: [H, W] bool: hair that hides the face.

    Source: first-avatar.md, item 2 and "Visible".
    """

    def __init__(self, view: View, over: np.ndarray) -> None:
        self._view, self._over = view, over
        self._shapes, self._regions, self._camera = view.shapes, view.regions, view.camera

    def shown(self, sites: Sites) -> Shown:
        """What the portrait shows of every site."""
        pixels = self._camera.project(sites.positions)
        at = regions_at(self._view, sites.vertices)
        trust, rim = self._trust(sites, pixels, at)
        pixels[rim] = self._outline(sites, pixels, rim)
        colours = np.zeros((len(pixels), 3), np.float32)
        eyes, in_mouth = at["eyes"], at["in_mouth"]
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
        tone, share = hair_tone(self._view)
        colours[rim] = sample(tone, pixels[rim])
        trust[rim] *= look_up(share, pixels[rim], 0.0)  # ears do not go on behind
        trust *= 1 - self._foreign(colours, trust > SEEN, sites, at)
        trust[at["face"] & look_up(self._over, pixels, False)] = 0
        trust[hung_over(self._view, pixels, at)] = 0
        facing = facing_camera(sites, self._camera)
        return Shown(colours, trust, rim, np.clip((facing - _ASIDE) / (_PLAIN - _ASIDE), 0, 1))

    def _foreign(
        self, colours: np.ndarray, seen: np.ndarray, sites: Sites, at: dict[str, np.ndarray]
    ) -> np.ndarray:
        """[M] 0..1: the jaw's outline, where it took the colour of hair, collar or background."""
        below_ears = at["face_sides"] & (sites.rest[:, 1] < sites.rest[at["ears"], 1].min())
        contour = at["jaw"] | at["chin"] | at["cheeks"] | at["neck"] | below_ears
        edge = contour & seen & ~at["lips"]
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
        return nearest_fill(self._view.unspilt, ~shape)

    def _trust(
        self, sites: Sites, pixels: np.ndarray, at: dict[str, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """[M] 0..1: how much the mesh shows of the site, inside the matte; [M] bool: the rim, where
        hair goes on behind what shows.
        """
        slack = np.where(at["lids"], _LID_TOLERANCE_M, _DEPTH_TOLERANCE_M)
        inner = at["teeth"] | at["eyes"]
        contour = at["face_sides"] | at["jaw"] | at["chin"] | at["cheeks"] | at["neck"]
        least = np.where(contour, _CONTOUR_FACING, _FACING)
        bare = at["scalp"] & ~look_up(self._view.parts.worn, pixels, True)
        least = np.where(bare, _BARE_FACING, least)
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
        view = self._view
        inside = within_outline(view.matte, view.parts.worn, _OUTLINE_PX)
        ahead = self._camera.project(sites.positions[rim] + _STEP_M * sites.normals[rim])
        outwards = ahead - pixels[rim]
        outwards /= np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-9)
        at = pixels[rim]
        going = np.ones(len(at), bool)
        for _ in range(_MOST_OUT_PX):
            going &= look_up(inside, at + outwards, False)
            at = at + going[:, None] * outwards
        return at


def _unlikeness(colours: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """[N] how foreign colours [N, 3] are to skin [N, 3]; `_FOREIGN` is half foreign.

    Shaded skin is darker, but of the same chromaticity.
    """
    bright, usual = (np.maximum(c.sum(1, keepdims=True), 1e-3) for c in (colours, skin))
    hue = np.abs(colours / bright - skin / usual).max(1)
    dark = np.clip(_DARK - (bright / usual)[:, 0], 0, None)
    return hue + dark

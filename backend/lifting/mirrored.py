"""What a turned photo hides beside the head: the mirror image of the side that it shows."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch

from backend.head.surface import mirror_partners
from backend.splat import quaternions
from backend.splat.gaussians import IDENTITY_FRONT, Gaussians

from .colours import Shown
from .planes import PlaneTargets
from .polygons import dilate, erode, opened
from .sampling import look_up, sample
from .sites import Sites, facing_camera
from .view import View, facing, slopes

_MIRROR = np.array([-1.0, 1.0, 1.0])
_ASIDE = 0.2  # of a cosine: who faces the camera by so much more is believed
_OWNED = 0.5  # opacity of the front sheet from where on it is hair, ear or scalp
_MOST_RAISED_M, _RAISED_PX = 0.03, 3.0
_GAP_PX = 5  # a mirrored sheet's pixels lie apart
_LEAST_OPACITY = 0.1  # single hairs beside the head
_BEHIND_M = 0.006  # what the photo shows
_LEAST_SEEN = 0.3  # cosine to the camera: at an outline hair is dark, and skin blue of the wall
_MOST_FACING = 0.6  # what faces the camera so much, and is hidden all the same, is beneath hair
_SMOOTH_PX = 2.0
_SIGMA_PX, _DEEPEST_M = 0.8, 0.008
_OVERLAP, _CLOSE_PX, _SPECK_PX, _AROUND_PX = 0.75, 4, 4, 10


def less_at_outline(own: Shown, view: View, sites: Sites, at: dict[str, np.ndarray]) -> Shown:
    """What a photo shows, trusting less what it shows from aside at best where the head's other
    side faces the camera: an outline has the colours of the background's light, or of what lies
    behind it. Eyes and mouth stay.

    Args:
        own: What the photo shows.
        view: The photo and the fitted head.
        sites: M sites.
        at: [M] bool of each region.
    """
    count = len(view.rest[0])
    other = mirror_partners(view.rest[0].numpy())[sites.vertices]
    well = _vertex_means(own.well, sites, count)[other]
    better = np.clip(well - own.plain, 0, 1)
    # Hair at the outline is a guess on either side; the one that is turned away is the worse.
    ahead = facing_camera(sites, view.camera)
    nearer = np.clip((_vertex_means(ahead, sites, count)[other] - ahead) / _ASIDE, 0, 1)
    guessed = nearer * (_vertex_means(own.trust, sites, count)[other] > 0)
    better = np.where(own.rim, guessed, better)
    better[at["in_mouth"] | at["eyes"] | at["lids"] | at["lips"] | at["lashes"]] = 0
    return replace(own, trust=own.trust * (1 - better))


def symmetric(view: View, targets: PlaneTargets, of_head: np.ndarray) -> PlaneTargets:
    """The planes with hair as thick in front as on the other side.

    Args:
        view: The portrait and the fitted head.
        targets: What the planes should show.
        of_head: [H, W] bool: what turns with the head.
    """
    still = (targets.opacity[0] > _OWNED) & (view.matte > 0.5) & of_head
    rows, columns = np.nonzero(still)
    places = _mirror_image(view, np.stack([columns, rows], -1) + 0.5, targets.front_m[still])
    places = places[places[:, 1] > _neck_m(view)]
    reached = _scattered(view, places, _far_m(view) - view.camera.depth(places), nowhere=-np.inf)
    reached = cv2.morphologyEx(reached, cv2.MORPH_CLOSE, np.ones((_GAP_PX, _GAP_PX)))
    more = np.clip(reached - targets.front_m, 0, _MOST_RAISED_M) * still
    more = cv2.GaussianBlur(more, (0, 0), _RAISED_PX) * still
    return replace(targets, front_m=(targets.front_m + more).astype(np.float32))


def mirrored_side(
    view: View, targets: PlaneTargets, of_head: np.ndarray, cells: np.ndarray, step_px: float
) -> tuple[Gaussians, np.ndarray]:
    """The mirror image of the front sheet where the photo hides its place, and [H, W] bool: where
    that, and no back sheet, is what is behind the front one.

    Args:
        view: The portrait and the fitted head.
        targets: What the planes should show.
        of_head: [H, W] bool: what turns with the head.
        cells: [P, 2] pixels of the planes' cells.
        step_px: How far apart they are.
    """
    camera, depth = view.camera, _far_m(view) - targets.front_m
    even = cv2.GaussianBlur(depth.astype(np.float64), (0, 0), _SMOOTH_PX)
    slope = sample(slopes(even, camera), cells)
    steep = np.linalg.norm(slope, axis=1)
    places = _mirror_image(view, cells, sample(targets.front_m[..., None], cells)[:, 0])
    seen = 1 / np.sqrt(1 + steep**2)
    normals = np.column_stack([slope, -np.ones(len(slope))]) * seen[:, None]
    normals = normals @ camera.viewmat[:3, :3] * _MIRROR
    opacity = sample(targets.opacity[0][..., None], cells)[:, 0]
    pixels = camera.project(places)
    front = np.minimum(depth, np.where(view.visible.face >= 0, view.visible.depth, np.inf))
    beside = look_up(view.visible.face < 0, cells, False)
    kept = opacity > np.where(beside, _LEAST_OPACITY, _OWNED)
    kept &= look_up(of_head, cells, False)
    kept &= look_up(view.matte > 0.5, pixels, False)
    kept &= camera.depth(places) > look_up(front, pixels, np.inf) + _BEHIND_M
    kept &= facing(places, normals, camera) < _MOST_FACING
    kept &= seen > _LEAST_SEEN
    kept &= places[:, 1] > _neck_m(view)
    together = _together(view, places[kept])
    kept[kept] = look_up(together, pixels[kept], False)
    sheet = _sheet(view, places[kept], steep[kept], step_px)
    sheet.opacities = torch.from_numpy(opacity[kept]).float()
    sheet.features = torch.from_numpy(sample(targets.rgb, cells[kept])).float()
    near = dilate(view.visible.face >= 0, _AROUND_PX)  # long hair has another back
    return sheet, dilate(together, _AROUND_PX) & near


def _mirror_image(view: View, pixels: np.ndarray, front_m: np.ndarray) -> np.ndarray:
    """[N, 3] mirror images of places on the front sheet, head space, metres."""
    return view.camera.unproject(pixels, _far_m(view) - front_m) * _MIRROR


def _sheet(view: View, places: np.ndarray, steep: np.ndarray, step_px: float) -> Gaussians:
    """Discs at places [N, 3] that face the camera's mirror image, deeper where their sheet is
    steep; without colours."""
    rotation = view.camera.viewmat[:3, :3]
    sigma = _SIGMA_PX * step_px * view.camera.depth(places) / view.camera.K[0, 0]
    deep = np.clip(_OVERLAP * steep * sigma, sigma, np.maximum(_DEEPEST_M, sigma))
    axes = torch.from_numpy(rotation.T * np.outer(_MIRROR, _MIRROR))
    return Gaussians(
        means=torch.from_numpy(places).float(),
        quats=quaternions.from_matrix(axes).float().expand(len(places), 4).contiguous(),
        scales=torch.from_numpy(np.stack([sigma, sigma, deep], -1)).float(),
        opacities=torch.zeros(len(places)),
        features=torch.zeros(len(places), 0),
        layers=torch.full((len(places),), IDENTITY_FRONT, dtype=torch.uint8),
    )


def _together(view: View, places: np.ndarray) -> np.ndarray:
    """[H, W] bool: where places [N, 3] lie close to each other: single ones would be specks."""
    there = _scattered(view, places, np.ones(len(places)), nowhere=0.0) > 0
    return opened(erode(dilate(there, _CLOSE_PX), _CLOSE_PX), _SPECK_PX)


def _scattered(view: View, places: np.ndarray, values: np.ndarray, nowhere: float) -> np.ndarray:
    """[H, W] the largest of values [N] at the pixels that show places [N, 3]."""
    height, width = view.matte.shape
    image = np.full((height, width), nowhere)
    x, y = np.floor(view.camera.project(places)).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    np.maximum.at(image, (y[inside], x[inside]), values[inside])
    return image


def _far_m(view: View) -> float:
    """Metres from the camera to the planes."""
    return float(view.camera.viewmat[2, 3])


def _neck_m(view: View) -> float:
    """Height from where on hair and skin are the head's."""
    return float(view.head.joints_of(view.betas)[1, 1])


def _vertex_means(values: np.ndarray, sites: Sites, count: int) -> np.ndarray:
    """[count] means of values [M] over the sites of each vertex."""
    members = np.bincount(sites.vertices, minlength=count)
    return np.bincount(sites.vertices, values, count) / np.maximum(members, 1)

"""The open head laid over another head, to carry regions and landmarks across.

Deviates: FLAME has no region labels and no places for MediaPipe's 478 landmarks of its own; they
come from the open head, fitted to FLAME's template by similarity and identity components.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from .head import Head
from .painting import vertex_normals

_COMPONENTS = 40
_ROUNDS = 12
_NOISE_M = 0.003
_NEIGHBOURS = 650  # correspondences err together, so they count as about V / 650 measurements
_FACING = 0.3
_SCALES = (0.5, 2.0)
LEFT_EYE, RIGHT_EYE, JAW = 3, 4, 2
HIDDEN = ("teeth_upper", "teeth_lower", "tongue", "lashes")
"""Parts of the open head that FLAME does not have."""


@dataclass(frozen=True)
class Surface:
    """A head's template, as far as the transfer needs it.

    Args:
        points: [V, 3] metres.
        faces: [F, 3].
        joints: [5, 3].
        weights: [V, 5] skin weights.
    """

    points: np.ndarray
    faces: np.ndarray
    joints: np.ndarray
    weights: np.ndarray

    @property
    def eyeballs(self) -> np.ndarray:
        """[V] bool: what turns with an eye."""
        return self.weights[:, [LEFT_EYE, RIGHT_EYE]].sum(axis=1) > 0.5


def lay_over(head: Head, target: Surface) -> np.ndarray:
    """The open head's vertices [V0, 3], fitted to the target.

    Alternates nearest points that face the same way with a similarity and identity components
    (about N(0, 1)). Starts from the eyes' joints; axes are the same for all FLAME-like heads.

    Args:
        head: The open head.
        target: What to lie on.
    """
    template = head.v_template.double().numpy()
    shapes = head.shapedirs[..., :_COMPONENTS].double().numpy()
    faces = head.faces.numpy()
    own, theirs = head.joints_of(None)[[LEFT_EYE, RIGHT_EYE]], target.joints[[LEFT_EYE, RIGHT_EYE]]
    apart = np.linalg.norm(own[0] - own[1])
    scale = float(np.clip(np.linalg.norm(theirs[0] - theirs[1]) / apart, *_SCALES))
    fitted = (template - own.mean(axis=0)) * scale + theirs.mean(axis=0)
    used = _front(head)
    skin = np.flatnonzero(~target.eyeballs)
    tree = KDTree(target.points[skin])
    outward = vertex_normals(target.points, target.faces)[skin]
    betas = np.zeros(shapes.shape[-1])
    for _ in range(_ROUNDS):
        distance, nearest = (np.asarray(found) for found in tree.query(fitted[used]))
        facing = (vertex_normals(fitted, faces)[used] * outward[nearest]).sum(axis=1)
        close = (facing > _FACING) & (distance <= 3 * np.median(distance))
        if close.sum() < 30:
            break
        source, wanted = used[close], target.points[skin][nearest[close]]
        shaped = template + shapes @ betas
        rotation, scale, shift = similarity(shaped[source], wanted)
        local = (wanted - shift) @ rotation / scale - template[source]
        bases = shapes[source].reshape(-1, len(betas))
        prior = np.eye(len(betas)) * _NOISE_M**2 * _NEIGHBOURS
        betas = np.linalg.solve(bases.T @ bases + prior, bases.T @ local.ravel())
        fitted = (template + shapes @ betas) @ rotation.T * scale + shift
    return fitted


def carry_regions(
    head: Head, fitted: np.ndarray, target: Surface, masks: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The open head's regions [V] bool on the target, by nearest vertex that faces the same way.

    Args:
        head: The open head.
        fitted: From `lay_over`.
        target: Where to.
        masks: FLAME's own masks by its names; they win where they say the same thing.
    """
    own = {name: mask.numpy() for name, mask in head.regions.items()}
    absent = np.any([own[name] for name in (*HIDDEN, "eyeballs")], axis=0)
    usable = np.flatnonzero(~absent)
    _, near = KDTree(fitted[usable]).query(target.points, k=8)
    candidates = usable[np.asarray(near)]  # [V, 8]
    normals = vertex_normals(fitted, head.faces.numpy())[candidates]
    facing = np.einsum("vkd,vd->vk", normals, vertex_normals(target.points, target.faces))
    chosen = candidates[np.arange(len(candidates)), (facing > _FACING).argmax(axis=1)]
    eyeballs = target.eyeballs
    regions = {name: mask[chosen] & ~eyeballs for name, mask in own.items()}
    regions |= {name: np.zeros(len(eyeballs), dtype=bool) for name in HIDDEN}
    regions["eyeballs"] = eyeballs
    regions["left_eyeball"] = eyeballs & (target.weights[:, LEFT_EYE] > 0.5)
    regions["right_eyeball"] = eyeballs & ~regions["left_eyeball"]
    for name, parts in _FLAME_MASKS.items():
        if all(part in masks for part in parts):
            regions[name] = np.any([masks[part] for part in parts], axis=0) & ~eyeballs
    if "lips" in masks:
        regions["lower_lip"] = regions["lips"] & (target.weights[:, JAW] > 0.5)
        regions["upper_lip"] = regions["lips"] & ~regions["lower_lip"]
    return regions


_FLAME_MASKS = {
    "lips": ("lips",),
    "nose": ("nose",),
    "scalp": ("scalp",),
    "neck": ("neck",),
    "forehead": ("forehead",),
    "ears": ("left_ear", "right_ear"),
}
"""Our regions, from the names in FLAME_masks.pkl."""


def carry_landmarks(
    head: Head, fitted: np.ndarray, target: Surface
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles [478] and weights [478, 3] on the target: its points nearest to the open head's.

    Args:
        head: The open head.
        fitted: From `lay_over`.
        target: Where to.
    """
    corners = fitted[head.faces.numpy()[head.landmark_faces.numpy()]]
    points = (corners * head.landmark_bary.double().numpy()[..., None]).sum(axis=1)
    on_eye = target.eyeballs[target.faces].all(axis=1)
    irises = np.arange(478) >= 468
    triangles = np.empty(478, dtype=np.int64)
    weights = np.empty((478, 3))
    for which, allowed in ((irises, on_eye), (~irises, ~on_eye)):
        faces = np.flatnonzero(allowed if allowed.any() else np.ones_like(allowed))
        found, weights[which] = nearest_on(target.points, target.faces[faces], points[which])
        triangles[which] = faces[found]
    return triangles, weights


def nearest_on(
    vertices: np.ndarray, faces: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The triangle [N] and weights [N, 3] nearest to points [N, 3], to within a clamped corner.

    Searches the 24 triangles whose centres are nearest.
    """
    corners = vertices[faces]
    _, near = KDTree(corners.mean(axis=1)).query(points, k=min(24, len(faces)))
    near = np.asarray(near).reshape(len(points), -1)  # [N, K]
    a, b, c = np.moveaxis(corners[near], 2, 0)
    u, v, p = b - a, c - a, points[:, None] - a
    uu, uv, vv = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    pu, pv = (p * u).sum(-1), (p * v).sum(-1)
    area = np.maximum(uu * vv - uv * uv, 1e-30)
    second, third = (vv * pu - uv * pv) / area, (uu * pv - uv * pu) / area
    weights = np.clip(np.stack([1 - second - third, second, third], axis=-1), 0, 1)
    weights /= weights.sum(axis=-1, keepdims=True)
    place = np.einsum("nkc,nkcd->nkd", weights, corners[near])
    best = np.linalg.norm(place - points[:, None], axis=-1).argmin(axis=1)
    rows = np.arange(len(points))
    return near[rows, best], weights[rows, best]


def _front(head: Head) -> np.ndarray:
    """Vertices of the open head that every head has alike: the face's and skull's outer skin."""
    regions = {name: mask.numpy() for name, mask in head.regions.items()}
    front = regions["skin"] & ~regions["neck"] & ~regions["ears"] & ~regions["eye_sockets"]
    return np.flatnonzero(front & ~np.any([regions[name] for name in HIDDEN], axis=0))


def similarity(source: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Rotation [3, 3], scale and shift [3] that carry points [N, 3] onto others (Umeyama 1991)."""
    middle, goal = source.mean(axis=0), wanted.mean(axis=0)
    left, sizes, right = np.linalg.svd((wanted - goal).T @ (source - middle))
    sign = np.array([1, 1, np.sign(np.linalg.det(left @ right)) or 1.0])
    rotation = (left * sign) @ right
    spread = max(float(((source - middle) ** 2).sum()), 1e-12)
    scale = float(np.clip((sizes * sign).sum() / spread, *_SCALES))
    return rotation, scale, goal - scale * rotation @ middle

"""The portrait and the fitted head, seen together."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import cv2
import numpy as np
import torch

from backend.head import Head
from backend.head.surface import vertex_areas
from backend.head.zbuffer import Visible, rasterise_mesh
from backend.tracking.landmarks import EYE_CORNERS, INNER_LIPS, LEFT_EYE, MOUTH_CORNERS, RIGHT_EYE
from backend.tracking.lid_edges import on_lid_edges
from backend.tracking.portrait import Portrait
from shared.camera import Camera
from shared.flame import ARKIT_NAMES, Track

from .fill import extend_colours
from .parts import Parts, parse, with_collars, without_rim, without_skin
from .polygons import Polygons, disc, polygons
from .spill import without_spill
from .target import Target

STILL = 0.05
"""Mobility below which skin counts as one with the head."""

UPPER_LID_M = 0.0025
"""A blink moves upper lids farther than so, lower ones not."""

_STILL_M, _MOVING_M = 0.0004, 0.002
_LID_M = 0.001
_MOBILITY_MARGIN_PX = 5
_MOBILITY_BLUR_PX = 3.0
_MOST_STRETCH = 2.0
_EDGE_POINTS = 8  # between two landmarks
_ABOVE_MOUTH = 0.15  # of the eyes' distance: no hair hangs in clothes so high


class View:
    """The portrait and the fitted head, seen together; all on the CPU.

    Args:
        portrait: The matted, fitted picture.
        head: The head the rig uses.
    """

    def __init__(self, portrait: Portrait, head: Head) -> None:
        self.portrait, self.head = portrait, head
        self.camera = portrait.fit.camera
        track = portrait.fit.track
        assert track.betas is not None  # a fit always has them
        self.betas = track.betas
        self.vertices = head.vertices_of(track)  # [1, V, 3]
        self.rest = head.shape(torch.tensor(self.betas)[None])
        self.matte = portrait.matte
        self.rgb = extend_colours(portrait.rgb, self.matte)
        self.shapes: Polygons = polygons(
            portrait.landmarks, portrait.closed_eyes, self.camera.width
        )
        self.regions = {name: mask.numpy() for name, mask in head.regions.items()}
        self.regions["lids"] = (
            self.regions["lids"] | self.regions["eye_sockets"] | lid_skin(head, _LID_M)
        )
        self.regions["upper_lids"] = lid_skin(head, UPPER_LID_M)
        # The head's scalp reaches down behind the jaw, where nobody has hair of their own.
        heights = self.rest[0, :, 1].numpy()
        low = self.regions["scalp"] & (heights <= heights[self.regions["ears"]].min())
        self.regions["scalp"] = self.regions["scalp"] & ~low
        self.regions["neck"] = self.regions["neck"] | low
        faces = head.faces.numpy()
        solid = ~self.regions["lashes"][faces].any(1)
        self.faces = faces[solid]
        self.visible: Visible = rasterise_mesh(self.vertices[0].numpy(), self.faces, self.camera)
        self.mobility = vertex_mobility(head)

    def with_betas(self, betas: np.ndarray) -> View:
        """The same portrait with another identity [300] fitted to it."""
        fit = self.portrait.fit
        track = replace(fit.track, betas=betas)
        view = View(replace(self.portrait, fit=replace(fit, track=track)), self.head)
        view.parts = self.parts  # of the picture alone
        return view

    @cached_property
    def unspilt(self) -> np.ndarray:
        """[H, W, 3] as `rgb`, hair and the head's skin at the outline without the backdrop's light;
        ears are red by themselves."""
        hair, skin = self.parts.hair, ~self.parts.worn
        head = (self.visible.face >= 0) & ~self.shows("ears") & ~self.shows("neck")
        rgb = without_spill(self.rgb, self.matte, hair, hair)
        return without_spill(rgb, self.matte, skin & head, skin)

    @cached_property
    def parts(self) -> Parts:
        """What the portrait shows of skin, hair and clothes."""
        marks = self.portrait.landmarks[:, :2]
        eyes, mouth = marks[EYE_CORNERS], marks[MOUTH_CORNERS]
        eyes_px = float(np.linalg.norm(eyes[0] - eyes[1]))
        below_px = float(mouth[:, 1].mean()) - _ABOVE_MOUTH * eyes_px
        parsed = parse(self.portrait.matted, self.matte)
        parts = without_rim(parsed, self.matte, float(eyes[:, 1].mean()))
        parts = with_collars(parts, self.rgb, self.matte, below_px, eyes_px)
        return without_skin(parts, self.rgb, self.matte)

    @property
    def skin(self) -> np.ndarray:
        """[H, W] bool: skin, and all that is drawn on it."""
        return (self.matte > 0.5) & ~self.parts.worn

    def target(self) -> Target:
        """What personalisation aims at."""
        return Target(
            image=torch.from_numpy(np.ascontiguousarray(self.portrait.matted)),
            alpha=torch.from_numpy(self.matte),
            camera=self.camera,
            vertices=self.vertices,
            frames=self.head.local_frames(self.vertices),
            still=torch.from_numpy(self.mobility < STILL),
        )

    def shows(self, region: str) -> np.ndarray:
        """[H, W] bool: the pixel shows that part of the fitted head."""
        return self.shows_all(self.regions[region])

    def shows_all(self, vertices: np.ndarray) -> np.ndarray:
        """[H, W] bool: the pixel shows skin between such vertices [V] bool of the fitted head."""
        corners = vertices[self.faces[self.visible.face]]  # [H, W, 3]
        return (self.visible.face >= 0) & corners.all(-1)

    def closed(self, vertices: np.ndarray) -> np.ndarray:
        """[M, 3] places of vertices [M] when the eyes are closed, metres."""
        return self._blinking[vertices]

    def closed_lid_edges(self) -> np.ndarray:
        """[N, 3] points along the lids' edges when the eyes are closed, metres."""
        places = on_lid_edges(self.head).embed_landmarks(torch.from_numpy(self._blinking)).numpy()
        return np.concatenate([_along(places[list(eye)]) for eye in (LEFT_EYE, RIGHT_EYE)])

    def lip_line(self) -> np.ndarray:
        """[N, 3] points along the line in which closed lips touch, metres, without expression."""
        places = self.head.embed_landmarks(self.rest[0]).numpy()
        return _along(places[list(INNER_LIPS)])

    def lid_stretch(self) -> np.ndarray:
        """[V] how much farther apart neighbours are when the eyes are closed, 1 to `_MOST_STRETCH`.

        Splats do not grow with the skin: a lid that unfolds would show the eye between them.
        """
        faces = self.head.faces.numpy()
        rest = np.maximum(vertex_areas(self.rest[0].numpy(), faces), 1e-12)
        return np.clip(np.sqrt(vertex_areas(self._blinking, faces) / rest), 1, _MOST_STRETCH)

    @cached_property
    def _blinking(self) -> np.ndarray:
        blink = Track.from_arkit({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0})
        shown = replace(self.head.translated(blink), betas=self.betas)
        return self.head.vertices_of(shown)[0].numpy()

    def far_side(self) -> Visible:
        """The back of the head from the portrait's camera, as if its front were not there."""
        return self.back_of(self.regions["scalp"])

    def back_of(self, vertices: np.ndarray) -> Visible:
        """The same of the part that these vertices [V] bool are."""
        faces = self.faces[vertices[self.faces].all(axis=1)]
        turned = np.ascontiguousarray(faces[:, ::-1])
        return rasterise_mesh(self.vertices[0].numpy(), turned, self.camera, cull_back=True)

    def facing_image(self) -> np.ndarray:
        """[H, W] cosine between the fitted head's skin and the camera; 0 beside it."""
        normals = self.head.normals(self.vertices)[0].numpy()
        vertices = facing(self.vertices[0].numpy(), normals, self.camera)
        corners = vertices[self.faces[self.visible.face]]
        return np.where(self.visible.face >= 0, (corners * self.visible.barycentric).sum(-1), 0)

    def mobility_image(self) -> np.ndarray:
        """[H, W] 0..1: the pixel shows skin that the rig moves."""
        hit = self.visible.face >= 0
        corners = self.mobility[self.faces[self.visible.face]]
        image = np.where(hit, (corners * self.visible.barycentric).sum(-1), 0)
        grown = cv2.dilate(image.astype(np.float32), disc(_MOBILITY_MARGIN_PX))
        return np.clip(cv2.GaussianBlur(grown, (0, 0), _MOBILITY_BLUR_PX), 0, 1)


def facing(places: np.ndarray, normals: np.ndarray, camera: Camera) -> np.ndarray:
    """[N] cosine between unit normals [N, 3] at places [N, 3], metres, and the direction to the
    camera."""
    rotation, shift = camera.viewmat[:3, :3], camera.viewmat[:3, 3]
    to_camera = -(places @ rotation.T + shift) @ rotation
    to_camera /= np.linalg.norm(to_camera, axis=1, keepdims=True)
    return (normals * to_camera).sum(1)


def slopes(depth: np.ndarray, camera: Camera) -> np.ndarray:
    """[H, W, 2] metres per metre to the right and downwards, of metres from a camera [H, W]."""
    down, right = np.gradient(depth)
    return np.stack([right, down], -1) * (camera.K[0, 0] / depth[..., None])


def _along(ring: np.ndarray) -> np.ndarray:
    """[N * points, 3] between each of [N, 3] places and the next, the last and the first too."""
    share = np.linspace(0, 1, _EDGE_POINTS, endpoint=False)[:, None, None]
    return (ring + share * (np.roll(ring, -1, axis=0) - ring)).reshape(-1, 3)


def vertex_mobility(head: Head) -> np.ndarray:
    """[V] 0..1: how far any expression unit moves a vertex; the front of the face counts fully."""
    reach = head.unit_deltas().norm(dim=-1).amax(dim=0).numpy()  # [V] metres
    mobility = np.clip((reach - _STILL_M) / (_MOVING_M - _STILL_M), 0, 1)
    inner = ("face", "lips", "lids", "mouth_interior", "teeth_upper", "teeth_lower", "tongue")
    for name in (*inner, "left_eyeball", "right_eyeball"):
        mobility[head.regions[name].numpy()] = 1.0
    return mobility.astype(np.float32)


def lid_skin(head: Head, least_m: float) -> np.ndarray:
    """[V] bool: skin that blinking moves farther than so."""
    blink = [ARKIT_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    reach = head.unit_deltas()[blink].norm(dim=-1).amax(dim=0).numpy()
    return (reach > least_m) & ~head.regions["lashes"].numpy()

"""The portrait and the fitted head, seen together."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from backend.head import Head
from backend.head.zbuffer import Visible, rasterise_mesh
from backend.tracking.portrait import Portrait
from shared.flame import ARKIT_NAMES

from .fill import extend_colours
from .polygons import Polygons, polygons
from .target import Target

_STILL_M, _MOVING_M = 0.0004, 0.002
_LID_M = 0.001
_MOBILITY_MARGIN_PX = 5
_MOBILITY_BLUR_PX = 3.0


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
        self.shapes: Polygons = polygons(portrait.landmarks, self.camera.width)
        self.regions = {name: mask.numpy() for name, mask in head.regions.items()}
        self.regions["lids"] = self.regions["lids"] | self.regions["eye_sockets"] | lid_skin(head)
        faces = head.faces.numpy()
        solid = ~self.regions["lashes"][faces].any(1)
        self.faces = faces[solid]
        self.visible: Visible = rasterise_mesh(self.vertices[0].numpy(), self.faces, self.camera)
        self.mobility = vertex_mobility(head)

    def target(self) -> Target:
        """What personalisation aims at."""
        return Target(
            image=torch.from_numpy(np.ascontiguousarray(self.portrait.matted)),
            alpha=torch.from_numpy(self.matte),
            camera=self.camera,
            vertices=self.vertices,
            frames=self.head.local_frames(self.vertices),
            still=torch.from_numpy(self.mobility < 0.05),
        )

    def mobility_image(self) -> np.ndarray:
        """[H, W] 0..1: the pixel shows skin that the rig moves."""
        hit = self.visible.face >= 0
        corners = self.mobility[self.faces[self.visible.face]]
        image = np.where(hit, (corners * self.visible.barycentric).sum(-1), 0)
        size = 2 * _MOBILITY_MARGIN_PX + 1
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        grown = cv2.dilate(image.astype(np.float32), disc)
        return np.clip(cv2.GaussianBlur(grown, (0, 0), _MOBILITY_BLUR_PX), 0, 1)


def vertex_mobility(head: Head) -> np.ndarray:
    """[V] 0..1: how far any expression unit moves a vertex; the front of the face counts fully."""
    reach = head.unit_deltas().norm(dim=-1).amax(dim=0).numpy()  # [V] metres
    mobility = np.clip((reach - _STILL_M) / (_MOVING_M - _STILL_M), 0, 1)
    inner = ("face", "lips", "lids", "mouth_interior", "teeth_upper", "teeth_lower", "tongue")
    for name in (*inner, "left_eyeball", "right_eyeball"):
        mobility[head.regions[name].numpy()] = 1.0
    return mobility.astype(np.float32)


def lid_skin(head: Head) -> np.ndarray:
    """[V] bool: skin that blinking moves."""
    blink = [ARKIT_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    reach = head.unit_deltas()[blink].norm(dim=-1).amax(dim=0).numpy()
    return (reach > _LID_M) & ~head.regions["lashes"].numpy()

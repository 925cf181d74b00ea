"""Poses, and what third parties see in the rendered pictures of them."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backend.avatar.file import Avatar
from backend.avatar.pipeline import Pipeline
from backend.avatar.render import Frame
from backend.tracking.detect import Detector, Face
from backend.tracking.landmarks import INNER_LIPS
from demo import motion
from shared.flame import ARKIT_NAMES, Track

RIGHT_PUPIL, LEFT_PUPIL = 468, 473
UPPER_LIP, LOWER_LIP, RIGHT_MOUTH_CORNER, LEFT_MOUTH_CORNER = 13, 14, 61, 291
TEETH_LIGHTER_THAN, TEETH_LESS_RED_THAN = 55.0, 15.0  # CIE L* and a*


def turned(yaw_deg: float) -> Track:
    """The neutral face, its head turned to the subject's left by an angle."""
    return Track.neutral(1, neck_pose=[[0.0, math.radians(yaw_deg), 0.0]])


POSES = {
    "neutral": Track.neutral(),
    "smile": Track.from_arkit({"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}),
    "jawOpen": Track.from_arkit({"jawOpen": 0.7}),
    "blink": Track.from_arkit({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}),
    "browsUp": Track.from_arkit(
        {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0}
    ),
    "yaw -20": turned(-20),
    "yaw -10": turned(-10),
    "yaw 10": turned(10),
    "yaw 20": turned(20),
}


def spoken(every: int) -> list[Track]:
    """Every so many frames of the demo's spoken sequence."""
    speech = motion.speech()
    assert set(speech["names"]) <= set(ARKIT_NAMES)
    frames = speech["frames"][::every]
    return [Track.from_arkit(dict(zip(speech["names"], f["weights"], strict=True))) for f in frames]


@dataclass(frozen=True)
class Shot:
    """A rendered picture and the face that MediaPipe finds in it."""

    frame: Frame
    face: Face


class Looker:
    """Renders the avatar through the portrait's camera, on black."""

    def __init__(self, pipeline: Pipeline, avatar: Avatar) -> None:
        self.pipeline, self.avatar = pipeline, avatar
        self.detector: Detector = pipeline.tracker.detector

    def frame(self, track: Track, ablate: frozenset[str] = frozenset()) -> Frame:
        """The picture of a pose."""
        return self.pipeline.picture(self.avatar, track, self.avatar.camera, ablate)

    @functools.cached_property
    def own(self) -> Frame:
        """The portrait's own pose and expression."""
        return self.frame(self.avatar.source)

    @functools.cache  # noqa: B019 - lives as long as the tests
    def shot(self, pose: str) -> Shot:
        """One of `POSES`, with the face in it."""
        frame = self.frame(POSES[pose])
        return Shot(frame, self.face(to_bytes(frame.rgb)))

    def face(self, rgb: np.ndarray) -> Face:
        """The one face that is in a picture [H, W, 3] uint8."""
        faces = self.detector.detect(rgb)
        assert len(faces) == 1, f"{len(faces)} faces"
        return faces[0]

    def projected(self, track: Track) -> np.ndarray:
        """[478, 2] pixels: where the posed head has the landmarks."""
        own = dataclasses.replace(track, betas=self.avatar.source.betas)
        head = self.pipeline.head
        points = head.embed_landmarks(head.vertices_of(own)[0]).double().numpy()
        pose = head.head_pose_of(own).double().numpy()
        return self.avatar.camera.project(points @ pose[:3, :3].T + pose[:3, 3])


def to_bytes(rgb: np.ndarray) -> np.ndarray:
    """[H, W, 3] 0..1 as uint8."""
    return (np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8)


def hull(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """[H, W] bool: inside the convex hull of pixel positions [N, 2]."""
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(points).astype(np.int32)), 1)
    return mask > 0


def lip_gap(face: Face) -> float:
    """How far the lips part in the middle, in widths of the mouth."""
    points = face.landmarks[:, :2]
    gap = np.linalg.norm(points[UPPER_LIP] - points[LOWER_LIP])
    return float(gap / np.linalg.norm(points[RIGHT_MOUTH_CORNER] - points[LEFT_MOUTH_CORNER]))


def teeth_between_lips(rgb: np.ndarray, face: Face) -> float:
    """Share of the pixels between (and on the edges of) the lips that have the colour of teeth.

    Args:
        rgb: [H, W, 3] display sRGB 0..1.
        face: The face in it.
    """
    polygon = np.round(face.landmarks[list(INNER_LIPS), :2]).astype(np.int32)
    between = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillPoly(between, [polygon], 1)
    between = cv2.dilate(between, np.ones((3, 3), np.uint8)) > 0
    lab = cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2LAB)[between]
    teeth = (lab[:, 0] > TEETH_LIGHTER_THAN) & (lab[:, 1] < TEETH_LESS_RED_THAN)
    return float(teeth.mean())


class Recognition:
    """dlib's face recognition: its own detector, landmarks and descriptor."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("face_recognition_models")
        assert spec is not None
        assert spec.origin is not None
        dlib: Any = importlib.import_module("dlib")  # it has no types
        models = Path(spec.origin).parent / "models"
        self._detect = dlib.get_frontal_face_detector()
        self._shape = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        self._network = dlib.face_recognition_model_v1(
            str(models / "dlib_face_recognition_resnet_model_v1.dat")
        )

    def descriptor(self, rgb: np.ndarray) -> np.ndarray:
        """[128] of the face in [H, W, 3] uint8."""
        faces = self._detect(rgb, 0)
        assert len(faces) == 1, f"dlib sees {len(faces)} faces"
        return np.array(self._network.compute_face_descriptor(rgb, self._shape(rgb, faces[0])))

"""The 478 landmarks of a FLAME head, found once in its own painted portrait.

`load_head` carries the open head's landmarks over; what the detector itself sees on this head is
better, and is kept beside the head's file.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace

import numpy as np
import torch

from backend.assets import FACE_LANDMARKER
from backend.head import Head
from backend.head.derived import Limits, derived
from backend.head.flame import MEDIAPIPE, VERSION
from backend.head.flame_file import read_bytes, read_mediapipe
from backend.head.painting import Model, paint, portrait_camera

from .back_projection import back_project, joined, places, symmetric_landmarks
from .detect import Detector

_SIZE_PX = 1024
_FILL_M = 0.30
_OPEN_RAD = 0.2
_FAR_M = 0.012  # farther than this from the carried landmarks, the portrait was misread
_EYES_AT_M, _EYES_APART_M = np.array([0.0, 0.030, 0.055]), 0.0577  # where `paint` expects them

_log = logging.getLogger(__name__)


def embedded(head: Head, detector: Detector) -> Head:
    """The head with its landmarks as the detector sees them; the open head as it is.

    Where the detector does not recognise the painted head, the carried landmarks stay, and the
    log says so.

    Args:
        head: On the CPU.
        detector: Finds the landmarks at the first use of a file.
    """
    if head.path is None:
        return head
    limits: Limits = {
        "landmark_faces": ((478,), len(head.faces)),
        "landmark_bary": ((478, 3), 0),
    }
    task = hashlib.sha256(FACE_LANDMARKER.read_bytes()).hexdigest()
    own = head.path.with_name(MEDIAPIPE)
    beside = hashlib.sha256(read_bytes(own)).hexdigest() if own.exists() else ""
    found = derived(
        head.path.with_name(f"{head.path.name}.landmarks.npz"),
        " ".join([VERSION, head.hash, task, beside]),
        limits,
        lambda: _found(head, detector),
    )
    return replace(
        head,
        landmark_faces=torch.from_numpy(found["landmark_faces"]).long(),
        landmark_bary=torch.from_numpy(found["landmark_bary"]).float(),
    )


def _found(head: Head, detector: Detector) -> dict[str, np.ndarray]:
    triangles, weights = head.landmark_faces.numpy().copy(), head.landmark_bary.numpy().copy()
    seen = _seen(head, detector)
    if seen is None:
        _log.warning("%s: the detector sees no face in this head's portrait", head.path)
    else:
        model = _model(head)
        away = np.linalg.norm(places(model, triangles, weights) - places(model, *seen), axis=1)
        if away.mean() > _FAR_M:
            _log.warning(
                "%s: the head's portrait was misread by %.0f mm", head.path, 1000 * away.mean()
            )
        else:
            triangles, weights = seen[0].astype(np.int64), seen[1]
    assert head.path is not None
    own = head.path.with_name(MEDIAPIPE)
    if own.exists():
        numbers, *theirs = read_mediapipe(own, len(head.faces))
        triangles[numbers], weights[numbers] = theirs
    return {"landmark_faces": triangles, "landmark_bary": weights.astype(np.float32)}


def _seen(head: Head, detector: Detector) -> tuple[np.ndarray, np.ndarray] | None:
    """Triangles [478] and weights [478, 3]; None where the portrait shows the detector no face."""
    model = _model(head)
    camera = portrait_camera(_SIZE_PX, fill=_FILL_M)

    def detect(picture: np.ndarray) -> np.ndarray:
        faces = detector.detect(np.ascontiguousarray(picture))
        if not faces:
            raise LookupError
        return faces[0].landmarks[:, :2].astype(np.float64)

    views, shown = [], []
    for jaw in (0.0, _OPEN_RAD):
        picture, visible = paint(model, _posed(head, jaw), camera)
        try:
            points = symmetric_landmarks(picture, detect)
        except (LookupError, ValueError):  # no face, or one whose sides do not match
            return None
        views.append(back_project(model, points, visible, camera))
        shown.append(visible)
    return joined(model, camera, shown[0], *views)


def _model(head: Head) -> Model:
    regions = {name: mask.numpy() for name, mask in head.regions.items()}
    rest = _posed(head, 0.0)
    eyes = _placed(head, head.joints_of(None)[3:])
    return Model(rest, head.faces.numpy(), regions, eyes)


def _posed(head: Head, jaw: float) -> np.ndarray:
    """[V, 3] the average head with the jaw open by an angle in radians, where `paint` wants it."""
    zero = torch.zeros(1, 3)
    turn = torch.tensor([[jaw, 0.0, 0.0]])
    vertices = head.vertices(torch.zeros(1, 1), torch.zeros(1, 1), turn, zero, zero)
    return _placed(head, vertices[0].double().numpy())


def _placed(head: Head, points: np.ndarray) -> np.ndarray:
    eyes = head.joints_of(None)[3:]
    apart = max(float(np.linalg.norm(eyes[0] - eyes[1])), 1e-6)
    return (points - eyes.mean(axis=0)) * (_EYES_APART_M / apart) + _EYES_AT_M

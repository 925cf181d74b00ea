"""Who it is: cosine similarity of identity features of the result and the source."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from backend.assets.downloads import asset
from backend.tracking.detect import Face
from backend.tracking.similarity import similarity
from shared.errors import AvatarError

from .faces import FaceReader
from .shot import Shot

ARCFACE_FILE = "arcface/*.onnx"
ARCFACE_PX = 112
_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366],
     [41.5493, 92.3655], [70.7299, 92.2041]], np.float32,
)  # fmt: skip
"""Where ArcFace's training put both eyes, the nose tip and the mouth's corners, pixels."""

_FIVE = ((33, 133), (263, 362), (4,), (61,), (291,))
"""MediaPipe landmarks whose means are those points, left to right in the picture."""


class _Identity:
    against: Literal["target", "source"] = "source"

    def __init__(self, reader: FaceReader) -> None:
        self._reader = reader

    def describe(self, shot: Shot) -> np.ndarray | None:
        """Unit-length identity feature; None where no face is found."""
        face = self._reader.face(shot)
        if face is None:
            return None
        feature = self._feature(shot.pixels, face)
        return feature / np.linalg.norm(feature)

    def _feature(self, rgb: np.ndarray, face: Face) -> np.ndarray:
        raise NotImplementedError

    def compare(self, result: np.ndarray, reference: np.ndarray) -> float:
        """Cosine; higher is more alike.

        Source: Eq. 20.
        """
        return float(result @ reference)

    def close(self) -> None:
        """Frees the shared landmarker."""
        self._reader.close()


class Csim(_Identity):
    """CSIM with the user's ArcFace network (ONNX, 112x112 RGB in -1..1).

    Args:
        reader: Finds the five points that align the face.
        path: The network; default: the first file `arcface/*.onnx` of the assets folder.

    Raises:
        AvatarError: `missing_weights`, or `bad_file` for another network.
    """

    name = "csim"

    def __init__(self, reader: FaceReader, path: Path | None = None) -> None:
        super().__init__(reader)
        self._path = asset(ARCFACE_FILE) if path is None else path
        try:
            self._net = cv2.dnn.readNetFromONNX(str(self._path))
            self._run(np.zeros((ARCFACE_PX, ARCFACE_PX, 3), np.uint8))
        except cv2.error as error:
            raise AvatarError(
                "bad_file",
                f"{self._path} is not an ONNX network of 112x112 faces ({error.err}).",
                "Put an ArcFace recognition network with one input [N, 3, 112, 112] there.",
            ) from error

    def _feature(self, rgb: np.ndarray, face: Face) -> np.ndarray:
        return self._run(aligned(rgb, face))

    def _run(self, rgb: np.ndarray) -> np.ndarray:
        """[D] feature of an aligned face [112, 112, 3] uint8."""
        self._net.setInput(cv2.dnn.blobFromImage(rgb, 1 / 127.5, mean=(127.5, 127.5, 127.5)))
        return self._net.forward().reshape(-1).astype(np.float64)


class CsimDlib(_Identity):
    """Cosine of dlib's 128 face descriptors; not comparable with ArcFace's.

    Raises:
        AvatarError: `missing_weights` without the packages dlib-bin and face-recognition-models.
    """

    name = "csim_dlib"

    def __init__(self, reader: FaceReader) -> None:
        super().__init__(reader)
        try:
            import dlib

            folder = Path(_models_folder())
        except ImportError as error:
            raise AvatarError(
                "missing_weights",
                f"csim_dlib needs the package {error.name}.",
                "Install the research environment (docs/training.md), or leave csim_dlib out.",
            ) from error
        self._dlib: Any = dlib
        five = folder / "shape_predictor_5_face_landmarks.dat"
        network = folder / "dlib_face_recognition_resnet_model_v1.dat"
        self._points = self._dlib.shape_predictor(str(five))
        self._net = self._dlib.face_recognition_model_v1(str(network))

    def _feature(self, rgb: np.ndarray, face: Face) -> np.ndarray:
        x0, y0, x1, y1 = (int(v) for v in face.box)
        shape = self._points(rgb, self._dlib.rectangle(x0, y0, x1, y1))
        return np.array(self._net.compute_face_descriptor(rgb, shape))


def aligned(rgb: np.ndarray, face: Face) -> np.ndarray:
    """[112, 112, 3] uint8: the face moved, turned and scaled onto ArcFace's template."""
    points = np.stack([face.landmarks[list(ids), :2].mean(0) for ids in _FIVE])
    matrix = similarity(points, _TEMPLATE)
    return cv2.warpAffine(rgb, matrix, (ARCFACE_PX, ARCFACE_PX))


def _models_folder() -> Path:
    # Its own __init__ wants pkg_resources, which new setuptools lack; the files are what we need.
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(name="face-recognition-models")
    return Path(spec.submodule_search_locations[0]) / "models"

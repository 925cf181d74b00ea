"""From a photograph's bytes to a matted, fitted portrait."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Self

import numpy as np

from backend.head import Head
from shared.errors import AvatarError
from shared.progress import Progress

from .crop import PORTRAIT_PX, Crop, crop_around
from .decode import Picture, decode
from .detect import Detector, Face
from .embedding import embedded
from .fit import Fit, Fitter
from .foreground import foreground
from .landmarks import FACE_OVAL
from .lid_edges import on_lid_edges
from .matte import Matter
from .outline import inside_matte
from .surround import WIDER, Surround, gone_on, joined

_MOST_TURNED_DEG = 45.0
_WORST_FIT_PX = 8.0
_LEAST_MATTE = 0.05
_MOST_CUT = 0.06  # of the landmarks inside the face; whole faces reach .03 by loose mattes
_INNER = np.setdiff1d(np.arange(468), FACE_OVAL)


@dataclass(frozen=True)
class Portrait:
    """One person, cropped, matted and fitted.

    Args:
        rgb: [512, 512, 3] float32 0..1 display sRGB of the crop, background included; where the
            person is half transparent, their own colours alone.
        matte: [512, 512] float32 0..1. Both go on, softly, beyond the picture's edge.
        surround: The same around the crop; None where the crop is all there is.
        landmarks: [478, 2] pixels of the crop.
        crop: Where in the source picture it lies.
        fit: Parameters and camera.
        digest: sha256 of the source file, hexadecimal.
    """

    rgb: np.ndarray
    matte: np.ndarray
    surround: Surround | None
    landmarks: np.ndarray
    crop: Crop
    fit: Fit
    digest: str

    @property
    def matted(self) -> np.ndarray:
        """[512, 512, 3] the portrait on black."""
        return self.rgb * self.matte[..., None]


class Tracker:
    """Detection, matting and fitting, with the models kept open. One per thread."""

    def __init__(self, head: Head) -> None:
        self.detector = Detector()
        self._matter = Matter()
        self.head = on_lid_edges(embedded(head, self.detector))
        self.fitter = Fitter(self.head)

    def close(self) -> None:
        """Frees the models."""
        self.detector.close()
        self._matter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def portrait(self, data: bytes, face: int | None, progress: Progress) -> Portrait:
        """Reads a photograph.

        Args:
            data: The picture file's bytes.
            face: Which face, from left to right; None takes the largest.
            progress: Told before each part; may cancel.

        Raises:
            AvatarError: `bad_file`, `no_face_found`, `face_too_small`, or `bad_request` for a
                face that is cut off or turned too far, or that the head cannot be fitted to.
        """
        progress("decode", 0, 4)
        picture = decode(data)
        progress("detect", 1, 4)
        chosen = self.detector.choose(picture.rgb, face)
        crop = crop_around(chosen)
        rgb = crop.apply(picture.rgb)
        near = self._nearest(rgb, crop, chosen)
        progress("matte", 2, 4)
        alpha_scale = _alpha_scale(picture, crop, near.landmarks)
        matte = self._matte(rgb, crop, picture, alpha_scale)
        _check_whole(near.landmarks, matte)
        progress("fit", 3, 4)
        fit = self.fitter.fit(near.landmarks[:, :2], near.blendshapes)
        _check_fit(fit)
        fit = inside_matte(fit, self.head, matte)
        progress("fit", 4, 4)
        inside = crop.inside(*picture.size)
        seen = own_colours(rgb, matte, crop, picture)
        seen, matte = gone_on(seen, matte, inside, PORTRAIT_PX)
        return Portrait(
            seen,
            matte,
            self._surround(picture, crop, seen, matte, alpha_scale),
            near.landmarks[:, :2],
            crop,
            fit,
            hashlib.sha256(data).hexdigest(),
        )

    def _nearest(self, rgb: np.ndarray, crop: Crop, face: Face) -> Face:
        """The face seen again in its crop, where landmarks are finer."""
        expected = crop.points(face.landmarks[:, :2]).mean(0)
        again = self.detector.detect(rgb)
        if not again:
            return _rescaled(face, crop)
        return min(
            again, key=lambda f: float(np.linalg.norm(f.landmarks[:, :2].mean(0) - expected))
        )

    def _matte(
        self, rgb: np.ndarray, crop: Crop, picture: Picture, alpha_scale: float
    ) -> np.ndarray:
        """The crop's matte: the file's own alpha where it has one, else the segmenter's."""
        matte = self._matte_of(rgb, crop, picture, alpha_scale)
        if matte.mean() < _LEAST_MATTE:
            raise AvatarError(
                "no_face_found",
                f"Only {matte.mean():.0%} of the crop around the face could be told from the "
                f"background; at least {_LEAST_MATTE:.0%} are needed.",
                "Use a photo with a plainer background, or one whose background is transparent.",
            )
        return matte

    def _surround(
        self,
        picture: Picture,
        crop: Crop,
        rgb: np.ndarray,
        matte: np.ndarray,
        alpha_scale: float,
    ) -> Surround:
        """What lies around the crop, whose own colours [512, 512, 3] and matte go in the middle."""
        window = crop.widened(WIDER)
        wide = window.apply(picture.rgb)
        share = self._matte_of(wide, window, picture, alpha_scale)
        inside = window.inside(*picture.size)
        colours = own_colours(wide, share, window, picture)
        colours, share = gone_on(colours, share, inside, PORTRAIT_PX / WIDER)
        return Surround(joined(rgb, colours), joined(matte, share))

    def _matte_of(
        self, rgb: np.ndarray, window: Crop, picture: Picture, alpha_scale: float
    ) -> np.ndarray:
        """[512, 512] float32 0..1 of a window of the picture; 0 outside the picture."""
        inside = window.inside(*picture.size)
        if picture.alpha is not None:
            matte = window.apply(picture.alpha).astype(np.float32) * (alpha_scale / 255)
        else:
            part = _box(inside)
            matte = np.zeros(inside.shape, np.float32)
            matte[part] = self._matter.fine(np.ascontiguousarray(rgb[part]))
        return np.where(inside, np.clip(matte, 0, 1), 0).astype(np.float32)


def own_colours(rgb: np.ndarray, matte: np.ndarray, window: Crop, picture: Picture) -> np.ndarray:
    """[512, 512, 3] float32 0..1 of a window's uint8: the person's without what is behind them."""
    colours = rgb.astype(np.float32) / 255
    if picture.alpha is None:
        part = _box(window.inside(*picture.size))
        share = matte[part]
        own = foreground(colours[part], share)
        colours[part] = np.where(share[..., None] > 0, own, colours[part])
    return colours


def _box(inside: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the rectangle that [H, W] bool `inside` is."""
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    return np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _alpha_scale(picture: Picture, crop: Crop, landmarks: np.ndarray) -> float:
    """What brings the file's alpha at the face to 1: an evenly see-through person is whole."""
    if picture.alpha is None:
        return 1.0
    alpha = crop.apply(picture.alpha).astype(np.float32) / 255
    return 1 / max(float(np.median(_at_face(alpha, landmarks))), 0.5)


def _rescaled(face: Face, crop: Crop) -> Face:
    landmarks = face.landmarks * (PORTRAIT_PX / crop.side)
    landmarks[:, :2] = crop.points(face.landmarks[:, :2])
    return Face(landmarks, face.blendshapes, face.pose)


def _at_face(matte: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The matte at the landmarks inside the face; 0 beside the crop."""
    at = np.floor(landmarks[_INNER, :2]).astype(int) + 1  # + 1: nothing is around the crop
    columns, rows = np.clip(at, 0, PORTRAIT_PX + 1).T
    return np.pad(matte, 1)[rows, columns]


def _check_whole(landmarks: np.ndarray, matte: np.ndarray) -> None:
    cut = float((_at_face(matte, landmarks) < 0.5).mean())
    if cut > _MOST_CUT:
        raise AvatarError(
            "bad_request",
            f"{cut:.0%} of the face lies outside the picture or in its background; at most "
            f"{_MOST_CUT:.0%} may.",
            "Use a photo that shows the whole face.",
        )


def _check_fit(fit: Fit) -> None:
    forward = -fit.camera.viewmat[2, :3]  # from the head towards the camera, head space
    yaw = float(np.degrees(np.arctan2(forward[0], forward[2])))
    if abs(yaw) > _MOST_TURNED_DEG:
        raise AvatarError(
            "bad_request",
            f"The face is turned {abs(yaw):.0f} degrees away; at most {_MOST_TURNED_DEG:.0f} "
            "can be used.",
            "Use an upright photo taken from the front.",
        )
    if fit.error_px > _WORST_FIT_PX:
        raise AvatarError(
            "bad_request",
            f"The head model misses the face by {fit.error_px:.1f} pixels on average; at most "
            f"{_WORST_FIT_PX:.0f} are accepted.",
            "Use a photo in which nothing covers the face.",
        )

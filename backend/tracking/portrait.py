"""From a photograph's bytes to a matted, fitted portrait."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from backend.head import Head
from shared.errors import AvatarError
from shared.progress import Progress

from .beyond import gone_on
from .crop import PORTRAIT_PX, Crop, crop_around
from .decode import Picture, decode
from .detect import Detector, Face
from .embedding import embedded
from .faces import check_size, choose, no_face, placed
from .fit import Fit
from .fitter import Fitter
from .landmarks import INNER, closed_eyes
from .lid_edges import on_lid_edges
from .matte import Matter
from .neighbours import faces_beside
from .notes import CUT_APART, TURNED, photo_notes
from .outline import Outlined, inside_mattes
from .person import Person, cuts_out
from .surround import WIDER, Surround, joined
from .teeth import Smile, with_teeth
from .upright import quarter_turns, turned

_MOST_TURNED_DEG = 45.0
_WORST_FIT_PX = 8.0
_LEAST_MATTE = 0.05
_MOST_CUT = 0.06  # of the landmarks inside the face; whole faces reach .03 by loose mattes


@dataclass(frozen=True)
class Portrait:
    """One person, cropped, matted and fitted.

    Args:
        rgb: [512, 512, 3] float32 0..1 display sRGB of the crop, background included; where the
            person is half transparent, their own colours alone.
        matte: [512, 512] float32 0..1. Both go on, softly, beyond the picture's edge.
        surround: The same around the crop; None where the crop is all there is.
        landmarks: [478, 2] pixels of the crop.
        closed_eyes: Whether the lids of the left and of the right eye hide its iris.
        crop: Where in the source picture it lies.
        fit: Parameters and camera.
        digest: sha256 of the source file, hexadecimal.
        notes: What the user should know of the photo, one sentence each.
    """

    rgb: np.ndarray
    matte: np.ndarray
    surround: Surround | None
    landmarks: np.ndarray
    closed_eyes: tuple[bool, bool]
    crop: Crop
    fit: Fit
    digest: str
    notes: tuple[str, ...] = ()

    @property
    def matted(self) -> np.ndarray:
        """[512, 512, 3] the portrait on black."""
        return self.rgb * self.matte[..., None]


@dataclass(frozen=True)
class Look:
    """What a photo shows of a person before the head is fitted.

    Args:
        person: In the whole picture.
        face: In the crop, with its landmarks.
        crop: The portrait's place in the picture.
        rgb: [512, 512, 3] uint8 the crop.
        wide: [512, 512, 3] uint8 the wider window around it.
        matte: [512, 512] 0..1 of the crop.
        turned: Whether the picture had to be turned upright.
        digest: sha256 of the file, hexadecimal.
    """

    person: Person
    face: Face
    crop: Crop
    rgb: np.ndarray
    wide: np.ndarray
    matte: np.ndarray
    turned: bool
    digest: str

    @property
    def landmarks(self) -> np.ndarray:
        """[478, 2] pixels of the crop."""
        return self.face.landmarks[:, :2]


def settled(looks: Sequence[Look], fits: Sequence[Fit], head: Head) -> list[Fit]:
    """Fits of one person's photos, with what landmarks do not tell of the identity: where the head
    ends, and how high its teeth are.

    Args:
        looks: The photos.
        fits: Of each, with the same identity.
        head: What was fitted.
    """
    pairs = list(zip(looks, fits, strict=True))
    inside = inside_mattes([Outlined(fit, k.matte, k.landmarks) for k, fit in pairs], head)
    pairs = zip(looks, inside, strict=True)
    return with_teeth([Smile(fit, k.rgb, k.landmarks) for k, fit in pairs], head)


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
            face: Its number from the left, from 1; 0 or None takes the largest.
            progress: Told before each part; may cancel.

        Raises:
            AvatarError: `bad_file`, `no_face_found`, `face_too_small`, or `bad_request` for a
                face that is cut off or turned too far, or that the head cannot be fitted to.
        """
        look = self.look(data, face, progress)
        progress("fit", 3, 4)
        (fit,) = settled([look], [self.fit(look)], self.head)
        progress("fit", 4, 4)
        return self.portrait_of(look, fit)

    def look(self, data: bytes, face: int | None, progress: Progress) -> Look:
        """The first half of `portrait`: finds and mattes the person, without a fit."""
        progress("decode", 0, 4)
        picture = decode(data, "The picture")
        progress("detect", 1, 4)

        def tick() -> None:
            progress("detect", 1, 4)

        check_size(picture.rgb)
        turns = quarter_turns(self.detector, picture.rgb, tick)
        if turns is None:
            raise no_face(picture.rgb)
        if turns:
            picture = turned(picture, turns)
        chosen = choose(self.detector, picture.rgb, face, tick)
        crop = crop_around(chosen)
        rgb = crop.apply(picture.rgb)
        near = self._nearest(rgb, crop, chosen)
        progress("matte", 2, 4)
        window = crop.widened(WIDER)
        wide = window.apply(picture.rgb)
        others = faces_beside(chosen, [placed(f, window) for f in self.detector.detect(wide)])
        person = Person(self._matter, picture, chosen, others)
        matte = _told(person.matte(rgb, crop, person.afar(wide, window, crop)))
        if (scale := _alpha_scale(picture, crop, near.landmarks, matte)) is not None:
            person = replace(person, alpha_scale=scale)
            matte = _told(person.matte(rgb, crop))
        _check_whole(near.landmarks, matte)
        digest = hashlib.sha256(data).hexdigest()
        return Look(person, near, crop, rgb, wide, matte, bool(turns), digest)

    def fit(self, look: Look) -> Fit:
        """The fit to the landmarks of one photo alone.

        Raises:
            AvatarError: `bad_request` for a face turned too far, or that no fit explains.
        """
        fit = self.fitter.fit(look.landmarks, look.face.blendshapes)
        check_fit(fit)
        return fit

    def portrait_of(self, look: Look, fit: Fit) -> Portrait:
        """The last part of `portrait`: what a fitted photo shows of the person."""
        person, crop, rgb, face = look.person, look.crop, look.rgb, look.face
        notes = [*person.picture.notes, *([TURNED] if look.turned else [])]
        notes += [CUT_APART] if person.touched(rgb, crop) else []
        closed = closed_eyes(face.landmarks, face.blendshapes)
        notes += photo_notes(rgb, face.landmarks[INNER, :2], fit.camera.viewmat, closed)
        inside = person.inside(crop)
        colours, matte = gone_on(
            person.colours(rgb, look.matte, crop), look.matte, inside, PORTRAIT_PX
        )
        return Portrait(
            colours,
            matte,
            _surround(person, crop.widened(WIDER), look.wide, colours, matte),
            look.landmarks,
            closed,
            crop,
            fit,
            look.digest,
            tuple(notes),
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


def _told(matte: np.ndarray) -> np.ndarray:
    """The crop's matte, where it shows a person at all."""
    if matte.mean() < _LEAST_MATTE:
        raise AvatarError(
            "no_face_found",
            f"Only {matte.mean():.0%} of the crop around the face could be told from the "
            f"background; at least {_LEAST_MATTE:.0%} are needed.",
            "Use a photo with a plainer background, or one whose background is transparent.",
        )
    return matte


def _surround(
    person: Person, window: Crop, wide: np.ndarray, rgb: np.ndarray, matte: np.ndarray
) -> Surround:
    """What lies around the crop, whose own colours [512, 512, 3] and matte go in the middle."""
    share = person.matte(wide, window)
    inside = person.inside(window)
    colours = person.colours(wide, share, window)
    colours, share = gone_on(colours, share, inside, PORTRAIT_PX / WIDER)
    return Surround(joined(rgb, colours), joined(matte, share))


def _alpha_scale(
    picture: Picture, crop: Crop, landmarks: np.ndarray, matte: np.ndarray
) -> float | None:
    """What brings the file's alpha at the face to 1: an evenly see-through person is whole.

    None where it cuts nobody out of the background, and `matte` is the better one.
    """
    if picture.alpha is None:
        return None
    alpha = crop.apply(picture.alpha).astype(np.float32) / 255
    scale = 1 / max(float(np.median(_at_face(alpha, landmarks))), 0.5)
    _check_whole(landmarks, alpha * scale)
    return scale if cuts_out(alpha * scale, matte, crop.inside(*picture.size)) else None


def _rescaled(face: Face, crop: Crop) -> Face:
    landmarks = face.landmarks * (PORTRAIT_PX / crop.side)
    landmarks[:, :2] = crop.points(face.landmarks[:, :2])
    return Face(landmarks, face.blendshapes, face.pose)


def _at_face(matte: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The matte at the landmarks inside the face; 0 beside the crop."""
    at = np.floor(landmarks[INNER, :2]).astype(int) + 1  # + 1: nothing is around the crop
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


def check_fit(fit: Fit) -> None:
    """Refuses a fit of which no avatar can be made.

    Raises:
        AvatarError: `bad_request` for a face turned too far, or that the head misses.
    """
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

"""What stays the same of a person in a clip: identity and camera, told by the best picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shared.camera import Camera
from shared.progress import Progress

from .crop import Crop, crop_around
from .detect import Face, Flow
from .fit import Fit
from .following import Following
from .portrait import Tracker

_TURNED_AWAY, _FROM_THE_FRONT = np.cos(np.radians([25.0, 15.0])).tolist()
_DEPTH_TOLD = np.cos(np.radians(20.0))  # turned further, a head's picture tells its distance badly


@dataclass(frozen=True)
class Reference:
    """What stays the same while the pictures keep their size.

    Args:
        crop: Of the face, in which all are fitted.
        size: H, W of the pictures.
        betas: [S] the identity.
        missed: [468, 3] as `Fitter.missed`.
        skull: [S, 3] as `Fitter.skull`; none where another picture than the first tells these.
        seen: [S, 2] where the first picture shows it, pixels.
        camera: Of the pictures.
    """

    crop: Crop
    size: tuple[int, int]
    betas: np.ndarray
    missed: np.ndarray
    skull: np.ndarray
    seen: np.ndarray
    camera: Camera

    def following(self, flow: Flow) -> Following:
        """What a face has that was followed from the first picture."""
        skull = slice(len(self.skull))
        trust = np.append(flow.trust[: len(self.missed)], flow.skull_trust[skull])
        places = self.crop.points(flow.skull[skull])
        return Following(self.missed, self.skull, places, trust)


def tell_identity_from_the_front(
    tracker: Tracker,
    fits: list[Fit | None],
    faces: list[Face | None],
    references: list[Reference | None],
) -> None:
    """Fits a person anew, in place, whose first picture is turned away, where a later one is not.

    An identity, and how far away the head is, are told badly by a profile.
    """
    facing = np.array([0.0 if fit is None else -fit.camera.viewmat[2, 2] for fit in fits])
    for reference in {id(found): found for found in references if found is not None}.values():
        numbers = [number for number, found in enumerate(references) if found is reference]
        own = [number for number in numbers if fits[number] is not None]
        if not own or facing[own[0]] >= _TURNED_AWAY or facing[own].max() <= _FROM_THE_FRONT:
            continue
        best = faces[own[int(facing[own].argmax())]]
        assert best is not None  # it has a fit
        better = start(tracker, best, crop_around(best), reference.size)
        better = replace(better, skull=better.skull[:0], seen=better.seen[:0])
        for number in numbers:
            face, references[number] = faces[number], better
            fits[number] = None if face is None else fitted(tracker, face, better)


def at_known_depth(
    tracker: Tracker,
    fits: list[Fit | None],
    faces: list[Face | None],
    references: list[Reference | None],
    progress: Progress,
) -> list[Fit | None]:
    """Fits turned heads again, as far from the camera as the head is before and after.

    A head that turns stays where it is, but what is seen of its far side is too little to tell how
    far that is: 60 degrees look like a step of 10 to 40 cm back.
    """
    depths = np.full(len(fits), np.nan)
    facing = np.ones(len(fits))
    for number, fit in enumerate(fits):
        if fit is not None:
            facing[number] = -fit.camera.viewmat[2, 2]
            depths[number] = fit.camera.viewmat[2, 3]
    told = (facing > _DEPTH_TOLD) & np.isfinite(depths)
    groups = np.array([id(reference) for reference in references])
    again = list(fits)
    turned = np.flatnonzero(facing <= _DEPTH_TOLD).tolist()
    for done, number in enumerate(turned):
        face, reference = faces[number], references[number]
        assert face is not None  # turned are frames that have a fit
        assert reference is not None
        known = np.flatnonzero(told & (groups == id(reference)))
        if len(known):
            depth_m = float(np.interp(number, known, depths[known]))
            again[number] = fitted(tracker, face, reference, depth_m, fits[number])
        progress("track turned heads", done + 1, len(turned))
    return again


def fitted(
    tracker: Tracker,
    face: Face,
    reference: Reference,
    depth_m: float | None = None,
    before: Fit | None = None,
) -> Fit:
    """The fit of a face with the identity that is known."""
    landmarks = reference.crop.points(face.landmarks[:, :2])
    following = None if face.flow is None else reference.following(face.flow)
    return tracker.fitter.fit(
        landmarks, face.blendshapes, reference.betas, depth_m, before, following
    )


def start(tracker: Tracker, face: Face, crop: Crop, size: tuple[int, int]) -> Reference:
    """The identity and the still camera that a picture of [H, W] `size` tells."""
    landmarks = crop.points(face.landmarks[:, :2])
    fit = tracker.fitter.fit(landmarks, face.blendshapes)
    to_frame = np.linalg.inv(np.vstack([crop.matrix(), [0, 0, 1]]))
    upright = fit.upright(tracker.fitter.root(None))
    camera = Camera(upright, to_frame @ fit.camera.K, size[1], size[0])
    assert fit.track.betas is not None
    missed, skull = tracker.fitter.missed(fit, landmarks), tracker.fitter.skull(fit)
    seen = replace(camera, viewmat=fit.camera.viewmat).project(skull)
    inside = ((seen >= 0) & (seen < size[::-1])).all(1)
    return Reference(crop, size, fit.track.betas, missed, skull[inside], seen[inside], camera)

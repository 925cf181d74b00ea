"""Several photos of one person: one identity, each photo's own expression and camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.errors import about
from shared.photos import Photo, check_photos
from shared.progress import Progress

from .joint_fit import Sighting, fit_jointly
from .notes import CUT_APART, EYES_CLOSED, ONE_EYE_CLOSED, PERHAPS_ANOTHER, TURNED
from .people import perhaps_others
from .portrait import Portrait, Tracker, check_fit, settled

_OF_ANY = (TURNED, CUT_APART)
_OF_EYES = (EYES_CLOSED, ONE_EYE_CLOSED)


def track_photos(
    tracker: Tracker, photos: Sequence[Photo], face: int | None, progress: Progress
) -> list[Portrait]:
    """Reads photographs of one person; one photo gives what `Tracker.portrait` gives.

    Args:
        tracker: Detection, matting and fitting.
        photos: The first is the main one.
        face: Which face of the first, as `Tracker.portrait`; in the others the largest is taken.
        progress: Told before each part of each photo; may cancel.

    Raises:
        AvatarError: As `check_photos`, and as `Tracker.portrait` with the photo's name.
    """
    check_photos(photos)
    if len(photos) == 1:
        with about(photos[0].name):
            return [tracker.portrait(photos[0].data, face, progress)]
    looks, fits = [], []
    for number, photo in enumerate(photos):
        with about(photo.name):
            told = _counted(progress, number, len(photos))
            looks.append(tracker.look(photo.data, face if number == 0 else None, told))
            told("fit", 3, 4)
            fits.append(tracker.fit(looks[-1]))
            told("fit", 4, 4)
    progress("fit together", 0, 1)
    sightings = [
        Sighting(look.landmarks, look.face.blendshapes, fit)
        for look, fit in zip(looks, fits, strict=True)
    ]
    joint = fit_jointly(tracker.fitter, sightings)
    for photo, fit in zip(photos, joint, strict=True):
        with about(photo.name):
            check_fit(fit)
    joint = settled(looks, joint, tracker.head)
    others = perhaps_others(tracker.fitter, sightings)
    progress("fit together", 1, 1)
    portraits = [tracker.portrait_of(look, fit) for look, fit in zip(looks, joint, strict=True)]
    return _with_notes(photos, portraits, others)


def _counted(progress: Progress, number: int, count: int) -> Progress:
    """The same, with the photo's number in the phase."""

    def told(phase: str, done: float, total: float) -> None:
        progress(f"{phase} photo {number + 1} of {count}", done, total)

    return told


def _with_notes(
    photos: Sequence[Photo], portraits: Sequence[Portrait], others: Sequence[int]
) -> list[Portrait]:
    """The portraits with notes that name their photos.

    Light, colours and height of view are the main photo's, and eyes are closed that no photo shows
    open.
    """
    closed = [all(portrait.closed_eyes[side] for portrait in portraits) for side in (0, 1)]
    eyes = {2: [EYES_CLOSED], 1: [ONE_EYE_CLOSED], 0: []}[sum(closed)]
    noted = []
    for number, (photo, portrait) in enumerate(zip(photos, portraits, strict=True)):
        notes = [n for n in portrait.notes if n in _OF_ANY or (number == 0 and n not in _OF_EYES)]
        notes += eyes if number == 0 else []
        notes += [PERHAPS_ANOTHER.format(main=photos[0].name)] if number in others else []
        noted.append(replace(portrait, notes=tuple(f"{photo.name}: {note}" for note in notes)))
    return noted

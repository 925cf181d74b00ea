"""The one door to `shared`.

In the installed extension `shared` lies inside this package; in the repository it lies beside it.
Every other module of the add-on imports these names from here.
"""

from importlib.util import find_spec

if find_spec(f"{__package__}.shared") is not None:
    from .shared import (  # pyright: ignore
        atomic,
        backend_process,
        binding,
        camera,
        client,
        errors,
        flame,
        launcher,
        log_file,
        low_pass,
        messages,
        os_errors,
        photos,
        pictures,
        rotations,
        support,
        tracks,
        version,
    )
else:
    from shared import (
        atomic,
        backend_process,
        binding,
        camera,
        client,
        errors,
        flame,
        launcher,
        log_file,
        low_pass,
        messages,
        os_errors,
        photos,
        pictures,
        rotations,
        support,
        tracks,
        version,
    )

AvatarError = errors.AvatarError
Camera = camera.Camera
Track = flame.Track
os_error = os_errors.os_error
ARKIT_NAMES = flame.ARKIT_NAMES

__all__ = [
    "ARKIT_NAMES",
    "AvatarError",
    "Camera",
    "Track",
    "atomic",
    "backend_process",
    "binding",
    "camera",
    "client",
    "errors",
    "flame",
    "launcher",
    "log_file",
    "low_pass",
    "messages",
    "os_error",
    "photos",
    "pictures",
    "rotations",
    "support",
    "tracks",
    "version",
]

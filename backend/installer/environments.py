"""Which environments there are, and what each needs besides its lock."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Environment:
    """What one environment needs besides its lock.

    Args:
        pythons: Accepted (major, minor) versions.
        torch: Whether a torch lock belongs to it.
        imports: Modules that must import in the finished environment.
        libraries: System libraries on Linux -> the Debian package that holds each.
    """

    lock: str
    pythons: tuple[tuple[int, int], ...]
    torch: bool = False
    imports: tuple[str, ...] = ()
    libraries: dict[str, str] = field(default_factory=dict)


WINDOWS_RUNTIME = r"DLL load failed|WinError 126|WinError 1114|VCRUNTIME|MSVCP"
"""What Windows says where a program's own libraries lack the C++ runtime below them."""

RUNTIME_REMEDY = (
    "Install the Microsoft Visual C++ Redistributable 2015-2022 (x64) of microsoft.com, then start "
    "Blender again."
)

_MEDIAPIPE_LIBRARIES = {"libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2"}
_BLENDER_LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libXext.so.6": "libxext6",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
}
_BACKEND_IMPORTS = ("numpy", "torch", "cv2", "zmq", "av", "safetensors", "torch_geometric")
_LANDMARKS = "mediapipe.tasks.python.vision"
_PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
_RESEARCH_IMPORTS = ("lightning_fabric", "lmdb", "tensorboard")
ENVIRONMENTS = {
    "backend": Environment(
        "backend.txt",
        _PYTHONS,
        True,
        (*_BACKEND_IMPORTS, _LANDMARKS),
        _MEDIAPIPE_LIBRARIES,
    ),
    "research": Environment(
        "research.txt",
        _PYTHONS,
        True,
        (*_BACKEND_IMPORTS, _LANDMARKS, *_RESEARCH_IMPORTS),
        _MEDIAPIPE_LIBRARIES,
    ),
    "dev": Environment(
        "dev.txt",
        ((3, 11),),
        True,
        (*_BACKEND_IMPORTS, _LANDMARKS, *_RESEARCH_IMPORTS, "pytest"),
        _MEDIAPIPE_LIBRARIES,
    ),
    "blender-4.5": Environment(
        "blender-4.5.txt", ((3, 11),), False, ("bpy", "zmq", "pytest"), _BLENDER_LIBRARIES
    ),
    "blender-5.2": Environment(
        "blender-5.2.txt", ((3, 13),), False, ("bpy", "zmq", "pytest"), _BLENDER_LIBRARIES
    ),
}


def library_remedy(environment: str, library: str) -> str:
    """How to get a system library of Linux."""
    package = ENVIRONMENTS[environment].libraries.get(library)
    if package is None:
        return f"Install what holds {library} with the system's package manager, then try again."
    return f"On Debian and Ubuntu: apt-get install {package}"

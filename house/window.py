"""A Blender with a window, for tests/ui: the one on this machine, or one made of Debian's packages.

The wheels of Blender have no window. Debian's `blender` has; its newest version, with all that it
needs, is unpacked into a folder and run by the dynamic loader of that folder. So nothing of the
machine is changed, and nobody has to be root. The screen (Xvfb) and the mouse (xdotool) have to be
installed.
"""

import os
import platform
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .environments import ROOT, Missing

FOLDER = ROOT / ".venv" / "blender-window"
OLDEST = (4, 2)
TRIED = (5, 2)
"""The newest that tests/ui was run with: Debian moves on by itself, and must fail nobody's work."""
TOOLS = {"Xvfb": "xvfb", "xdotool": "xdotool"}
"""The screen and the mouse, and Debian's packages of them."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SUITE = "sid"
PACKAGES = (
    *("blender", "python3-numpy", "python3-requests", "python3-cattr"),
    *("libgl1", "libglx-mesa0", "libegl1", "libgl1-mesa-dri"),
)
LIBRARIES = "usr/lib/x86_64-linux-gnu"
INNER = (
    LIBRARIES,
    "usr/lib",
    f"{LIBRARIES}/blas",
    f"{LIBRARIES}/lapack",
    f"{LIBRARIES}/pulseaudio",
)


@dataclass(frozen=True)
class WindowBlender:
    """How to start it.

    Args:
        command: The beginning of a command line.
        environment: Variables that it needs besides.
    """

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def ensure_window() -> WindowBlender | Missing:
    """The Blender with a window, made first where it has to be, or why there is none."""
    packages = missing_tools()
    if packages:
        return _missing(f"needs a screen and a mouse: apt-get install {' '.join(packages)}")
    installed = shutil.which("blender")
    if installed and _version(WindowBlender([installed])) >= OLDEST:
        return WindowBlender([installed])
    if not (FOLDER / "usr/bin/blender").is_file():
        needed = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
        mirror = _mirror()
        if needed or not mirror or platform.machine() != "x86_64" or not KEYRING.is_file():
            return _missing(
                "no Blender 4.2 or newer on the path, and only Debian (x64) can make one"
            )
        try:
            _make(mirror)
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            return _missing(f"Debian's Blender could not be had: {said.strip()[-300:]}")
    found = _unpacked()
    version = _version(found)
    if version > TRIED:
        return _missing(
            f"Debian has Blender {version[0]}.{version[1]} now, and tests/ui was tried with "
            f"{TRIED[0]}.{TRIED[1]}: run it by hand, then raise house.window.TRIED"
        )
    return found


def missing_tools() -> list[str]:
    """Debian packages of the screen and the mouse, where the machine lacks them."""
    return [package for tool, package in TOOLS.items() if shutil.which(tool) is None]


def _missing(reason: str) -> Missing:
    return Missing("ui", reason)


def _version(blender: WindowBlender) -> tuple[int, int]:
    told = subprocess.run(
        [*blender.command, "--version"],
        capture_output=True,
        text=True,
        env={**os.environ, **blender.environment},
    ).stdout
    found = re.search(r"Blender (\d+)\.(\d+)", told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _make(mirror: str) -> None:
    """Fetches and unpacks the packages: 300 MB, 1.1 GB of disk, about a minute.

    Raises:
        OSError, subprocess.CalledProcessError: They could not be had.
    """
    print(f"blender-window: fetching Debian's Blender ({SUITE}) into {FOLDER}", flush=True)
    FOLDER.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent, prefix="blender-window-") as folder:
        apt, unpacked = Path(folder) / "apt", Path(folder) / "root"
        for inside in ("state/lists/partial", "cache/archives/partial"):
            (apt / inside).mkdir(parents=True)
        (apt / "status").touch()
        (apt / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {SUITE} main\n")
        settings = {
            "Dir::State": apt / "state",
            "Dir::State::status": apt / "status",
            "Dir::Cache": apt / "cache",
            "Dir::Etc::sourcelist": apt / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "APT::Sandbox::User": "root",
            "Debug::NoLocking": "1",
        }
        get = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
        _run([*get, "update"])
        _run([*get, "install", "-y", "--no-install-recommends", "--download-only", *PACKAGES])
        for package in sorted((apt / "cache/archives").glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(unpacked)])
        unpacked.rename(FOLDER)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _mirror() -> str:
    """The mirror that this machine's own packages come from; empty where it has none."""
    for name in ("sources.list.d/debian.sources", "sources.list"):
        path = Path("/etc/apt") / name
        found = re.search(r"https?://\S+/debian/?(?=\s)", path.read_text() if path.exists() else "")
        if found:
            return found[0]
    return ""


def _unpacked() -> WindowBlender:
    """The unpacked one, run by its own loader: the machine's glibc may be older."""
    libraries = ":".join(str(FOLDER / inner) for inner in INNER)
    loader = [str(FOLDER / LIBRARIES / "ld-linux-x86-64.so.2"), "--library-path", libraries]
    programs = FOLDER / "programs"  # Blender looks for its Python on the path, to install zips
    programs.mkdir(exist_ok=True)
    for python in (FOLDER / "usr/bin").glob("python3.[0-9]*"):
        if not python.name.endswith("-config"):
            wrapper = programs / python.name
            wrapper.write_text(f'#!/bin/sh\nexec {" ".join(loader)} {python} "$@"\n')
            wrapper.chmod(0o755)
    blender = str(FOLDER / "usr/bin/blender")
    return WindowBlender(
        [*loader, "--argv0", blender, blender, "--python-use-system-env"],
        {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONHOME": str(FOLDER / "usr"),
            "BLENDER_SYSTEM_RESOURCES": str(FOLDER / "usr/share/blender"),
            "LIBGL_DRIVERS_PATH": str(FOLDER / LIBRARIES / "dri"),
            "__GLX_VENDOR_LIBRARY_NAME": "mesa",
            "__EGL_VENDOR_LIBRARY_DIRS": str(FOLDER / "usr/share/glvnd/egl_vendor.d"),
        },
    )

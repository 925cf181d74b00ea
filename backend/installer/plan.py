"""Decides what an installation will do, before anything is changed."""

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from .environments import ENVIRONMENTS
from .errors import InstallError
from .locks import LOCKS, Pin, applies, read_lock, torch_sources
from .machine import Interpreter, has_nvidia, probe

MARKER = "splitavatar-environment.json"
"""Written last into a finished environment; without it the environment is half-made."""

SPARE_BYTES = 200_000_000

SHORTER_FOLDER = (
    "Choose a short Install Folder in the add-on's preferences, such as C:\\splitavatar, or switch "
    "on long paths in Windows."
)
_LONGEST_INSIDE = 190
"""Characters of the longest path inside an environment: a licence's, below torch's."""

_WINDOWS_TAKES = 259


@dataclass(frozen=True)
class Plan:
    """Everything that an installation will do, known before it starts.

    Args:
        torch: "cpu", "cuda", or "" where the environment has no torch.
        download_bytes: About how much is downloaded where nothing is cached.
        disk_bytes: About how much free disk space it needs, temporary files included.
        digest: SHA-256 over every pin that applies; another digest makes an environment stale.
        notices: What the user should know, in sentences.
    """

    environment: str
    target: Path
    python: Interpreter
    torch: str
    torch_folder: str
    pins: tuple[Pin, ...]
    sizes: dict[str, int]
    download_bytes: int
    disk_bytes: int
    digest: str
    notices: tuple[str, ...]


def _torch_pins(variant: str, markers: dict[str, str]) -> list[Pin]:
    lock = read_lock(LOCKS / torch_sources()[variant]["lock"])
    return [pin for pin in lock if applies(pin.marker, markers)]


def _accepts_torch(variant: str, markers: dict[str, str]) -> bool:
    return any(pin.name == "torch" for pin in _torch_pins(variant, markers))


def _as(markers: dict[str, str], python: str) -> dict[str, str]:
    """The same machine with another Python."""
    return {**markers, "python_version": python, "python_full_version": f"{python}.0"}


def _folder_variant(folder: Path, markers: dict[str, str]) -> str:
    """Which variant's torch wheel lies in a folder, told by its hash."""
    wheels = sorted(folder.glob("torch-*.whl"))
    digests = {f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}" for wheel in wheels}
    for variant in torch_sources():
        for pin in _torch_pins(variant, markers):
            if pin.name == "torch" and digests & set(pin.hashes):
                return variant
    raise InstallError(
        "wheel_not_accepted",
        f"{folder} holds {len(wheels)} torch wheel(s), none of which the lock accepts here.",
        "Put the torch wheel of the locked version for this Python and platform there.",
    )


def _choose_torch(torch: str, markers: dict[str, str]) -> tuple[str, str, list[str]]:
    """(variant, local folder or "", notices) for a request auto | cpu | cuda | folder.

    Where the lock lists no CPU wheel `auto` takes the CUDA build, which works without a GPU too.
    """
    if torch not in ("auto", "cpu", "cuda"):
        folder = Path(torch).expanduser()
        if not folder.is_dir():
            raise InstallError(
                "bad_request",
                f"torch source {torch!r} is not a folder.",
                "Expected auto, cpu, cuda or a folder that holds a torch wheel.",
            )
        return _folder_variant(folder, markers), str(folder.resolve()), []
    notices = []
    variant = torch
    if torch == "auto":
        nvidia = has_nvidia()
        variant = "cuda" if nvidia else "cpu"
        if nvidia and not _accepts_torch("cuda", markers):
            variant = "cpu"
            notices.append(
                "An NVIDIA GPU is here, but this release's lock lists no CUDA wheel of torch for "
                "this platform and Python: the CPU is used."
            )
        elif not nvidia and not _accepts_torch("cpu", markers) and _accepts_torch("cuda", markers):
            variant = "cuda"
            notices.append(
                "This release's lock lists no CPU wheel of torch for Python "
                f"{markers['python_version']} on this platform. The CUDA build is installed, which "
                f"works on the CPU too but takes 11 GB more of disk{_smaller(markers)}."
            )
        if markers["sys_platform"] == "darwin":
            notices.append("Apple GPUs are not used: the backend runs on the CPU.")
    if not _accepts_torch(variant, markers):
        others = _pythons_with(variant, markers)
        instead = f"Choose a Python {' or '.join(others)}, or" if others else "Choose"
        raise InstallError(
            "wheel_not_accepted",
            f"The lock lists no {variant} wheel of torch for Python {markers['python_version']} "
            f"on {markers['sys_platform']} {markers['platform_machine']}.",
            f"{instead} another torch source.",
        )
    return variant, "", notices


def _pythons_with(variant: str, markers: dict[str, str]) -> list[str]:
    """Those for which the lock lists such a wheel for this machine."""
    pythons = [f"{a}.{b}" for a, b in ENVIRONMENTS["backend"].pythons]
    return [python for python in pythons if _accepts_torch(variant, _as(markers, python))]


def _smaller(markers: dict[str, str]) -> str:
    others = _pythons_with("cpu", markers)
    return f"; a Python {' or '.join(others)} would spare that" if others else ""


def _check_python(environment: str, python: Interpreter) -> None:
    spec = ENVIRONMENTS[environment]
    wanted = " or ".join(f"{a}.{b}" for a, b in spec.pythons)
    if python.version not in spec.pythons:
        raise InstallError(
            "python_unsupported",
            f"{python.path} is Python {python.version[0]}.{python.version[1]}; "
            f"{environment} needs {wanted}.",
            f"Choose a Python {wanted}.",
        )
    if not python.has_venv:
        raise InstallError(
            "venv_missing",
            f"{python.path} has no venv or ensurepip module.",
            f"On Debian and Ubuntu: apt-get install python{python.version[0]}."
            f"{python.version[1]}-venv",
        )
    if python.missing_libraries:
        packages = sorted({spec.libraries[name] for name in python.missing_libraries})
        raise InstallError(
            "library_missing",
            f"{environment} needs system libraries that are missing: "
            f"{', '.join(python.missing_libraries)}.",
            f"On Debian and Ubuntu: apt-get install {' '.join(packages)}",
        )


def plan(environment: str, target: Path, python: str = "", torch: str = "auto") -> Plan:
    """What installing would do; changes nothing.

    Args:
        environment: A key of `ENVIRONMENTS`.
        target: The folder that becomes the virtual environment.
        python: The interpreter to build on; default: the one that runs this.
        torch: "auto" (CUDA with an NVIDIA GPU, else CPU), "cpu", "cuda", or a folder with a wheel.

    Raises:
        InstallError: With what is missing and how to get it.
    """
    if environment not in ENVIRONMENTS:
        raise InstallError(
            "bad_request",
            f"Unknown environment {environment!r}.",
            f"Expected one of {', '.join(ENVIRONMENTS)}.",
        )
    spec = ENVIRONMENTS[environment]
    interpreter = probe(python or sys.executable, spec.libraries)
    _check_python(environment, interpreter)
    markers = interpreter.markers
    pins = [pin for pin in read_lock(LOCKS / spec.lock) if applies(pin.marker, markers)]
    variant, folder, notices = "", "", []
    if spec.torch:
        variant, folder, notices = _choose_torch(torch, markers)
        known = {pin.name for pin in pins}
        pins += [pin for pin in _torch_pins(variant, markers) if pin.name not in known]
    table = json.loads((LOCKS / "sizes.json").read_text(encoding="utf-8"))
    measured = {pin.name: table.get(f"{pin.name}=={pin.version}", (0, 0)) for pin in pins}
    download = sum(size for size, _ in measured.values())
    installed = sum(size for _, size in measured.values())
    text = "\n".join(sorted(pin.text for pin in pins)) + f"\n{interpreter.version}"
    return Plan(
        environment=environment,
        target=Path(target),
        python=interpreter,
        torch=variant,
        torch_folder=folder,
        pins=tuple(pins),
        sizes={name: size for name, (size, _) in measured.items()},
        download_bytes=download,
        disk_bytes=download + installed + SPARE_BYTES,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        notices=(*notices, *_path_notices(Path(target), markers["sys_platform"])),
    )


def _path_notices(target: Path, system: str) -> list[str]:
    length = len(str(target.absolute())) + 1 + _LONGEST_INSIDE
    if system != "win32" or length <= _WINDOWS_TAKES or _takes_long_paths():
        return []
    return [f"The longest file would have a path of {length} characters. {SHORTER_FOLDER}"]


def _takes_long_paths() -> bool:
    """Whether this Windows takes paths of more than 259 characters."""
    try:
        import winreg
    except ImportError:  # no Windows
        return True
    try:
        key = r"SYSTEM\CurrentControlSet\Control\FileSystem"
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as found:  # pyright: ignore[reportAttributeAccessIssue]
            value, _ = winreg.QueryValueEx(found, "LongPathsEnabled")  # pyright: ignore[reportAttributeAccessIssue]
    except OSError:
        return False
    return value == 1


def environment_python(target: Path) -> Path:
    """The interpreter inside a virtual environment."""
    return Path(target) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def state(wanted: Plan) -> str:
    """How the target stands to a plan: "absent", "incomplete", "stale" or "ready"."""
    if not environment_python(wanted.target).exists():
        return "absent"
    try:
        marker = json.loads((wanted.target / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "incomplete"
    return "ready" if marker.get("digest") == wanted.digest else "stale"


def size_text(size_bytes: int) -> str:
    """A size for people: 812 MB, 2.4 GB."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"

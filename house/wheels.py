"""The pyzmq wheels that the zips bundle, one per platform and Blender line, by hash."""

import hashlib
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from backend.install import InstallError
from backend.installer.locks import LOCKS, read_lock

from .environments import ROOT, present

CACHE = ROOT / "dist" / "wheels"


@dataclass(frozen=True)
class Build:
    """A zip for a span of Blender versions: an extension holds wheels of one Python only.

    Args:
        abi: The wheels' Python and ABI tags.
        version_min: First Blender version.
        version_max: First Blender version that is no longer supported; "" for none.
        platforms: Keys of `PLATFORMS`.
    """

    name: str
    abi: tuple[str, str]
    version_min: str
    version_max: str
    platforms: tuple[str, ...]


PLATFORMS = {  # our name -> (wheel platform tag, Blender's platform names)
    "linux-x64": ("manylinux_2_28_x86_64", ("linux-x64",)),
    "linux-arm64": ("manylinux_2_28_aarch64", ("linux-arm64",)),
    "windows-x64": ("win_amd64", ("windows-x64",)),
    "windows-arm64": ("win_arm64", ("windows-arm64",)),
    "macos": ("macosx_10_15_universal2", ("macos-arm64", "macos-x64")),
}
BUILDS = (
    Build(
        "blender4.2",
        ("cp311", "cp311"),
        "4.2.0",
        "5.1.0",
        ("linux-x64", "windows-x64", "macos"),
    ),
    Build("blender5.1", ("cp312", "abi3"), "5.1.0", "", tuple(PLATFORMS)),
)


def this_platform() -> str:
    """The key of `PLATFORMS` for this machine."""
    if sys.platform == "darwin":
        return "macos"
    system = "windows" if sys.platform == "win32" else "linux"
    arm = platform.machine().lower() in ("arm64", "aarch64")
    return f"{system}-{'arm64' if arm else 'x64'}"


def _pip_command() -> list[str]:
    """A pip to download with: this interpreter's, else that of an environment."""
    for python in (sys.executable, present("backend"), present("blender-4.5")):
        command = [str(python), "-m", "pip"]
        if python and subprocess.run([*command, "--version"], capture_output=True).returncode == 0:
            return command
    raise InstallError(
        "python_missing",
        f"{sys.executable} has no pip, and no environment is there yet.",
        "Run `build_addon.py test` first, or use a Python that has pip.",
    )


def _accepted(folder: Path) -> list[Path]:
    """The wheels of a folder if each has a hash of the lock; else none."""
    wheels = sorted(folder.glob("*.whl"))
    pins = read_lock(LOCKS / "blender-wheels.txt")
    known = {digest for pin in pins for digest in pin.hashes}
    digests = [f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}" for wheel in wheels]
    return wheels if set(digests) <= known else []


def fetch(build: Build, platform_name: str) -> list[Path]:
    """The wheels of a build for a platform, downloaded once and checked against the lock.

    Raises:
        InstallError: network, when pip cannot get them.
    """
    folder = CACHE / f"{build.name}-{platform_name}"
    if kept := _accepted(folder):
        return kept
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    python, abi = build.abi
    command = [*_pip_command(), "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python[2:]]
    command += ["--abi", abi, "--platform", PLATFORMS[platform_name][0]]
    command += ["--dest", str(folder), "-r", str(LOCKS / "blender-wheels.txt")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        said = " ".join(line for line in done.stderr.splitlines() if line.startswith("ERROR"))
        raise InstallError(
            "network",
            f"pip could not download the {build.name} wheels for {platform_name}: {said}",
            "Check the network connection and pip's own settings.",
        )
    return _accepted(folder)

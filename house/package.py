"""Builds the installable zips: the add-on, shared, the backend, and pyzmq for one platform."""

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from backend.install import InstallError
from shared.version import VERSION

from .environments import ROOT
from .wheels import BUILDS, PLATFORMS, Build, fetch, this_platform

DIST = ROOT / "dist"
EPOCH = (1980, 1, 1, 0, 0, 0)
SKIPPED_PARTS = {"__pycache__", "build", ".pytest_cache", ".ruff_cache"}
SKIPPED_NAMES = {"blender_manifest.toml", ".DS_Store"}
SKIPPED_SUFFIXES = {".pyc", ".in", ".o"}
LIBRARY_SUFFIXES = {".so", ".dll", ".dylib"}
NOT_FOR_USERS = {"dev.txt", "blender-4.5.txt", "blender-5.2.txt", "blender-wheels.txt"}
"""Locks of environments that only this repository makes."""

FOLDERS = {"blender_addon": "", "shared": "shared/", "backend": "backend/"}


def contents(platform_name: str) -> dict[str, bytes]:
    """Path in the zip -> bytes, without manifest and wheels."""
    libraries = set(PLATFORMS[platform_name][1])
    found = {name: (ROOT / name).read_bytes() for name in ("LICENSE", "NOTICE")}
    for folder, prefix in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*")):
            relative = path.relative_to(ROOT / folder)
            unwanted = (
                SKIPPED_PARTS & set(relative.parts)
                or path.name in SKIPPED_NAMES
                or path.suffix in SKIPPED_SUFFIXES
                or (path.suffix in LIBRARY_SUFFIXES and path.stem not in libraries)
                or (relative.parts[0] == "locks" and path.name in NOT_FOR_USERS)
            )
            if path.is_file() and not unwanted:
                found[f"{prefix}{relative.as_posix()}"] = path.read_bytes()
    return found


def manifest(build: Build, platform_name: str, wheels: list[str]) -> str:
    """The manifest of one zip: the add-on's own, with versions, platforms and wheels filled in."""
    text = (ROOT / "blender_addon" / "blender_manifest.toml").read_text(encoding="utf-8")
    written = re.search(r'^version = "(.*)"$', text, re.M)
    if written is None or written[1] != VERSION:
        raise InstallError(
            "bad_request",
            f"blender_manifest.toml has version {written and written[1]}, shared has {VERSION}.",
            "Make them the same.",
        )
    lines = [f'blender_version_min = "{build.version_min}"']
    if build.version_max:
        lines.append(f'blender_version_max = "{build.version_max}"')
    names = ", ".join(f'"{name}"' for name in PLATFORMS[platform_name][1])
    lines.append(f"platforms = [{names}]")
    lines.append("wheels = [" + ", ".join(f'"./wheels/{name}"' for name in wheels) + "]")
    filled, count = re.subn(r"^blender_version_min = .*$", "\n".join(lines), text, flags=re.M)
    if count != 1:
        raise InstallError(
            "bad_request",
            f"blender_manifest.toml has {count} blender_version_min lines.",
            "Keep exactly one.",
        )
    return filled


def write_zip(path: Path, files: dict[str, bytes]) -> None:
    """A zip whose bytes depend on the files alone; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    with zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # the same bytes on every system
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=9)
    temporary.replace(path)


def validator() -> Path | None:
    """Blender's own extension tool, from whichever environment is there."""
    for folder in ("blender-5.2", "blender-4.5"):
        site = ROOT / ".venv" / folder
        found = sorted(site.glob("[Ll]ib/**/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
        if found:
            return found[0]
    return None


def validate(path: Path) -> bool:
    """Check a zip with Blender's own tool; False where that is not here.

    Raises:
        InstallError: bad_request, with the tool's words.
    """
    tool = validator()
    if tool is None:
        return False
    done = subprocess.run(
        [sys.executable, str(tool), "validate", str(path)], capture_output=True, text=True
    )
    if done.returncode != 0 or "rror" in done.stdout + done.stderr:
        raise InstallError(
            "bad_request", f"{path.name} is not valid: {done.stdout}{done.stderr}", "Fix it."
        )
    return True


def build_zip(build: Build, platform_name: str, out: Path = DIST) -> Path:
    """Build and validate one zip."""
    wheels = fetch(build, platform_name)
    files = contents(platform_name)
    files |= {f"wheels/{wheel.name}": wheel.read_bytes() for wheel in wheels}
    names = [wheel.name for wheel in wheels]
    files["blender_manifest.toml"] = manifest(build, platform_name, names).encode()
    path = out / f"splitavatar-{VERSION}-{build.name}-{platform_name}.zip"
    write_zip(path, files)
    validate(path)
    return path


def build_for(blender: tuple[int, int], out: Path = DIST) -> Path:
    """The zip for a Blender version on this machine."""
    build = BUILDS[0] if blender < (5, 1) else BUILDS[1]
    return build_zip(build, this_platform(), out)


def build_all(all_platforms: bool, out: Path = DIST) -> list[Path]:
    """Every zip, of this platform or of all."""
    made = []
    for build in BUILDS:
        for name in build.platforms:
            if all_platforms or name == this_platform():
                made.append(build_zip(build, name, out))
    return made


def unpacked(path: Path) -> Path:
    """A zip's content in a temporary folder; the caller removes it."""
    folder = Path(tempfile.mkdtemp(prefix="splitavatar-zip-"))
    shutil.unpack_archive(path, folder, "zip")
    return folder

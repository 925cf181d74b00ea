"""The project's own environments in .venv, made by the code that installs the user's backend."""

import contextlib
import glob
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.install import (
    ENVIRONMENTS,
    InstallError,
    InstallProgress,
    environment_python,
    install,
    plan,
    size_text,
    state,
)
from backend.installer.machine import probe

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"backend": "dev", "blender-4.5": "blender-4.5", "blender-5.2": "blender-5.2"}
"""Folder below .venv -> the environment that it holds."""

OPTIONAL = {"blender-5.2"}
"""Environments whose Python may be missing: their tests are skipped, with a notice."""


@dataclass(frozen=True)
class Missing:
    """An environment that cannot be had on this machine, and why."""

    name: str
    reason: str


def _candidates(version: tuple[int, int]) -> Iterator[str]:
    name = f"python{version[0]}.{version[1]}"
    if sys.version_info[:2] == version:
        yield sys.executable
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        for exact in (Path(folder) / name, Path(folder) / f"{name}.exe"):
            if os.access(exact, os.X_OK) and exact.is_file():
                yield str(exact)
    home = os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))
    yield from sorted(glob.glob(f"{home}/versions/{version[0]}.{version[1]}.*/bin/python"))
    if launcher := shutil.which("py"):
        command = [
            launcher,
            f"-{version[0]}.{version[1]}",
            "-c",
            "import sys;print(sys.executable)",
        ]
        told = subprocess.run(command, capture_output=True, text=True)
        if told.returncode == 0:
            yield told.stdout.strip()


def find_python(version: tuple[int, int]) -> str:
    """A working interpreter of that version, one that can make environments if there is any.

    Shims of version managers can stand on the path and fail when run, so each is asked.

    Raises:
        InstallError: python_missing.
    """
    second = ""
    for path in _candidates(version):
        try:
            told = probe(path)
        except InstallError:
            continue
        if told.version == version and told.has_venv:
            return path
        if told.version == version:
            second = second or path
    if second:
        return second
    wanted = f"{version[0]}.{version[1]}"
    raise InstallError(
        "python_missing",
        f"No Python {wanted} was found on the path, below ~/.pyenv or by the py launcher.",
        f"Install Python {wanted} and run this again.",
    )


class Bar:
    """One line of progress on a terminal; elsewhere a line every 15 seconds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.live = sys.stderr.isatty()
        self.next_s = time.monotonic()

    def __call__(self, progress: InstallProgress) -> None:
        """Show it."""
        if not self.live and time.monotonic() < self.next_s:
            return
        self.next_s = time.monotonic() + 15
        eta = "" if progress.eta_s is None else f", about {progress.eta_s:.0f} s left"
        text = (
            f"  {self.name}: {progress.packages_done}/{progress.packages_total} packages, "
            f"{size_text(progress.bytes_done)}/{size_text(progress.bytes_total)}{eta}; "
            f"{progress.phase}"
        )
        print(f"\r{text[:118]:<118}" if self.live else text, end="" if self.live else "\n",
              file=sys.stderr, flush=True)  # fmt: skip


def ensure(folder: str) -> Path:
    """The interpreter of an environment below .venv, made or brought up to date first.

    Args:
        folder: A key of `FOLDERS`.

    Raises:
        InstallError: With what is missing and how to get it.
    """
    environment, target = FOLDERS[folder], ROOT / ".venv" / folder
    base = find_python(ENVIRONMENTS[environment].pythons[0])
    wanted = plan(environment, target, base)
    found = state(wanted)
    if found == "ready":
        return environment_python(target)
    size = size_text(wanted.download_bytes)
    print(
        f"{folder}: {found}; installing {len(wanted.pins)} packages "
        f"({size} to download, {size_text(wanted.disk_bytes)} of disk)",
        flush=True,
    )
    for notice in wanted.notices:
        print(f"  note: {notice}")
    started = time.monotonic()
    install(environment, target, base, progress=Bar(folder))
    print(f"\n{folder}: ready after {time.monotonic() - started:.0f} s", flush=True)
    return environment_python(target)


def ensure_or_missing(folder: str) -> Path | Missing:
    """As `ensure`; for an optional environment a missing Python is a reason, not an error."""
    try:
        return ensure(folder)
    except InstallError as error:
        if folder in OPTIONAL and error.code in ("python_missing", "venv_missing"):
            return Missing(folder, error.message)
        raise


def present(folder: str) -> Path | None:
    """The interpreter of an environment if it is there, whatever its state."""
    python = environment_python(ROOT / ".venv" / folder)
    return python if python.exists() else None


def missing_packages() -> list[str]:
    """Debian packages of the system libraries that any of our environments lacks here."""
    libraries = {k: v for name in FOLDERS.values() for k, v in ENVIRONMENTS[name].libraries.items()}
    return sorted({libraries[name] for name in probe(sys.executable, libraries).missing_libraries})


@contextlib.contextmanager
def told_errors() -> Iterator[None]:
    """Print an InstallError as what happened and what to do, and exit with 2."""
    try:
        yield
    except InstallError as error:
        print(f"\n{error.code}: {error.message}\n{error.remedy}", file=sys.stderr)
        raise SystemExit(2) from error

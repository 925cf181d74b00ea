"""Makes a Python environment from a lock, with progress, and says clearly what is missing.

Standard library only: build_addon.py uses it for the project's own environments, and the add-on's
Install Backend button runs it as a command (`python backend/install.py --json`) with Blender's own
interpreter. Every package is pinned and hashed; nothing but what a lock lists is ever installed.
"""

import argparse
import json
import os
import re
import shutil
import sys
import threading
from dataclasses import asdict
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - an old Python gets a clear word
    sys.exit(
        "python_unsupported: this is Python {}.{}; the backend needs 3.11 to 3.14.\n"
        "Run it with a newer Python.".format(*sys.version_info[:2])
    )

if __name__ == "__main__":
    # Run by its path, this folder stands first on the path and would hide other modules.
    here = Path(__file__).resolve().parent
    if sys.path[0] == str(here):
        del sys.path[0]  # absent already under `python -I`
    sys.path.insert(0, str(here.parent))
    sys.dont_write_bytecode = True  # the extension's folder stays as it was installed

from backend.installer.environments import (
    ENVIRONMENTS,
    RUNTIME_REMEDY,
    WINDOWS_RUNTIME,
    library_remedy,
)
from backend.installer.errors import InstallError
from backend.installer.locks import Pin, torch_sources
from backend.installer.machine import probe
from backend.installer.plan import MARKER, Plan, environment_python, plan, size_text, state
from backend.installer.run import InstallProgress, Meter, Report, pip_install, quiet, run_command

__all__ = ["ENVIRONMENTS", "MARKER", "InstallError", "InstallProgress", "Pin", "Plan"]
__all__ += ["Report", "environment_python", "install", "main", "plan", "size_text", "state"]


def _make_venv(wanted: Plan, meter: Meter) -> None:
    python = environment_python(wanted.target)
    if python.exists():
        try:
            if probe(str(python)).version == wanted.python.version:
                return
        except InstallError:
            pass  # a dead interpreter of another version: made anew below
    if wanted.target.exists() and any(wanted.target.iterdir()):
        if not (wanted.target / "pyvenv.cfg").exists():
            raise InstallError(
                "bad_request",
                f"{wanted.target} is not empty and is no virtual environment.",
                "Choose another folder.",
            )
        shutil.rmtree(wanted.target)
    meter.phase = "making the environment"
    meter.tick()
    wanted.target.parent.mkdir(parents=True, exist_ok=True)
    code, last = run_command([wanted.python.path, "-m", "venv", str(wanted.target)], meter)
    if code != 0:
        raise InstallError(
            "venv_missing",
            f"python -m venv failed: {' '.join(last[-2:])}",
            "Choose a Python with the venv and ensurepip modules.",
        )


def _link_anew(wanted: Plan, meter: Meter) -> None:
    """Leads an environment to its interpreter, which is elsewhere: Blender was moved.

    Its packages stay where their Python is of the same version; else it is made anew later.
    """
    python = environment_python(wanted.target)
    settings = wanted.target / "pyvenv.cfg"
    if not settings.is_file() or _runs(python):
        return
    built = re.search(r"^version\w* *= *(\d+)\.(\d+)", settings.read_text("utf-8"), re.M)
    if built is None or (int(built[1]), int(built[2])) != wanted.python.version:
        return
    meter.phase = "linking Python anew"
    meter.tick()
    for link in python.parent.glob("python*"):
        if link.is_symlink() and not link.exists():
            link.unlink()
    run_command([wanted.python.path, "-m", "venv", "--upgrade", str(wanted.target)], meter)


def _runs(python: Path) -> bool:
    try:
        probe(str(python))
    except InstallError:
        return False
    return True


def _install_pins(wanted: Plan, meter: Meter) -> None:
    """pip first (the one that came with Python may be old), then wheels, sources, torch."""
    torch_names = {"torch"}
    installer = [pin for pin in wanted.pins if pin.name == "pip"]
    wheels = [
        pin for pin in wanted.pins if pin.name not in {"pip"} | torch_names and not pin.from_source
    ]
    torch = [pin for pin in wanted.pins if pin.name in torch_names]
    pip_install(wanted, installer, [], meter)
    # Byte counts need a newer pip than some Pythons come with; our locks pin one.
    raw = ["--progress-bar", "raw"] if installer else []
    pip_install(wanted, wheels, ["--only-binary", ":all:", *raw], meter)
    sources = [pin for pin in wanted.pins if pin.from_source]
    pip_install(wanted, sources, ["--no-build-isolation", *raw], meter)
    only = ["--only-binary", ":all:", *raw]
    if wanted.torch_folder:
        pip_install(
            wanted, torch, [*only, "--no-index", "--find-links", wanted.torch_folder], meter
        )
        return
    try:
        pip_install(wanted, torch, only, meter)
    except InstallError as error:
        index = torch_sources()[wanted.torch]["index"]
        if error.code != "wheel_not_accepted":
            raise
        pip_install(wanted, torch, [*only, "--extra-index-url", index], meter)


def _check_imports(wanted: Plan, meter: Meter) -> None:
    meter.phase = "checking"
    meter.tick()
    modules = ENVIRONMENTS[wanted.environment].imports
    # bpy can hang when its interpreter exits: leave at once.
    script = f"import {', '.join(modules)}, os, sys; sys.stdout.flush(); os._exit(0)"
    code, last = run_command([str(environment_python(wanted.target)), "-c", script], meter)
    if code == 0:
        return
    said = last[-1] if last else f"exit code {code}"
    library = re.search(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object", said)
    if library:
        raise InstallError(
            "library_missing",
            f"The system library {library[1]} is missing.",
            library_remedy(wanted.environment, library[1]),
        )
    if re.search(WINDOWS_RUNTIME, said):
        raise InstallError("library_missing", f"The new environment says: {said}.", RUNTIME_REMEDY)
    raise InstallError(
        "pip_failed", f"The new environment does not import: {said}", "Install again."
    )


def install(
    environment: str,
    target: Path,
    python: str = "",
    torch: str = "auto",
    progress: Report = quiet,
) -> Plan:
    """Make, repair or bring up to date an environment; does nothing where it is ready.

    The marker is removed first and written last, so that a half-made environment is always
    seen as such and finished by the next call.

    Args:
        environment: A key of `ENVIRONMENTS`.
        target: The folder that becomes the virtual environment.
        python: The interpreter to build on; default: the one that runs this.
        torch: "auto", "cpu", "cuda" or a folder that holds an accepted torch wheel.
        progress: Told how far it is; what it raises stops everything.

    Returns:
        The plan that was carried out.

    Raises:
        InstallError: With what is missing and how to get it.
    """
    wanted = plan(environment, target, python, torch)
    meter = Meter(wanted, progress)
    _link_anew(wanted, meter)
    if state(wanted) == "ready":
        return wanted
    _check_disk(wanted)
    (wanted.target / MARKER).unlink(missing_ok=True)
    _make_venv(wanted, meter)
    _install_pins(wanted, meter)
    _check_imports(wanted, meter)
    _write_marker(wanted)
    meter.phase = "done"
    meter.finished = dict(wanted.sizes)
    meter.tick()
    return wanted


def _check_disk(wanted: Plan) -> None:
    folder = wanted.target.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    # What a half-made or stale environment already holds need not find room again.
    there = sum(f.lstat().st_size for f in wanted.target.rglob("*") if not f.is_dir())
    if free < wanted.disk_bytes - there:
        raise InstallError(
            "disk_full",
            f"{size_text(wanted.disk_bytes)} of free disk space are needed below {folder}, "
            f"{size_text(free)} are there.",
            "Free some space or choose another folder.",
        )


def _write_marker(wanted: Plan) -> None:
    content = {
        "digest": wanted.digest,
        "environment": wanted.environment,
        "torch": wanted.torch,
        "python": wanted.python.markers["python_full_version"],
        "packages": {pin.name: pin.version for pin in wanted.pins},
    }
    temporary = wanted.target / f"{MARKER}.new"
    temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, wanted.target / MARKER)


def _bar(progress: InstallProgress) -> None:
    eta = "" if progress.eta_s is None else f", {progress.eta_s:.0f} s left"
    text = (
        f"  {progress.packages_done}/{progress.packages_total} packages, "
        f"{size_text(progress.bytes_done)} of {size_text(progress.bytes_total)}"
        f"{eta}: {progress.phase}"
    )
    if sys.stderr.isatty():
        print(f"\r{text[:110]:<110}", end="", file=sys.stderr, flush=True)


class _Lines:
    """Progress as JSON lines on stdout; the end of stdin means cancel."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.last = ""
        threading.Thread(target=self._watch, name="installer cancel", daemon=True).start()

    def _watch(self) -> None:
        while sys.stdin.read(1):
            pass
        self.ended.set()

    def __call__(self, progress: InstallProgress) -> None:
        if self.ended.is_set():
            raise InstallError("cancelled", "The installation was cancelled.", "Start it again.")
        line = json.dumps({"event": "progress", **asdict(progress)})
        if line != self.last:
            self.last = line
            print(line, flush=True)


def _describe(wanted: Plan) -> dict[str, object]:
    keys = ("environment", "torch", "download_bytes", "disk_bytes", "digest", "notices")
    described = {key: getattr(wanted, key) for key in keys}
    return {
        **described,
        "target": str(wanted.target),
        "python": wanted.python.path,
        "packages": len(wanted.pins),
        "state": state(wanted),
    }


def main(arguments: list[str] | None = None) -> int:
    """The command line: 0 done, 1 could not, with the reason."""
    parser = argparse.ArgumentParser(
        prog="install.py", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("environment", nargs="?", default="backend", choices=list(ENVIRONMENTS))
    parser.add_argument("--target", type=Path, required=True, help="folder of the environment")
    parser.add_argument("--python", default="", help="interpreter to build on (default: this one)")
    parser.add_argument("--torch", default="auto", help="auto, cpu, cuda or a folder with a wheel")
    parser.add_argument("--plan", action="store_true", help="only say what would be done")
    parser.add_argument(
        "--json", action="store_true", help="JSON lines; closing standard input cancels"
    )
    given = parser.parse_args(arguments)
    try:
        wanted = plan(given.environment, given.target, given.python, given.torch)
        described = _describe(wanted)
        if given.json:
            print(json.dumps({"event": "plan", **described}), flush=True)
        else:
            print(
                f"{given.environment}: {described['packages']} packages, "
                f"{size_text(wanted.download_bytes)} to download, "
                f"{size_text(wanted.disk_bytes)} of disk; now {described['state']}."
            )
            print("".join(f"Note: {notice}\n" for notice in wanted.notices), end="")
        if given.plan:
            return 0
        report = _Lines() if given.json else _bar
        install(given.environment, given.target, given.python, given.torch, report)
    except InstallError as error:
        if given.json:
            told = {"code": error.code, "message": error.message, "remedy": error.remedy}
            print(json.dumps({"event": "error", **told}), flush=True)
        else:
            print(f"\n{error.code}: {error.message}\n{error.remedy}", file=sys.stderr)
        return 1
    print(json.dumps({"event": "done"}) if given.json else "\nready", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs every test this machine can run, one suite after another, and says what it skipped."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from .environments import ROOT, Missing, ensure, ensure_or_missing
from .window import ensure_window

LINT = "lint"
UI = "ui"
NAMES = (
    LINT,
    "unit",
    "cases",
    "research",
    "blender-4.5",
    "blender-5.2",
    "package",
    "acceptance",
    UI,
    "gpu",
)
BLENDERS = ("blender-4.5", "blender-5.2")
ACCEPTANCE_BLENDER = "blender-4.5"
NO_TESTS = 5  # pytest's exit code
_PHOTOS = ("tests/unit/tracking", "tests/unit/avatar")
"""Half of the time of tests/unit: what photos are needed for."""


@dataclass
class Tally:
    """What came out of the suites so far."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)

    def skip(self, what: str, why: str) -> None:
        """Note something that was not run."""
        self.skipped += 1
        self.skips.append(f"{what}: {why}")

    def fail(self, what: str) -> None:
        """Note a failure."""
        self.failed += 1
        self.failures.append(what)


def _environment(at_once: int = 1) -> dict[str, str]:
    """Ours, less what leads Python astray; the cores are shared by so many runs."""
    dropped = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "BLENDER_USER_RESOURCES")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    threads = str(max(1, min(os.cpu_count() or 1, 8) // at_once))
    return {**kept, "OMP_NUM_THREADS": kept.get("OMP_NUM_THREADS", threads), "PYTHONUTF8": "1"}


def _heading(text: str) -> None:
    print(f"\n--- {text} " + "-" * max(3, 90 - len(text)), flush=True)


def run_lint(python: Path, tally: Tally) -> None:
    """ruff, pyright and import-linter."""
    tools = python.parent
    checks = (
        ("ruff check", [str(tools / "ruff"), "check", "."]),
        ("ruff format", [str(tools / "ruff"), "format", "--check", "."]),
        ("pyright", [str(python), "-m", "pyright"]),
        ("import-linter", [str(tools / "lint-imports"), "--no-logo"]),
    )
    for name, command in checks:
        _heading(name)
        done = subprocess.run(command, cwd=ROOT, env=_environment())
        if done.returncode == 0:
            tally.passed += 1
        else:
            tally.fail(name)


def _read_report(path: Path, name: str, code: int, tally: Tally) -> None:
    """Add a pytest run's JUnit report to the tally."""
    before = tally.failed
    if not path.exists():
        tally.fail(f"{name}: ended with code {code} and no report")
        return
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        test = f"{name}: {case.get('classname', '')}::{case.get('name', '')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            tally.fail(test)
        elif skipped is not None:
            tally.skip(test, skipped.get("message", ""))
        else:
            tally.passed += 1
    if code not in (0, NO_TESTS) and tally.failed == before:
        tally.fail(f"{name}: pytest ended with code {code}")


def _pytest(python: Path, report: Path, chosen: tuple[str, ...]) -> list[str]:
    options = ["-q", "--durations=5", f"--junitxml={report}"]
    return [str(python), "-m", "pytest", *options, *chosen]


def run_pytest(name: str, python: Path, folders: tuple[str, ...], tally: Tally) -> None:
    """One pytest run in an environment."""
    here = [folder for folder in folders if any((ROOT / folder).rglob("test_*.py"))]
    if not here:
        tally.skip(name, f"no tests in {', '.join(folders)}")
        return
    _heading(f"{name}: {' '.join(here)}")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        started = time.monotonic()
        command = _pytest(python, report, tuple(here))
        code = subprocess.run(command, cwd=ROOT, env=_environment()).returncode
        _read_report(report, name, code, tally)
    print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)


def run_unit(python: Path, tally: Tally) -> None:
    """tests/unit and tests/protocol, in two runs side by side: most of them use one core."""
    rest = ("tests/unit", "tests/protocol", *(f"--ignore={folder}" for folder in _PHOTOS))
    _heading("unit: tests/unit tests/protocol, in two runs")
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        reports = [Path(folder) / f"{number}.xml" for number in range(2)]
        output = Path(folder) / "output.txt"
        with output.open("wb") as later:
            runs = [
                subprocess.Popen(
                    _pytest(python, report, chosen), cwd=ROOT, env=_environment(2), stdout=stream
                )
                for report, chosen, stream in zip(reports, (_PHOTOS, rest), (None, later))
            ]
            codes = [run.wait() for run in runs]
        print(output.read_text(encoding="utf-8", errors="replace"), end="")
        for report, code in zip(reports, codes):
            _read_report(report, "unit", code, tally)
    print(f"unit: {time.monotonic() - started:.0f} s", flush=True)


def run_ui(python: Path, tally: Tally) -> None:
    """The tests in a Blender with a window, where one can be had."""
    found = ensure_window()
    if isinstance(found, Missing):
        tally.skip(UI, found.reason)
    else:
        run_pytest(UI, python, ("tests/ui",), tally)


def has_cuda(python: Path) -> bool:
    """Whether the backend's torch sees a CUDA device."""
    script = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    return subprocess.run([str(python), "-c", script], capture_output=True).returncode == 0


def run_tests(only: list[str]) -> int:
    """Run the suites named, or all; prints the tally and returns the exit code."""
    wanted = only or list(NAMES)
    tally = Tally()
    backend = ensure("backend")
    needs_blender = [b for b in BLENDERS if b in wanted or "package" in wanted]
    if "acceptance" in wanted and ACCEPTANCE_BLENDER not in needs_blender:
        needs_blender.append(ACCEPTANCE_BLENDER)
    blenders = {folder: ensure_or_missing(folder) for folder in needs_blender}
    if LINT in wanted:
        run_lint(backend, tally)
    if "unit" in wanted:
        run_unit(backend, tally)
    if "cases" in wanted:
        run_pytest("cases", backend, ("tests/cases",), tally)
    if "research" in wanted:
        run_pytest("research", backend, ("tests/research",), tally)
    for folder in BLENDERS:
        found = blenders.get(folder)
        if folder in wanted and isinstance(found, Missing):
            tally.skip(folder, found.reason)
        elif folder in wanted and isinstance(found, Path):
            run_pytest(folder, found, ("tests/blender",), tally)
    if "package" in wanted:
        run_pytest("package", backend, ("tests/package",), tally)
    if "acceptance" in wanted:
        run_pytest("acceptance", backend, ("tests/acceptance",), tally)
    if UI in wanted:
        run_ui(backend, tally)
    if "gpu" in wanted and not has_cuda(backend):
        tally.skip("gpu", "no CUDA device on this machine")
    elif "gpu" in wanted:
        run_pytest("gpu", backend, ("tests/gpu",), tally)
    if not only:
        _note_by_hand(tally)
    return _conclude(tally)


def run_fuzz(options: list[str]) -> int:
    """`tests/fuzz`, which has no end of its own; its exit code.

    Args:
        options: Of its command line.
    """
    command = [str(ensure("backend")), "-m", "tests.fuzz", *options]
    return subprocess.run(command, cwd=ROOT, env=_environment()).returncode


def _note_by_hand(tally: Tally) -> None:
    """What no plain test run can do."""
    reasons = {
        "benchmarks": "they measure and are run by hand",
        "fuzz": "it goes on as long as you like; build_addon.py fuzz runs it, tests/cases a little",
    }
    for folder, why in reasons.items():
        if any((ROOT / "tests" / folder).glob("*.py")):
            tally.skip(folder, why)


def _conclude(tally: Tally) -> int:
    print("\nskipped:" if tally.skips else "\nnothing was skipped")
    for line in tally.skips:
        print(f"  {line}")
    for line in tally.failures:
        print(f"FAILED {line}")
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped", flush=True)
    return 1 if tally.failed or not tally.passed else 0

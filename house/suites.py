"""Runs every test this machine can run, two suites at a time, and says what it skipped."""

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
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
AT_ONCE = 2
"""Most tests use one core, and PyTorch gains little by a second one."""

_PHOTOS = ("tests/unit/tracking", "tests/unit/avatar")
"""Half of the time of tests/unit: what photos are needed for."""


@dataclass(frozen=True)
class Run:
    """One pytest run in one environment."""

    name: str
    python: Path
    chosen: tuple[str, ...]
    """Folders, and pytest's options."""


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


def _measured(run: Run, report: Path, output: Path) -> tuple[int, float]:
    """Exit code and seconds of a run that shares the cores with another."""
    started = time.monotonic()
    with output.open("wb") as stream:
        command = _pytest(run.python, report, run.chosen)
        environment = _environment(AT_ONCE)
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=stream, stderr=subprocess.STDOUT
        )
    return done.returncode, time.monotonic() - started


def run_together(runs: Sequence[Run], tally: Tally) -> None:
    """Pytest runs, `AT_ONCE` of them at a time in the order given; each is printed when it ends."""
    _heading("pytest: " + ", ".join(run.name for run in runs))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        place = Path(folder)
        begun = {
            pool.submit(_measured, run, place / f"{number}.xml", place / f"{number}.txt"): number
            for number, run in enumerate(runs)
        }
        try:
            for ended in as_completed(begun):
                number = begun[ended]
                run, (code, seconds) = runs[number], ended.result()
                _heading(f"{run.name}: {' '.join(run.chosen)}")
                told = (place / f"{number}.txt").read_text(encoding="utf-8", errors="replace")
                print(told, end="")
                _read_report(place / f"{number}.xml", run.name, code, tally)
                print(f"{run.name}: {seconds:.0f} s", flush=True)
        finally:
            pool.shutdown(cancel_futures=True)


def run_alone(run: Run, tally: Tally) -> None:
    """A pytest run that has the machine to itself, printed as it goes."""
    _heading(f"{run.name}: {' '.join(run.chosen)}")
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = _pytest(run.python, report, run.chosen)
        code = subprocess.run(command, cwd=ROOT, env=_environment()).returncode
        _read_report(report, run.name, code, tally)
    print(f"{run.name}: {time.monotonic() - started:.0f} s", flush=True)


def run_ui(python: Path, tally: Tally) -> None:
    """The tests in a Blender with a window, where one can be had."""
    found = ensure_window()
    if isinstance(found, Missing):
        tally.skip(UI, found.reason)
    else:
        run_alone(Run(UI, python, ("tests/ui",)), tally)


def has_cuda(python: Path) -> bool:
    """Whether the backend's torch sees a CUDA device."""
    script = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    return subprocess.run([str(python), "-c", script], capture_output=True).returncode == 0


def _shared_runs(backend: Path, blenders: dict[str, Path | Missing]) -> list[Run]:
    """What may run beside something else: first what tells most, then the longest first."""
    rest = ("tests/unit", "tests/protocol", *(f"--ignore={folder}" for folder in _PHOTOS))
    runs = [
        Run("unit", backend, _PHOTOS),
        Run("unit", backend, rest),
        Run("research", backend, ("tests/research",)),
        Run("acceptance", backend, ("tests/acceptance",)),
    ]
    for folder in BLENDERS:
        found = blenders.get(folder)
        if isinstance(found, Path):
            runs.append(Run(folder, found, ("tests/blender",)))
    return [
        *runs,
        Run("package", backend, ("tests/package",)),
        Run("cases", backend, ("tests/cases",)),
    ]


def run_tests(only: list[str]) -> int:
    """Run the suites named, or all; prints the tally and returns the exit code."""
    wanted = only or list(NAMES)
    tally = Tally()
    backend = ensure("backend")
    needs_blender = [b for b in BLENDERS if b in wanted or "package" in wanted]
    if "acceptance" in wanted and ACCEPTANCE_BLENDER not in needs_blender:
        needs_blender.append(ACCEPTANCE_BLENDER)
    blenders = {folder: ensure_or_missing(folder) for folder in needs_blender}
    for folder, found in blenders.items():
        if folder in wanted and isinstance(found, Missing):
            tally.skip(folder, found.reason)
    if LINT in wanted:
        run_lint(backend, tally)
    runs = [run for run in _shared_runs(backend, blenders) if run.name in wanted]
    if runs:
        run_together(runs, tally)
    if UI in wanted:
        run_ui(backend, tally)
    if "gpu" in wanted and not has_cuda(backend):
        tally.skip("gpu", "no CUDA device on this machine")
    elif "gpu" in wanted:
        run_alone(Run("gpu", backend, ("tests/gpu",)), tally)
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

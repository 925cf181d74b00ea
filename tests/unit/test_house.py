"""build_addon.py and house/: finding Pythons, writing zips, counting tests."""

import ast
import io
import os
import re
import sys
import zipfile
from contextlib import redirect_stderr
from pathlib import Path

import pytest

import build_addon
from backend.install import InstallError
from house import commands, environments, package, suites, wheels
from house.environments import ROOT, Missing, find_python
from shared.version import VERSION

HERE = (sys.version_info[0], sys.version_info[1])
posix = pytest.mark.skipif(os.name == "nt", reason="shims are shell scripts")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no Python but what a test puts in this folder of the path."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(environments.sys, "executable", str(tmp_path / "nothing"))
    return tmp_path


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@posix
def test_a_shim_that_fails_is_passed_over_for_a_python_that_runs(bare: Path) -> None:
    name = f"python{HERE[0]}.{HERE[1]}"
    real = Path(sys.prefix) / "bin" / "python"
    script(bare / name, "echo 'command not found' >&2; exit 127")
    works = bare / "pyenv" / "versions" / f"{HERE[0]}.{HERE[1]}.99" / "bin" / "python"
    script(works, f'exec "{real}" "$@"')
    assert find_python(HERE) == str(works)


def test_a_python_that_is_nowhere_is_named(bare: Path) -> None:
    with pytest.raises(InstallError, match=r"No Python 3\.13 was found") as raised:
        find_python((3, 13))
    assert raised.value.code == "python_missing"
    assert raised.value.remedy == "Install Python 3.13 and run this again."


def test_only_an_optional_environment_may_be_missing(bare: Path) -> None:
    found = environments.ensure_or_missing("blender-5.2")
    assert isinstance(found, environments.Missing)
    assert "No Python 3.13" in found.reason
    with pytest.raises(InstallError):
        environments.ensure_or_missing("blender-4.5")


def test_the_entry_point_is_readable_by_an_old_python() -> None:
    source = (ROOT / "build_addon.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))
    assert "f'" not in source.replace("of'", "")
    assert 'f"' not in source


def test_an_old_python_without_a_newer_one_beside_it_gets_a_clear_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(build_addon, "newer_pythons", list)
    said = io.StringIO()
    with redirect_stderr(said):
        assert build_addon.restart() == 2
    assert "needs Python 3.11 or newer" in said.getvalue()
    assert "Install Python 3.11" in said.getvalue()


# --- zips ---------------------------------------------------------------------------------------


def test_a_zips_bytes_depend_on_its_files_alone(tmp_path: Path) -> None:
    files = {"b/two.txt": b"2" * 500, "a.txt": b"1"}
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    package.write_zip(first, files)
    package.write_zip(second, dict(reversed(files.items())))
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.zip", "2.zip"]


def test_every_build_and_platform_gets_its_own_manifest() -> None:
    seen = set()
    for build in wheels.BUILDS:
        for name in build.platforms:
            text = package.manifest(build, name, ["pyzmq.whl"])
            assert text.count("blender_version_min") == 1
            assert 'wheels = ["./wheels/pyzmq.whl"]' in text
            seen.add(text)
    assert len(seen) == 8


@pytest.mark.parametrize(
    ("platform", "libraries"),
    [
        ("linux-x64", {"linux-x64.so"}),
        ("linux-arm64", {"linux-arm64.so"}),
        ("windows-x64", {"windows-x64.dll"}),
        ("windows-arm64", {"windows-arm64.dll"}),
        ("macos", {"macos-arm64.dylib", "macos-x64.dylib"}),
    ],
)
def test_a_zip_holds_the_rasteriser_of_its_platform_and_no_other(
    platform: str, libraries: set[str]
) -> None:
    folder = "backend/splat/libraries/"
    found = package.contents(platform)
    inside = {name.removeprefix(folder) for name in found if name.startswith(folder)}
    assert inside == {*libraries, "record.json", "LICENCES.txt"}
    for name in libraries:
        assert found[folder + name] == (ROOT / folder / name).read_bytes()


def test_a_manifest_with_another_version_than_shared_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(package, "VERSION", "99.0.0")
    with pytest.raises(InstallError, match=rf"version {VERSION}, shared has 99\.0\.0"):
        package.manifest(wheels.BUILDS[0], "linux-x64", [])


# --- counting -----------------------------------------------------------------------------------

REPORT = """<testsuites><testsuite>
<testcase classname="a" name="passes"/>
<testcase classname="a" name="fails"><failure message="no"/></testcase>
<testcase classname="a" name="breaks"><error message="no"/></testcase>
<testcase classname="a" name="waits"><skipped message="no CUDA"/></testcase>
</testsuite></testsuites>"""


def test_a_report_is_counted_with_names_and_reasons(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT)
    tally = suites.Tally()
    suites._read_report(tmp_path / "report.xml", "unit", 1, tally)
    assert (tally.passed, tally.failed, tally.skipped) == (1, 2, 1)
    assert tally.failures == ["unit: a::fails", "unit: a::breaks"]
    assert tally.skips == ["unit: a::waits: no CUDA"]


def test_runs_that_share_the_machine_are_all_counted_and_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def quick(python: Path, report: Path, chosen: tuple[str, ...]) -> list[str]:
        script = f"import pathlib; pathlib.Path({str(report)!r}).write_text({REPORT!r})"
        return [str(python), "-c", f"{script}; print('said by {chosen[0]}')"]

    monkeypatch.setattr(suites, "_pytest", quick)
    tally = suites.Tally()
    runs = [suites.Run(name, Path(sys.executable), (f"tests/{name}",)) for name in "abc"]
    suites.run_together(runs, tally)
    assert (tally.passed, tally.failed, tally.skipped) == (3, 6, 3)
    told = capfd.readouterr().out
    for name in "abc":
        assert re.search(rf"said by tests/{name}\n{name}: \d+ s\n", told)
        assert f"{name}: a::fails" in tally.failures


def test_the_shared_runs_leave_no_folder_of_tests_out() -> None:
    blenders = {
        "blender-4.5": Path("python"),
        "blender-5.2": Missing("blender-5.2", "no network"),
    }
    runs = suites._shared_runs(Path("python"), blenders)
    assert [run.name for run in runs if "blender" in run.name] == ["blender-4.5"]
    photos, rest = (set(run.chosen) for run in runs[:2])
    assert rest == {"tests/unit", "tests/protocol", *(f"--ignore={name}" for name in photos)}
    folders = {name for run in runs for name in run.chosen if not name.startswith("--")}
    assert all((ROOT / name).is_dir() for name in folders)
    alone = {"tests/ui", "tests/gpu", "tests/fuzz", "tests/benchmarks"}
    tested = {
        f"tests/{path.name}"
        for path in (ROOT / "tests").iterdir()
        if path.is_dir() and any(path.rglob("test_*.py"))
    }
    assert tested - alone <= folders


def test_a_run_that_died_counts_as_a_failure_even_where_every_test_passed(tmp_path: Path) -> None:
    tally = suites.Tally()
    suites._read_report(tmp_path / "absent.xml", "unit", -11, tally)
    (tmp_path / "report.xml").write_text(
        '<testsuites><testcase classname="a" name="b"/></testsuites>'
    )
    suites._read_report(tmp_path / "report.xml", "blender", 3, tally)
    assert tally.failures == [
        "unit: ended with code -11 and no report",
        "blender: pytest ended with code 3",
    ]


@pytest.mark.parametrize(
    ("tally", "line", "code"),
    [
        (
            suites.Tally(passed=3, skipped=1, skips=["gpu: none"]),
            "3 passed, 0 failed, 1 skipped",
            0,
        ),
        (suites.Tally(passed=3, failed=1, failures=["x"]), "3 passed, 1 failed, 0 skipped", 1),
        (suites.Tally(), "0 passed, 0 failed, 0 skipped", 1),
    ],
)
def test_the_last_line_is_the_plain_count(
    tally: suites.Tally, line: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert suites._conclude(tally) == code
    assert capsys.readouterr().out.splitlines()[-1] == line


def test_the_fuzz_gets_its_own_options_and_no_other_command_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[list[str]] = []

    def note(options: list[str]) -> int:
        given.append(options)
        return 1

    monkeypatch.setattr(commands, "run_fuzz", note)
    assert commands.main(["fuzz", "--only", "photo", "--seed", "5", "--help"]) == 1
    assert given == [["--only", "photo", "--seed", "5", "--help"]]
    with pytest.raises(SystemExit):
        commands.main(["libraries", "--seed", "5"])
    assert "unrecognized arguments: --seed 5" in capsys.readouterr().err

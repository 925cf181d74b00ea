"""The tests of a module are found by its name: tests/unit/splat/test_cpu.py for splat/cpu.py."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIDES = {"unit": "backend", "blender": "blender_addon"}
"""Suite -> the package that it mirrors; tests/unit/shared mirrors shared."""


def mirrored() -> list[Path]:
    """Test files in a folder of a suite; those directly in it are about the repository."""
    return sorted(
        path for suite in SIDES for path in (ROOT / "tests" / suite).glob("*/**/test_*.py")
    )


def modules_beside(path: Path) -> set[str]:
    """Names of the modules and packages in the folder that a test file's folder mirrors."""
    suite, *folders = path.relative_to(ROOT / "tests").parent.parts
    side = ROOT if folders[0] == "shared" else ROOT / SIDES[suite]
    package = side / Path(*folders)
    names = {p.stem for p in package.glob("*.py")} | {
        p.parent.name for p in package.glob("*/__init__.py")
    }
    return names - {"__init__"}


@pytest.mark.parametrize("path", mirrored(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_test_file_is_named_after_a_module_of_its_folder(path: Path) -> None:
    subject = path.stem.removeprefix("test_")
    named = [n for n in modules_beside(path) if subject == n or subject.startswith(f"{n}_")]
    assert named, f"{path.name} names none of {sorted(modules_beside(path))}"

"""blender_addon -> shared <- backend: what import-linter cannot say, read from the sources."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STANDARD = set(sys.stdlib_module_names)


def imported(path: Path) -> set[str]:
    """Top names of absolute imports anywhere in a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def identifier(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", sources("shared"), ids=identifier)
def test_shared_imports_the_standard_library_numpy_and_pyzmq_only(path: Path) -> None:
    assert imported(path) - STANDARD <= {"numpy", "zmq"}


@pytest.mark.parametrize(
    "path",
    [*sources("backend/installer"), ROOT / "backend/install.py", *sources("house")],
    ids=identifier,
)
def test_installer_and_house_import_the_standard_library_only(path: Path) -> None:
    allowed = {"backend", "shared", "bpy"} if path.parent.name == "house" else {"backend"}
    assert imported(path) - STANDARD <= allowed


@pytest.mark.parametrize("path", sources("blender_addon"), ids=identifier)
def test_the_add_on_imports_its_own_modules_relatively(path: Path) -> None:
    # Installed, the package has another name; `shared` comes in through _shared.py alone.
    door = {"shared"} if path.name == "_shared.py" else set()
    blender = {"bpy", "mathutils", "gpu", "gpu_extras", "bmesh", "bl_math", "bpy_extras", "blf"}
    assert imported(path) - STANDARD <= blender | {"numpy"} | door

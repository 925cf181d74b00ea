"""An installed backend has its locks' packages only, not those of the tests."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "backend" / "locks"
OURS = {"backend", "shared"}
NOT_IN_ITS_TOP_LEVEL = {"dlib": ["dlib-bin"]}  # the package's own list leaves its module out
ONLY_WITH_A_GPU = {"gsplat"}  # backend/splat/cuda.py, which says how to get it


def imported() -> dict[str, Path]:
    """Top-level modules that files of the backend and of `shared` import, with one such file."""
    found: dict[str, Path] = {}
    for folder in ("backend", "shared"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names: list[str] = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                    names = [node.module]
                for name in names:
                    found.setdefault(name.partition(".")[0], path)
    return found


def locked() -> set[str]:
    """Normalised names of the packages in the backend's locks, research included."""
    text = (LOCKS / "research.txt").read_text() + (LOCKS / "torch-cpu.txt").read_text()
    return {re.sub(r"[-_.]+", "-", n).lower() for n in re.findall(r"^([\w.-]+)==", text, re.M)}


def test_every_package_that_the_backend_imports_is_in_its_lock() -> None:
    known, owners = locked(), {**packages_distributions(), **NOT_IN_ITS_TOP_LEVEL}
    missing = {}
    for module, path in imported().items():
        if module in sys.stdlib_module_names or module in OURS | ONLY_WITH_A_GPU:
            continue
        names = {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners.get(module, [])}
        if not names & known:
            missing[module] = str(path.relative_to(ROOT))
    assert not missing, f"imported but in no lock of the backend: {missing}"

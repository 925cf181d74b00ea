"""No module imports itself by a detour, not even through an import inside a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

Graph = dict[str, set[str]]


def modules(package: Path) -> dict[str, Path]:
    """Every module of a package by its dotted name; `a/__init__.py` is `a`."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path, known: set[str]) -> Iterator[str]:
    """The modules out of `known` that one module imports, wherever in its file.

    `from package import x` means the module `package.x` where there is one, and the package itself
    where x is a name in it. Packages on the way down do not count: nothing is taken from them.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                depth = node.level - (path.name == "__init__.py")
                package = name.split(".")[: -depth or None]
                source = ".".join([*package, *filter(None, [node.module])])
            for alias in node.names:
                found = f"{source}.{alias.name}"
                yield from (n for n in [found if found in known else source] if n in known)


def graph(package: Path) -> Graph:
    """What each module of a package imports of it."""
    paths = modules(package)
    return {name: {*imported(name, path, set(paths))} for name, path in paths.items()}


def reached(edges: Graph, start: str) -> set[str]:
    """Modules that can be reached from one, itself only by a cycle."""
    found: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += edges[name]
    return found


def cycles(edges: Graph) -> list[str]:
    """Groups of modules that reach one another, as lines that name their imports."""
    reach = {name: reached(edges, name) for name in edges}
    groups = {
        frozenset({name, *(other for other in reach[name] if name in reach[other])})
        for name in edges
        if name in reach[name]
    }
    return [
        "\n".join(f"{name} -> {', '.join(sorted(edges[name] & group))}" for name in sorted(group))
        for group in sorted(groups, key=sorted)
    ]


@pytest.mark.parametrize("package", ["shared", "backend", "blender_addon"])
def test_no_module_imports_itself_by_a_detour(package: str) -> None:
    found = cycles(graph(ROOT / package))
    assert not found, f"{len(found)} cycles in {package}:\n" + "\n\n".join(found)


# --- the reading of imports itself, on packages made up here -------------------------------------


def made(folder: Path, files: dict[str, str]) -> Path:
    for name, text in {"__init__.py": "", **files}.items():
        path = folder / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "made"


def test_a_chain_is_no_cycle(tmp_path: Path) -> None:
    files = {
        "a.py": "from .b import x\nimport json",
        "b.py": "from made import c",
        "c.py": "x = 1",
    }
    package = made(tmp_path, files)
    assert graph(package) == {
        "made": set(),
        "made.a": {"made.b"},
        "made.b": {"made.c"},
        "made.c": set(),
    }
    assert not cycles(graph(package))


@pytest.mark.parametrize(
    "back",
    [
        "def f():\n    from .a import f",
        "def f():\n    import made.a",
        "def f():\n    from made import a",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import a",
    ],
)
def test_a_way_back_that_is_hidden_is_found(tmp_path: Path, back: str) -> None:
    package = made(tmp_path, {"a.py": "from made.b import f", "b.py": back})
    assert cycles(graph(package)) == ["made.a -> made.b\nmade.b -> made.a"]


def test_a_way_back_over_folders_is_found(tmp_path: Path) -> None:
    files = {
        "a.py": "from .inner.b import x",
        "inner/__init__.py": "",
        "inner/b.py": "from .c import x",
        "inner/c.py": "from .. import a",
    }
    assert cycles(graph(made(tmp_path, files))) == [
        "made.a -> made.inner.b\nmade.inner.b -> made.inner.c\nmade.inner.c -> made.a"
    ]


def test_a_package_counts_where_a_name_is_taken_from_it_only(tmp_path: Path) -> None:
    files = {"inner/__init__.py": "from .b import x", "inner/b.py": "x = 1", "inner/c.py": ""}
    package = made(tmp_path, {**files, "inner/b.py": "from . import c\nx = 1"})
    assert not cycles(graph(package))
    package = made(tmp_path, {**files, "inner/b.py": "from . import y\nx = 1"})
    assert cycles(graph(package)) == ["made.inner -> made.inner.b\nmade.inner.b -> made.inner"]

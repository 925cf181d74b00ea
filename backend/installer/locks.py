"""Reads locks: pinned and hashed requirement files, and the torch sources."""

import ast
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

LOCKS = Path(__file__).resolve().parent.parent / "locks"


@dataclass(frozen=True)
class Pin:
    """One pinned package of a lock, as its lines stand there."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    text: str
    from_source: bool = False


def read_lock(path: Path) -> list[Pin]:
    """The pins of a lock file, in order."""
    text = path.read_text(encoding="utf-8")
    sources = set(re.findall(r"^# from source: (\S+)$", text, re.M))
    pins = []
    for entry in re.split(r"\n(?=[A-Za-z0-9])", text):
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\\n]+))?", entry)
        if match is None:
            continue
        name, version, marker = match[1].lower(), match[2], (match[3] or "").strip()
        hashes = tuple(re.findall(r"--hash=(sha256:[0-9a-f]{64})", entry))
        lines = [line for line in entry.splitlines() if not line.lstrip().startswith("#")]
        body = "\n".join(lines).rstrip().rstrip("\\").rstrip()
        pins.append(Pin(name, version, marker, hashes, body, name in sources))
    return pins


def _value(node: ast.expr, markers: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return markers[node.id]
    return str(ast.literal_eval(node))


def _holds(node: ast.expr, markers: dict[str, str]) -> bool:
    if isinstance(node, ast.BoolOp):
        parts = [_holds(value, markers) for value in node.values]
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    if not isinstance(node, ast.Compare):
        raise ValueError(ast.unparse(node))
    left, right = _value(node.left, markers), _value(node.comparators[0], markers)
    name = node.left.id if isinstance(node.left, ast.Name) else ""
    a: object = left
    b: object = right
    if name.startswith("python_"):
        a, b = (tuple(int(n) for n in re.findall(r"\d+", text)[:3]) for text in (left, right))
    match node.ops[0]:
        case ast.Eq():
            return a == b
        case ast.NotEq():
            return a != b
        case ast.Lt():
            return a < b  # type: ignore[operator]
        case ast.GtE():
            return a >= b  # type: ignore[operator]
        case ast.LtE():
            return a <= b  # type: ignore[operator]
        case ast.Gt():
            return a > b  # type: ignore[operator]
    raise ValueError(ast.unparse(node))


def applies(marker: str, markers: dict[str, str]) -> bool:
    """Whether an environment marker holds; the subset of PEP 508 that our locks use."""
    return not marker or _holds(ast.parse(marker, mode="eval").body, markers)


def torch_sources() -> dict[str, dict[str, str]]:
    """The torch variants: {"cpu": {"lock": file, "index": address}, "cuda": ...}."""
    with (LOCKS / "torch_sources.toml").open("rb") as file:
        return tomllib.load(file)["sources"]

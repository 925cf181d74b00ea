"""What a head is made of: its mesh, components, landmarks, regions and sites, as tensors."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from backend.assets import OPEN_HEAD
from shared.errors import AvatarError
from shared.flame import EXPRESSION_SIZE

from .archive import read_head
from .open_head_hash import OPEN_HEAD_SHA256
from .surface import steady_neighbours

_CODES = {"flame_with_eye": "flame2020"}


def codes_of(name: str) -> str:
    """The name that tracks bear whose codes fit a head; heads of one FLAME version share it."""
    return _CODES.get(name, name)


@dataclass(frozen=True, eq=False)  # tensors have no one truth: a head equals itself
class HeadTensors:
    """What `Head` is made of. Lengths in metres, head space (+Y up, +Z out of the face, +X left).

    They are copies in torch's own memory, which is aligned, as is what a head makes of a track's
    arrays: matrix products sum in an order that depends on the alignment of their operands.

    Args:
        name: `open`, `flame2020`, `flame2023`, `flame2023_open` or `flame_with_eye`.
        hash: sha256 of the file it was read from, hexadecimal.
        v_template: [V, 3] the average, neutral head.
        faces: [F, 3] int64 triangles, counter-clockwise from outside.
        edges: [E, 2] int64 undirected edges.
        mirror: [V] int64, each vertex's counterpart on the other side.
        shapedirs: [V, 3, S] identity, one standard deviation each.
        exprdirs: [V, 3, 100] expression; the open head's first 52 are the ARKit units.
        J_regressor: [5, V] joints from the neutral vertices.
        lbs_weights: [V, 5] skin weights.
        parents: Parent of each joint, -1 for the root.
        landmark_faces: [478] int64 triangle of each MediaPipe landmark.
        landmark_bary: [478, 3] its weights.
        regions: Name -> [V] bool.
        site_faces: [V, 14] int64 triangles of the sites: G1's 2, G2's 4, G3's 8.
        site_bary: [V, 14, 3] their weights.
        site_spacing: [V] distance of neighbouring points (vertex and sites) on the template.
        neighbours: [V] int64, the neighbour that fixes a vertex's tangent.
        posedirs: [V, 3, 36] pose correctives of neck, jaw, left and right eye (FLAME), or None.
        expression_moves_joints: The joints follow the expression too (FLAME).
        flame_landmark_faces: [N] int64 triangle of each landmark that came with a FLAME file
            (68, or 70 with the eyes), or None.
        flame_landmark_bary: [N, 3] its weights, or None.
        path: The FLAME file, None for the open head.
        unit_codes: [52, 109] what each ARKit unit is in this head's codes (expression 100, then
            jaw, left and right eye, radians); None for the open head, whose codes they are.
    """

    name: str
    hash: str
    v_template: Tensor
    faces: Tensor
    edges: Tensor
    mirror: Tensor
    shapedirs: Tensor
    exprdirs: Tensor
    J_regressor: Tensor
    lbs_weights: Tensor
    parents: tuple[int, ...]
    landmark_faces: Tensor
    landmark_bary: Tensor
    regions: dict[str, Tensor]
    site_faces: Tensor
    site_bary: Tensor
    site_spacing: Tensor
    neighbours: Tensor
    posedirs: Tensor | None = None
    expression_moves_joints: bool = False
    flame_landmark_faces: Tensor | None = None
    flame_landmark_bary: Tensor | None = None
    path: Path | None = None
    unit_codes: Tensor | None = None

    @property
    def codes(self) -> str:
        """`codes_of` its name."""
        return codes_of(self.name)

    @classmethod
    def load(cls, name: str = "open", path: Path | None = None) -> Self:
        """Reads a head.

        Args:
            name: `open`, the embedded one.
            path: Another file of the same format; its hash is then not checked.

        Raises:
            AvatarError: `bad_request` for an unknown name, `bad_file`, `head_mismatch`.
        """
        if name != "open":
            raise AvatarError("bad_request", f"Unknown head {name!r}; expected 'open'.", "Name it.")
        expected = OPEN_HEAD_SHA256 if path is None else None
        arrays, digest = read_head(OPEN_HEAD if path is None else path, expected)
        tensors = {key: torch.tensor(a) for key, a in arrays.items() if a.dtype.kind in "fib"}
        faces, template = tensors["faces"].long(), tensors["v_template"]
        units = tensors["exprdirs"]
        return cls(
            name=str(arrays["name"]),
            hash=digest,
            v_template=template,
            faces=faces,
            edges=tensors["edges"].long(),
            mirror=tensors["mirror"].long(),
            shapedirs=tensors["shapedirs"],
            exprdirs=functional.pad(units, (0, EXPRESSION_SIZE - units.shape[2])),
            J_regressor=tensors["J_regressor"],
            lbs_weights=tensors["lbs_weights"],
            parents=tuple(arrays["parents"].tolist()),
            landmark_faces=tensors["landmark_faces"].long(),
            landmark_bary=tensors["landmark_barycentric"],
            regions=dict(zip(arrays["region_names"].tolist(), tensors["regions"], strict=True)),
            site_faces=tensors["site_faces"].long(),
            site_bary=tensors["site_barycentric"],
            site_spacing=tensors["site_spacing"],
            neighbours=steady_neighbours(template, faces, tensors["edges"].long()),
        )

    def to(self, device: str | torch.device) -> Self:
        """The same head with all tensors on a device."""
        moved = {
            f.name: getattr(self, f.name).to(device)
            for f in fields(self)
            if isinstance(getattr(self, f.name), Tensor)
        }
        regions = {name: mask.to(device) for name, mask in self.regions.items()}
        return replace(self, regions=regions, **moved)

"""What the network has to know of a head."""

from __future__ import annotations

from typing import Any, Protocol


class HeadMesh(Protocol):
    """What the network needs to know of a head (NumPy arrays or tensors).

    Attributes:
        v_template: [V, 3] metres.
        faces: [F, 3] triangles.
        site_faces: [V, S] triangle of every fixed child site, layer by layer.
        site_bary: [V, S, 3] its barycentric coordinates.
        site_spacing: [V] distance between neighbouring sites, metres.
        hash: Identifies the head.
    """

    @property
    def v_template(self) -> Any: ...  # noqa: D102 (the class says what it is)
    @property
    def faces(self) -> Any: ...  # noqa: D102
    @property
    def site_faces(self) -> Any: ...  # noqa: D102
    @property
    def site_bary(self) -> Any: ...  # noqa: D102
    @property
    def site_spacing(self) -> Any: ...  # noqa: D102
    @property
    def hash(self) -> str: ...  # noqa: D102

"""What personalising an avatar changes, and what it aims at."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from torch import Tensor

from backend.model.residuals import IdentityResiduals, LayerResiduals
from backend.splat.gaussians import Gaussians
from shared.camera import Camera


@dataclass
class Personal:
    """An avatar's own tensors.

    Args:
        identity: Residuals of the planes.
        layers: Residuals of G0..GL.
        identity_mask: [2P] bool, the cells that exist.
        rim: [2P] bool, the cells whose colours stay: the outline is darker than what it turns into.
        frozen: Per layer [N] bool: lips and lids, whose colour, place and size stay.
        toned: Per layer [N] bool: necks and the undersides of jaws, whose colours stay.
        shown: Per layer [N] 0..1: how much the portrait shows of each Gaussian.
        anchored: Per layer [N] bool: eyeballs and teeth, whose place, size and opacity stay.
        fixed: Identity Gaussians that stay as they are: around the planes, and frames of glasses.
    """

    identity: IdentityResiduals
    layers: list[LayerResiduals]
    identity_mask: Tensor
    rim: Tensor
    frozen: list[Tensor]
    toned: list[Tensor]
    shown: list[Tensor]
    anchored: list[Tensor]
    fixed: Gaussians

    def to(self, device: str) -> Personal:
        """The same tensors on another device."""
        return Personal(
            identity=self.identity.to(device),
            layers=[layer.to(device) for layer in self.layers],
            identity_mask=self.identity_mask.to(device),
            rim=self.rim.to(device),
            frozen=[mask.to(device) for mask in self.frozen],
            toned=[mask.to(device) for mask in self.toned],
            shown=[share.to(device) for share in self.shown],
            anchored=[mask.to(device) for mask in self.anchored],
            fixed=self.fixed.to(device),
        )


@dataclass(frozen=True)
class Target:
    """What to match.

    Args:
        image: [H, W, 3] the portrait on black, display sRGB 0..1.
        alpha: [H, W] its matte.
        camera: The portrait's.
        vertices: [1, V, 3] the posed head, metres.
        frames: [1, V, 3, 3] its local frames.
        still: [V] bool: vertices that no expression moves, which identity Gaussians may own.
    """

    image: Tensor
    alpha: Tensor
    camera: Camera
    vertices: Tensor
    frames: Tensor
    still: Tensor

    def to(self, device: str) -> Target:
        """The same target on another device."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "camera"}
        return replace(self, **{name: value.to(device) for name, value in tensors.items()})

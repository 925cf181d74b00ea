"""`Head`: what a FLAME-interface head model computes from identity, expression and pose."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from shared.errors import AvatarError
from shared.flame import ARKIT_NAMES, EXPRESSION_SIZE, Track

from .lbs import blend, joint_transforms, rigid, rodrigues, skin
from .tensors import HeadTensors

ROOT, NECK = 0, 1
"""Joints by number; the order is `shared.flame.JOINTS`."""


@dataclass(frozen=True, eq=False)
class Head(HeadTensors):
    """A head model: the tensors of `HeadTensors`, shaped, posed and read out."""

    def shape(self, betas: Tensor) -> Tensor:
        """Neutral head [B, V, 3] of an identity.

        Args:
            betas: [B, S'], about N(0, 1); those past the head's S components must be zero.
        """
        size = self.shapedirs.shape[2]
        if betas.shape[1] > size and bool((betas[:, size:] != 0).any()):
            raise AvatarError(
                "head_mismatch",
                f"betas[{size}:] are not zero; the head {self.name!r} has {size} identity "
                "components.",
                "Use the identity of this head.",
            )
        used = betas[:, :size]
        return blend(self.v_template, self.shapedirs[..., : used.shape[1]], used)

    def joints(self, shaped: Tensor) -> Tensor:
        """Joints [B, 5, 3] of neutral heads [B, V, 3]: root, neck, jaw, left eye, right eye."""
        return self.J_regressor @ shaped

    def vertices(
        self,
        betas: Tensor,
        expression: Tensor,
        jaw_pose: Tensor,
        leye_pose: Tensor,
        reye_pose: Tensor,
    ) -> Tensor:
        """The head [B, V, 3] with expression, jaw and eyes, not turned as a whole.

        Neck and root stay at rest: see `head_pose`.

        Args:
            betas: [B, S'].
            expression: [B, 100] (or the first of them).
            jaw_pose: [B, 3] axis-angle about the jaw joint, radians; x > 0 opens.
            leye_pose: [B, 3] about the left eye's centre.
            reye_pose: [B, 3].
        """
        rest = torch.zeros_like(jaw_pose)
        return self.lbs(betas, expression, rest, rest, jaw_pose, leye_pose, reye_pose, rest)

    def head_pose(
        self, betas: Tensor, global_orient: Tensor, neck_pose: Tensor, transl: Tensor
    ) -> Tensor:
        """The rigid motion [B, 4, 4] of the whole head: neck, then root, then shift.

        Deviates: a FLAME head's expression moves these two joints by less than a millimetre;
        that is left out, so that one identity turns about fixed points.

        Args:
            betas: [B, S'] (the joints depend on the identity).
            global_orient: [B, 3] axis-angle about the root joint, radians.
            neck_pose: [B, 3] axis-angle about the neck joint.
            transl: [B, 3] metres.
        """
        joints = self.joints(self.shape(betas))
        root = rigid(rodrigues(global_orient), joints[:, ROOT], transl)
        return root @ rigid(rodrigues(neck_pose), joints[:, NECK])

    def lbs(
        self,
        betas: Tensor,
        expression: Tensor,
        global_orient: Tensor,
        neck_pose: Tensor,
        jaw_pose: Tensor,
        leye_pose: Tensor,
        reye_pose: Tensor,
        transl: Tensor,
    ) -> Tensor:
        """All of linear blend skinning [B, V, 3], the neck's weights included.

        Source: FLAME (Li et al. 2017), Eqs. 1-5, as smplx computes it.
        Deviates: the open head has no pose correctives, and its joints follow identity only, for
        else an eyeLook unit would drag the eye's own joint along.
        """
        shaped = self.shape(betas)
        posed = blend(shaped, self.exprdirs[..., : expression.shape[1]], expression)
        joints = self.joints(posed if self.expression_moves_joints else shaped)
        pose = torch.stack([global_orient, neck_pose, jaw_pose, leye_pose, reye_pose], 1)
        if self.posedirs is not None:
            turned = rodrigues(pose[:, 1:]) - torch.eye(3, dtype=pose.dtype, device=pose.device)
            posed = blend(posed, self.posedirs, turned.flatten(1))
        transforms = joint_transforms(pose, joints, self.parents)
        return skin(posed, self.lbs_weights, transforms) + transl[:, None]

    def normals(self, vertices: Tensor) -> Tensor:
        """Unit outward normals [B, V, 3], area-weighted, of vertices [B, V, 3]."""
        a, b, c = vertices[:, self.faces].unbind(2)  # [B, F, 3] each
        facing = torch.linalg.cross(b - a, c - a)
        total = torch.zeros_like(vertices)
        for corner in range(3):
            total = total.index_add(1, self.faces[:, corner], facing)
        return functional.normalize(total, dim=-1, eps=1e-20)

    def local_frames(self, vertices: Tensor) -> Tensor:
        """Rotations [B, V, 3, 3] that turn with the skin; columns tangent, bitangent, normal.

        The tangent points to the vertex's own fixed neighbour, made orthogonal to the normal.
        """
        normal = self.normals(vertices)
        towards = vertices[:, self.neighbours] - vertices
        tangent = towards - (towards * normal).sum(-1, keepdim=True) * normal
        tangent = functional.normalize(tangent, dim=-1, eps=1e-20)
        return torch.stack([tangent, torch.linalg.cross(normal, tangent), normal], -1)

    def embed_landmarks(self, values: Tensor) -> Tensor:
        """Values [V, ...] of the vertices at the 478 landmarks [478, ...]."""
        corners = values[self.faces[self.landmark_faces]]  # [478, 3, ...]
        return torch.einsum("lc,lc...->l...", self.landmark_bary.to(values.dtype), corners)

    def flame_landmarks(self, vertices: Tensor) -> Tensor:
        """A FLAME file's own landmarks [B, N, 3] on vertices [B, V, 3].

        Raises:
            AvatarError: `missing_weights` where the head came without them.
        """
        if self.flame_landmark_faces is None or self.flame_landmark_bary is None:
            raise AvatarError(
                "missing_weights",
                f"The head {self.name!r} came without landmarks of its own.",
                "Put landmark_embedding.npy beside its file.",
            )
        corners = vertices[:, self.faces[self.flame_landmark_faces]]  # [B, N, 3, 3]
        return torch.einsum("nc,bncd->bnd", self.flame_landmark_bary.to(vertices), corners)

    def translated(self, track: Track) -> Track:
        """A track in this head's codes: one of the open head is translated, others must fit.

        Identity codes are not translated: the result of a translation has none.

        Raises:
            AvatarError: `head_mismatch` for codes of another head.
        """
        if track.head != "open" or self.unit_codes is None:
            self._check_codes(track)
            return track
        units = self.unit_codes.cpu().numpy()
        codes = track.expression[:, : len(units)] @ units
        sizes = np.cumsum([EXPRESSION_SIZE, 3, 3])
        expression, jaw, leye, reye = np.split(codes, sizes, axis=1)
        return replace(
            track,
            expression=expression,
            jaw_pose=track.jaw_pose + jaw,
            leye_pose=track.leye_pose + leye,
            reye_pose=track.reye_pose + reye,
            betas=None,
            head=self.codes,
        )

    def vertices_of(self, track: Track) -> Tensor:
        """`vertices` [T, V, 3] of a track's frames."""
        names = ("expression", "jaw_pose", "leye_pose", "reye_pose")
        return self.vertices(self._betas(track), *self._of(track, names))

    def head_pose_of(self, track: Track) -> Tensor:
        """`head_pose` [4, 4] of a track's one frame."""
        if len(track) != 1:
            raise ValueError(f"head_pose_of takes one frame; the track has {len(track)}")
        names = ("global_orient", "neck_pose", "transl")
        return self.head_pose(self._betas(track), *self._of(track, names))[0]

    def joints_of(
        self, betas: np.ndarray | Tensor | None, expression: np.ndarray | None = None
    ) -> np.ndarray:
        """Joints [5, 3] float64 of one identity [S'] (None: the average).

        Args:
            betas: The identity.
            expression: [100] moves the joints of FLAME heads only; None is neutral.
        """
        shaped = self.shape(self._as_row(betas))
        if self.expression_moves_joints and expression is not None:
            shaped = blend(shaped, self.exprdirs, self._as_row(expression))
        return self.joints(shaped)[0].double().cpu().numpy()

    def unit_deltas(self, betas: np.ndarray | Tensor | None = None) -> Tensor:
        """How far each ARKit unit moves the vertices [52, V, 3] of one identity [S'].

        Args:
            betas: None for the average; the open head's units are the same for all.
        """
        if self.unit_codes is None:
            return self.exprdirs[..., : len(ARKIT_NAMES)].permute(2, 0, 1)
        row = self._as_row(betas)
        parts = self.unit_codes.split([EXPRESSION_SIZE, 3, 3, 3], dim=1)
        return self.vertices(row.expand(len(self.unit_codes), -1), *parts) - self.shape(row)

    def rig(self, betas: np.ndarray | Tensor | None) -> dict[str, np.ndarray]:
        """What a rig in another program is built from, for one identity [S'].

        Returns:
            vertices [V, 3], faces [F, 3] int32, expression_deltas [52, V, 3] of the ARKit units
            (translated for a FLAME head), joints [5, 3], skin_weights [V, 5]; float32, head
            space.
        """
        row = self._as_row(betas)
        arrays = {
            "vertices": self.shape(row)[0],
            "faces": self.faces.int(),
            "expression_deltas": self.unit_deltas(betas),
            "joints": torch.from_numpy(self.joints_of(betas)).float(),
            "skin_weights": self.lbs_weights,
        }
        return {name: np.ascontiguousarray(value.cpu().numpy()) for name, value in arrays.items()}

    def _as_row(self, betas: np.ndarray | Tensor | None) -> Tensor:
        if betas is None:
            return self.v_template.new_zeros(1, 1)
        return torch.as_tensor(betas).to(self.v_template, copy=True).reshape(1, -1)

    def _betas(self, track: Track) -> Tensor:
        self._check_codes(track)
        return self._as_row(track.betas).expand(len(track), -1)

    def _check_codes(self, track: Track) -> None:
        if track.head != self.codes:
            raise AvatarError(
                "head_mismatch",
                f"The track's codes belong to the head {track.head!r}; loaded is {self.codes!r}.",
                "Convert the track first.",
            )

    def _of(self, track: Track, names: tuple[str, ...]) -> list[Tensor]:
        return [torch.tensor(getattr(track, name)).to(self.v_template) for name in names]

"""Every track format that is read: how it is recognised, what is lost, how to export it.

docs/tracks.md shows this table; a test compares them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from . import (
    arkit_json,
    artalk,
    cap4d,
    deca,
    face_csv,
    flame_head_tracker,
    gagavatar,
    lam,
    metrical_tracker,
    ours,
    pixel3dmm,
    smirk,
    unitalker,
    vhap,
)
from .options import Options
from .read_track import ReadTrack


@dataclass(frozen=True)
class Format:
    """One kind of track file.

    Args:
        title: What users call it.
        extensions: How its files usually end. Only the content decides.
        keys: What it is recognised by.
        head: Head of its codes, or ARKit.
        lost: What of it is not read.
        export: How to get such a file.
        module: `recognises(content)` and `read(path, content, options)`.
        a_file_a_frame: Files beside the chosen one hold the other frames.
        by_camera: Its head motion is a camera's: shifts are told since the first frame.
    """

    title: str
    extensions: tuple[str, ...]
    keys: str
    head: str
    lost: str
    export: str
    module: ModuleType
    a_file_a_frame: bool = False
    by_camera: bool = False

    @property
    def named(self) -> str:
        """`VHAP (*.npz)`."""
        return f"{self.title} ({', '.join('*' + end for end in self.extensions)})"

    @property
    def recognises(self) -> Callable[[Any], bool]:
        """Whether a file's content is of this format."""
        return self.module.recognises

    @property
    def read(self) -> Callable[[Path, Any, Options], ReadTrack]:
        """The track in a file's content."""
        return self.module.read


_TORCH = (".frame", ".pt")
_DICTS = (".npz", ".npy", ".pkl", ".pt", ".mat")

FORMATS = (
    Format(
        "LAM", (".json",), "frames with flame_param_path", "flame2023",
        "cameras, pictures, static offsets",
        "transforms.json of VHAP's export, with flame_param beside it",
        lam,
    ),
    Format(
        "ARKit JSON", (".json",), "names and frames of weights", "ARKit",
        "faces' transformation matrices, names that are not ARKit's",
        "{names, frames: [{weights, time}]} of your own; MediaPipe's results as JSON; what "
        "Audio2Expression and Audio2Face write",
        arkit_json,
    ),
    Format(
        "Live Link Face CSV", (".csv",), "a first line of ARKit names", "ARKit",
        "eye angles where there are eyeLook weights",
        "a take's .csv from the app; Audio2Face-3D's animation_frames.csv",
        face_csv,
    ),
    Format(
        ".flame.npz", (".npz",), "expression, global_orient, fps, head", "as it says",
        "nothing",
        "python -m backend track, or convert-tracks",
        ours,
    ),
    Format(
        "VHAP", (".npz",), "expr, rotation, translation, neck_pose, jaw_pose, eyes_pose",
        "flame2023", "static offsets, cameras",
        "tracked_flame_params.npz, flame_param.npz",
        vhap, a_file_a_frame=True,
    ),
    Format(
        "GAGAvatar_track", (".pkl",),
        "shapecode, expcode, posecode, eyecode, transform_matrix by CLIP_NUMBER", "flame2020",
        "the head's box", "smoothed.pkl, optim.pkl",
        gagavatar, by_camera=True,
    ),
    Format(
        "SMIRK", _DICTS, "pose_params, expression_params, jaw_params", "flame2020",
        "cam; eyelids on FLAME heads", "np.savez of its encoder's outputs",
        smirk, a_file_a_frame=True,
    ),
    Format(
        "CAP4D", (".npz",), "expr, rot, tra, eye_rot", "flame2023", "cameras",
        "fit.npz", cap4d,
    ),
    Format(
        "Pixel3DMM", _TORCH, "flame with neck, R and t", "flame2020",
        "cameras; eyelids on FLAME heads", "a .frame of its checkpoints",
        pixel3dmm, a_file_a_frame=True,
    ),
    Format(
        "metrical-tracker", _TORCH, "flame (exp, jaw, eyes) and camera", "flame2020",
        "texture, light; eyelids on FLAME heads", "a .frame of its checkpoints",
        metrical_tracker, a_file_a_frame=True, by_camera=True,
    ),
    Format(
        "flame-head-tracker", (".npz",), "shape, exp, jaw_pose, neck_pose, eye_pose, cam",
        "flame2020", "pictures, texture, light; scores on FLAME heads",
        "an .npz of its results",
        flame_head_tracker, a_file_a_frame=True, by_camera=True,
    ),
    Format(
        "DECA, EMOCA", _DICTS, "shape, exp, pose", "flame2020", "cam, texture, light, detail",
        "codedict by scipy.io.savemat or np.save; EMOCA's folder of .npy",
        deca, a_file_a_frame=True,
    ),
    Format(
        "ARTalk", (".pt", ".npy"), "an array of 106 columns", "flame2020", "jaw y and z",
        "NAME_motions.pt of its results", artalk,
    ),
    Format(
        "UniTalker", (".npz", ".npy", ".pt"), "an array of 413 columns", "flame2020",
        "rotation, translation, scale", "np.save of its output for D5",
        unitalker,
    ),
)  # fmt: skip
"""In the order of asking: the first that recognises a file reads it."""

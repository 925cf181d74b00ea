"""Files as other people's trackers write them, with made-up content: the layout is what counts."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import torch
from scipy.spatial.transform import Rotation

Arrays = dict[str, np.ndarray]

T = 6


@dataclass(frozen=True)
class Tracker:
    """One source.

    Args:
        write: Writes the source's files below a folder from `motion`; returns what to open.
        head: The head of its codes.
        fps: Frames per second that a reader should take.
    """

    write: Callable[[Path, Arrays], Path]
    head: str = "flame2020"
    fps: float = 25.0


def motion(seed: int = 0) -> Arrays:
    """Random FLAME parameters of T frames; turns of up to half a radian."""
    rng = np.random.default_rng(seed)

    def turns(size: float) -> np.ndarray:
        return rng.uniform(-size, size, (T, 3))

    return {
        "shape": rng.normal(size=300).astype(np.float32),
        "exp": rng.normal(size=(T, 100)).astype(np.float32),
        "orient": turns(0.5),
        "neck": turns(0.3),
        "jaw": turns(0.3),
        "left": turns(0.3),
        "right": turns(0.3),
        "shift": rng.uniform(-0.2, 0.2, (T, 3)),
        "lids": rng.uniform(0, 1, (T, 2)).astype(np.float32),
        "scores": rng.uniform(0, 1, (T, 52)).astype(np.float32),
    }


def six(turns: np.ndarray) -> np.ndarray:
    """[T, 6] the first two rows of rotations, as pytorch3d.transforms.matrix_to_rotation_6d."""
    return Rotation.from_rotvec(turns).as_matrix()[:, :2].reshape(-1, 6).astype(np.float32)


def single(values: Arrays) -> Arrays:
    return {name: np.asarray(value, np.float32) for name, value in values.items()}


def vhap(folder: Path, m: Arrays) -> Path:
    path = folder / "tracked_flame_params_30.npz"
    np.savez(path, **_vhap_arrays(m, slice(None)), shape=m["shape"], fps_of_nobody=np.float32(3))  # pyright: ignore[reportArgumentType]
    return path


def _vhap_arrays(m: Arrays, at: slice) -> Arrays:
    return single(
        {
            "rotation": m["orient"][at],
            "translation": m["shift"][at],
            "neck_pose": m["neck"][at],
            "jaw_pose": m["jaw"][at],
            "eyes_pose": np.concatenate([m["left"], m["right"]], 1)[at],
            "expr": m["exp"][at],
            "static_offset": np.zeros((1, 5143, 3)),
        }
    )


def lam(folder: Path, m: Arrays) -> Path:
    (folder / "flame_param").mkdir()
    frames = []
    for t in range(T):
        name = f"flame_param/{t:05d}.npz"
        np.savez(folder / name, **_vhap_arrays(m, slice(t, t + 1)))  # pyright: ignore[reportArgumentType]
        for camera in range(2):  # a moment seen by two cameras is one frame
            frame = {"flame_param_path": name, "timestep_index": t, "camera_index": camera}
            frames.append({**frame, "transform_matrix": np.eye(4).tolist()})
    np.savez(folder / "canonical_flame_param.npz", shape=m["shape"])
    path = folder / "transforms.json"
    path.write_text(json.dumps({"frames": frames[::-1]}))
    return path


def gagavatar(folder: Path, m: Arrays) -> Path:
    camera = camera_rows(m)
    records = {
        f"clip_a_{t}": {
            "bbox": np.array([0.2, 0.1, 0.8, 0.8], np.float32),
            "shapecode": m["shape"],
            "expcode": m["exp"][t],
            "posecode": np.concatenate([np.zeros(3), m["jaw"][t]]).astype(np.float32),
            "eyecode": np.concatenate([m["left"][t], m["right"][t]]).astype(np.float32),
            "transform_matrix": camera[t],
        }
        for t in (3, 0, 5, 1, 4, 2)
    }
    path = folder / "smoothed.pkl"
    path.write_bytes(pickle.dumps(records))
    return path


def camera_rows(m: Arrays) -> np.ndarray:
    """[T, 3, 4] PyTorch3D's [R|T] of row vectors, about ten of GAGAvatar's units away."""
    turned = Rotation.from_rotvec(m["orient"]).as_matrix() @ np.diag([-1.0, 1, -1])
    shift = m["shift"] + [0, 0, 9.2]
    return np.concatenate([turned, shift[..., None]], -1).astype(np.float32)


def deca(folder: Path, m: Arrays) -> Path:
    path = folder / "codes.mat"
    pose = np.concatenate([m["orient"], m["jaw"]], 1)
    shape = np.tile(m["shape"][:100], (T, 1))
    codes = {"shape": shape, "exp": m["exp"][:, :50], "pose": pose, "cam": np.ones((T, 3))}
    scipy.io.savemat(path, single(codes), do_compression=True)
    return path


def emoca(folder: Path, m: Arrays) -> Path:
    """EMOCA's folder of .npy."""
    pose = np.concatenate([m["orient"], m["jaw"]], 1)
    for name, value in (("shape", m["shape"][:100]), ("exp", m["exp"][:, :50]), ("pose", pose)):
        np.save(folder / f"{name}.npy", np.asarray(value, np.float32))
    return folder


def deca_dict(folder: Path, m: Arrays) -> Path:
    """A dictionary by np.save: a pickle in an array."""
    pose = np.concatenate([m["orient"], m["jaw"]], 1)
    codes = {"shape": np.tile(m["shape"][:100], (T, 1)), "exp": m["exp"][:, :50], "pose": pose}
    path = folder / "codedict.npy"
    np.save(path, single(codes), allow_pickle=True)  # pyright: ignore[reportArgumentType]
    return path


def emoca_frames(folder: Path, m: Arrays) -> Path:
    """EMOCA's folder of a folder a frame."""
    pose = np.concatenate([m["orient"], m["jaw"]], 1)
    for t in range(T):
        inner = folder / f"{t:06d}_00"
        inner.mkdir()
        for name, value in (
            ("shape", m["shape"][:100]),
            ("exp", m["exp"][t, :50]),
            ("pose", pose[t]),
        ):
            np.save(inner / f"{name}.npy", np.asarray(value, np.float32))
        (inner / "detail.npy").write_bytes(b"not needed")
    return folder


def deca_frames(folder: Path, m: Arrays) -> Path:
    """DECA's NAME/NAME.mat."""
    pose = np.concatenate([m["orient"], m["jaw"]], 1)
    for t in range(T):
        inner = folder / f"frame{t}"
        inner.mkdir()
        codes = {"shape": m["shape"][None, :100], "exp": m["exp"][[t], :50], "pose": pose[[t]]}
        scipy.io.savemat(inner / f"frame{t}.mat", single(codes))
    return folder


def smirk(folder: Path, m: Arrays) -> Path:
    values = {
        "pose_params": m["orient"],
        "cam": np.ones((T, 3)),
        "shape_params": np.tile(m["shape"], (T, 1)),
        "expression_params": m["exp"][:, :50],
        "eyelid_params": m["lids"],
        "jaw_params": m["jaw"],
    }
    path = folder / "smirk.pt"
    torch.save({name: torch.tensor(v, dtype=torch.float32) for name, v in values.items()}, path)
    return path


def cap4d(folder: Path, m: Arrays) -> Path:
    path = folder / "fit.npz"
    values = {"shape": m["shape"][:150], "expr": m["exp"][:, :65], "eye_rot": m["left"]}
    camera = {"fx": np.ones((1, 1)), "extr": np.eye(4)[None], "neck_rot": m["neck"]}
    np.savez(path, **single({**values, "rot": m["orient"], "tra": m["shift"], **camera}))  # pyright: ignore[reportArgumentType]
    return path


def metrical_tracker(folder: Path, m: Arrays) -> Path:
    camera = camera_rows(m)
    for t in range(T):
        flame = {**_frame_of_flame(m, t), "tex": np.zeros((1, 140), np.float32)}
        rows = camera[t, :, :3]
        view = {"R": rows[:2].reshape(1, 6), "t": camera[t, :, 3][None], "fl": np.ones((1, 1))}
        frame = {"flame": flame, "camera": single(view), "img_size": np.array([512, 512])}
        torch.save({**frame, "frame_id": f"{t:05d}", "global_step": t}, folder / f"{t:05d}.frame")
    return folder / "00002.frame"


def _frame_of_flame(m: Arrays, t: int) -> Arrays:
    return single(
        {
            "exp": m["exp"][t][None],
            "shape": m["shape"][None],
            "eyes": np.concatenate([six(m["left"]), six(m["right"])], 1)[t][None],
            "eyelids": m["lids"][t][None],
            "jaw": six(m["jaw"])[t][None],
        }
    )


def pixel3dmm(folder: Path, m: Arrays) -> Path:
    turns = Rotation.from_rotvec(m["orient"]).as_matrix()
    for t in range(T):
        own = {"neck": six(m["neck"])[t][None], "R": six(m["orient"])[t][None]}
        own |= {"R_rotation_matrix": turns[t][None], "t": m["shift"][t][None]}
        flame = {**_frame_of_flame(m, t), **single(own)}
        camera = single({"R_base_0": np.eye(3)[None], "t_base_0": np.ones((1, 3))})
        torch.save({"flame": flame, "camera": camera}, folder / f"{t:05d}.frame")
    return folder / "00000.frame"


def flame_head_tracker(folder: Path, m: Arrays) -> Path:
    for t in range(T):
        values = {
            "shape": m["shape"][None],
            "exp": m["exp"][t][None],
            "jaw_pose": m["jaw"][t][None],
            "neck_pose": m["neck"][t][None],
            "eye_pose": np.concatenate([m["left"][t], m["right"][t]])[None],
            "cam": np.concatenate([m["orient"][t], m["shift"][t] + [0, 0, -1.0]])[None],
            "blendshape_scores": m["scores"][t][None],
        }
        picture = np.zeros((1, 8, 8, 3), np.uint8)
        np.savez_compressed(folder / f"{t}.npz", **single(values), img=picture)  # pyright: ignore[reportArgumentType]
    return folder / "0.npz"


def artalk(folder: Path, m: Arrays) -> Path:
    path = folder / "speech_natural_0_motions.pt"
    rows = np.concatenate([m["exp"], m["orient"], m["jaw"]], 1)
    torch.save(torch.tensor(rows, dtype=torch.float32), path)
    return path


def unitalker(folder: Path, m: Arrays) -> Path:
    path = folder / "speech.npy"
    tail = [m["jaw"], six(m["orient"]), m["shift"], np.ones((T, 1))]
    np.save(path, np.concatenate([np.tile(m["shape"], (T, 1)), m["exp"], *tail], 1, dtype="f4"))
    return path


def ours(folder: Path, m: Arrays) -> Path:
    """Written here by hand, key by key, so that our own writer is not asked."""
    path = folder / "ours.flame.npz"
    buffer = io.BytesIO()
    names = {"global_orient": "orient", "neck_pose": "neck", "jaw_pose": "jaw"}
    names |= {"leye_pose": "left", "reye_pose": "right", "transl": "shift", "expression": "exp"}
    arrays: dict[str, Any] = {ours: m[theirs].astype(np.float32) for ours, theirs in names.items()}
    facts = {"fps": np.float64(50), "head": np.str_("flame2020"), "version": np.int32(1)}
    np.savez(buffer, **arrays, betas=m["shape"], **facts)
    path.write_bytes(buffer.getvalue())
    return path


TRACKERS = {
    "LAM": Tracker(lam, "flame2023"),
    ".flame.npz": Tracker(ours, fps=50),
    "VHAP": Tracker(vhap, "flame2023"),
    "GAGAvatar_track": Tracker(gagavatar),
    "SMIRK": Tracker(smirk),
    "CAP4D": Tracker(cap4d, "flame2023"),
    "Pixel3DMM": Tracker(pixel3dmm),
    "metrical-tracker": Tracker(metrical_tracker),
    "flame-head-tracker": Tracker(flame_head_tracker),
    "DECA, EMOCA": Tracker(deca),
    "ARTalk": Tracker(artalk),
    "UniTalker": Tracker(unitalker, fps=30),
}
"""By the titles of `shared.tracks.FORMATS`."""

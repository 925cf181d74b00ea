"""What the folder that `build_addon.py demo` writes has to hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import cv2
import gsply

LEAST_FRAMES = 48
KEYS = {
    "blender", "portrait", "avatar", "frames", "ply", "png", "mp4", "contact_sheet", "gaussians",
    "steps", "self_psnr", "self_ssim", "readback",
}  # fmt: skip
POSES = {"neutral", "smile", "jawOpen", "blink", "browsUp", "yawLeft", "yawRight"}
LONGEST_S = 360.0


def check_demo_folder(folder: Path) -> dict[str, Any]:
    """Fails with an AssertionError where a demo's folder lacks something; returns its facts."""
    facts = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
    missing = KEYS - set(facts)
    assert not missing, f"demo.json lacks {sorted(missing)}"
    assert facts["blender"].startswith("4.5")
    assert facts["frames"] >= LEAST_FRAMES
    assert len(facts["ply"]) == len(facts["png"]) == facts["frames"]
    _check_numbers(facts)
    _check_files(folder, facts)
    return facts


def _check_numbers(facts: dict[str, Any]) -> None:
    counts = facts["gaussians"]
    assert counts["total"] == counts["identity"] + sum(counts["layers"])
    assert len(counts["layers"]) == 4, "G0..G3"
    assert 0 < counts["kept"] < counts["total"]
    for step in facts["steps"]:
        assert set(step) == {"name", "seconds"}
        assert step["seconds"] >= 0
    assert sum(step["seconds"] for step in facts["steps"]) <= LONGEST_S
    assert facts["self_psnr"] >= 40
    assert facts["self_ssim"] >= 0.96
    assert set(facts["readback"]) >= POSES
    assert all(facts["readback"].values()), "a face was read in every one of them"


def _check_files(folder: Path, facts: dict[str, Any]) -> None:
    assert (folder / facts["avatar"]).stat().st_size > 1_000_000
    sheet = cv2.imread(str(folder / facts["contact_sheet"]))
    assert sheet is not None
    sizes = set()
    for name in facts["png"]:
        picture = cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED)
        assert picture is not None, name
        assert picture.shape[2] == 4, f"{name} has alpha"
        assert picture[..., 3].min() == 0, f"{name} is see-through somewhere"
        assert picture[..., 3].max() == 255, f"{name} is solid somewhere"
        sizes.add(picture.shape[:2])
    assert len(sizes) == 1
    for name in (facts["ply"][0], facts["ply"][-1]):
        count = len(gsply.plyread(str(folder / name)).means)
        assert 0 < count < facts["gaussians"]["total"], name
    assert all((folder / name).stat().st_size > 1_000_000 for name in facts["ply"])
    _check_video(folder / facts["mp4"], facts["frames"], sizes.pop())


def _check_video(path: Path, frames: int, size: tuple[int, int]) -> None:
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert (stream.height, stream.width) == size
        assert sum(1 for _ in video.decode(stream)) == frames

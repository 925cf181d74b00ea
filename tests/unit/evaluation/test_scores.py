"""Scoring: every number by the metric it names, kept on disk, measured once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from backend.evaluation.metrics import Shot, choose
from backend.evaluation.metrics.faces import FaceReader
from backend.evaluation.metrics.pixels import Psnr
from backend.evaluation.results import open_results
from backend.evaluation.scores import Key, ScoreFile, score
from backend.evaluation.summary import summarise
from backend.export.png import read_png, write_png
from shared.errors import AvatarError
from shared.progress import silent


@pytest.fixture
def reader() -> Iterator[FaceReader]:
    reader = FaceReader()
    yield reader
    reader.close()


def measured(folder: Path, names: list[str], reader: FaceReader, task: str = "self"):
    (results,) = open_results(folder, task)
    metrics, _ = choose(names, reader, results.root, task)
    scores = score(results, metrics, ScoreFile(folder / "scores.jsonl"), silent)
    return {summary.system: summary for summary in summarise(scores)}


def test_psnr_and_ssim_of_a_folder_equal_scikit_images(results: Path, reader: FaceReader):
    found = measured(results, ["psnr", "ssim"], reader)["GAGAvatar"]
    pairs = [
        tuple(
            read_png(results / system / "b" / f"{frame}.png")[..., :3] / 255
            for system in ("targets", "GAGAvatar")
        )
        for frame in ("0001", "0002")
    ]
    psnr = np.mean([peak_signal_noise_ratio(a, b, data_range=1) for a, b in pairs])
    ssim = np.mean(
        [
            structural_similarity(a, b, channel_axis=-1, data_range=1, gaussian_weights=True,
                                  sigma=1.5, use_sample_covariance=False)
            for a, b in pairs
        ]
    )  # fmt: skip
    assert found.clips["b"]["psnr"] == pytest.approx(psnr, abs=1e-5)
    assert found.clips["b"]["ssim"] == pytest.approx(ssim, abs=1e-5)
    assert found.means["psnr"] == pytest.approx(
        (found.clips["a"]["psnr"] + found.clips["b"]["psnr"]) / 2
    )


def test_face_metrics_prefer_the_exact_copy(results: Path, reader: FaceReader):
    names = ["expr_dist_arkit", "pose_dist_mp", "akd_mp"]
    found = measured(results, names, reader)
    assert found["good"].means == dict.fromkeys(names, 0.0)
    # `GAGAvatar` stands still; the targets move by 0, 4, 8 and 12 pixels of 256.
    assert found["GAGAvatar"].means["akd_mp"] == pytest.approx(6, abs=1)


def test_pictures_without_a_face_are_counted_and_left_out(results: Path, reader: FaceReader):
    write_png(results / "good" / "a" / "0001.png", np.zeros((256, 256, 3), np.uint8))
    found = measured(results, ["akd_mp"], reader)["good"]
    assert found.missed == {"akd_mp": 1}
    assert found.means["akd_mp"] == 0


def test_cross_reenactment_has_no_true_picture_to_compare_with(results: Path, reader: FaceReader):
    metrics, _ = choose(["psnr", "ssim", "akd_mp"], reader, results, "cross")
    assert [metric.name for metric in metrics] == ["akd_mp"]


def test_what_is_measured_is_not_measured_again(results: Path, reader: FaceReader, monkeypatch):
    before = measured(results, ["psnr"], reader)
    with (results / "scores.jsonl").open("a") as file:
        file.write('{"key": ["self", "good", "a", "00')  # stopped here
    looked: list[Path] = []

    def describe(self: Psnr, shot: Shot) -> np.ndarray:
        looked.append(shot.path)
        return shot.pixels / 255

    monkeypatch.setattr(Psnr, "describe", describe)
    assert measured(results, ["psnr"], reader) == before
    assert not looked
    changed = results / "good" / "a" / "0002.png"
    write_png(changed, np.zeros((256, 256, 3), np.uint8))
    after = measured(results, ["psnr"], reader)
    assert looked == [results / "targets" / "a" / "0002.png", changed]
    assert after["good"].means["psnr"] < before["good"].means["psnr"]


def test_means_hold_only_what_was_asked_for(results: Path, reader: FaceReader):
    both = measured(results, ["psnr", "ssim"], reader)["good"].means
    assert measured(results, ["ssim"], reader)["good"].means == {"ssim": both["ssim"]}
    assert measured(results, ["ssim", "psnr"], reader)["good"].means == both


@pytest.mark.parametrize(
    "line",
    [
        "{nonsense",
        '{"key": ["self", "a"], "digest": "d", "values": {}}',
        '{"key": ["self", "a", "b", "c"], "digest": "d", "values": {"psnr": "20"}}',
        '{"key": ["self", "a", "b", ["c"]], "digest": "d", "values": {}}',
    ],
)
def test_a_damaged_score_file_is_refused(tmp_path: Path, line: str):
    path = tmp_path / "scores.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(AvatarError, match=r"scores.jsonl, line 1 is not a score"):
        ScoreFile(path)


def test_expression_pose_and_key_points_come_from_their_own_programs(
    results: Path, reader: FaceReader
):
    rng = np.random.default_rng(0)
    facts: dict[tuple[str, str], np.ndarray] = {}
    for system in ("targets", "good", "GAGAvatar"):
        for clip in ("a", "b"):
            for frame in ("0001", "0002"):
                mat = results / "deep3d" / system / clip / f"{frame}.mat"
                npy = results / "landmarks68" / system / clip / f"{frame}.npy"
                mat.parent.mkdir(parents=True, exist_ok=True)
                npy.parent.mkdir(parents=True, exist_ok=True)
                code = rng.normal(size=67)
                scipy.io.savemat(mat, {"exp": code[None, :64], "angle": code[None, 64:]})
                np.save(npy, np.full((68, 2), code[:2]))
                facts[system, f"{clip}/{frame}"] = code
    found = measured(results, ["aed", "apd", "akd"], reader, "cross")["good"].means
    shots = ("a/0001", "a/0002", "b/0001", "b/0002")
    gaps = np.array([facts["good", shot] - facts["targets", shot] for shot in shots])
    assert found["aed"] == pytest.approx(np.abs(gaps[:, :64]).mean())
    assert found["apd"] == pytest.approx(np.abs(gaps[:, 64:]).mean())
    assert found["akd"] == pytest.approx(np.hypot(*gaps[:, :2].T).mean())


def test_networks_that_are_missing_are_named_with_file_and_place(
    results: Path, reader: FaceReader, monkeypatch
):
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(results / "nothing"))
    opened, missing = choose(None, reader, results, "self")
    reasons = {entry.name: entry.reason for entry in missing}
    assert set(reasons) == {"lpips", "lpips_alex", "csim", "aed", "apd", "akd"}
    assert "vgg16.pth" in reasons["lpips"]
    assert "arcface/*.onnx" in reasons["csim"]
    assert str(results / "deep3d") in reasons["aed"]
    assert [m.name for m in opened][:2] == ["psnr", "ssim"]
    with pytest.raises(AvatarError, match=r"vgg16\.pth"):
        choose(["lpips"], reader, results, "self")


def test_keys_tell_tasks_apart(tmp_path: Path):
    file = ScoreFile(tmp_path / "scores.jsonl")
    assert file.find(Key("self", "a", "b", "c"), "") == {}

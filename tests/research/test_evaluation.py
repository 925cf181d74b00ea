"""Commands of evaluation on a small made-up data set: pictures, scores, ablations, figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.__main__ import main
from backend.data.store import Store
from backend.data.synthetic.synthesise import Recipe, synthesise
from backend.evaluation.ablations import variant_values, variants
from backend.export.png import read_png
from backend.figures.gaussians import BLENDER
from shared.errors import AvatarError
from shared.progress import silent

SIDE_PX = 64
TINY = f"""
base = "small"
preset = "tiny"
image_size = {SIDE_PX}
grid = 16
width = 8
batch = 2
start = "none"
validate_every = 0
image_every = 0
workers = 0
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people to test with, two frames each."""
    path = tmp_path_factory.mktemp("data") / "store"
    synthesise(path, Recipe(identities=15, frames=2, size_px=SIDE_PX), silent, processes=0)
    return path


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("preset") / "tiny.toml"
    path.write_text(TINY)
    return path


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """A command's JSON."""
    code = main([*map(str, arguments), "--json"])
    answer = json.loads(capfd.readouterr().out)
    assert code == (1 if "error" in answer else 0)
    return answer


def test_a_preset_is_animated_scored_and_resumed(
    store: Path, preset: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    out = tmp_path / "results"
    command = ("evaluate", preset, "--data", store, "--out", out, "--metrics", "psnr", "ssim")
    first = run(capfd, *command, "--device", "cpu")
    assert (first["system"], first["made"]) == ("tiny", 4)  # two pairs of each task
    assert set(first["means"]["self tiny"]) == {"psnr", "ssim"}
    target, clip = Store(store), Store(store).clips("test")[0]
    kept = read_png(out / "self" / "targets" / clip / "000001.png")[..., :3]
    assert np.array_equal(kept, target.read(clip, 1).image)
    (out / "self" / "tiny" / clip / "000001.png").unlink()
    again = run(capfd, *command, "--device", "cpu")
    assert again["made"] == 1
    assert again["means"] == first["means"]
    for name in ("scores.json", "scores.csv", "clips.csv", "scores.md"):
        assert (out / name).stat().st_size > 0


def test_another_systems_folder_is_scored_the_same_way(
    store: Path, preset: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    out = tmp_path / "results"
    run(capfd, "evaluate", preset, "--data", store, "--out", out, "--metrics", "psnr",
        "--protocol", "self")  # fmt: skip
    (out / "self" / "tiny").rename(out / "self" / "GAGAvatar")
    found = run(capfd, "evaluate", out, "--metrics", "psnr", "--out", tmp_path / "reports")
    assert list(found["means"]) == ["self GAGAvatar"]
    assert "| GAGAvatar | " in (tmp_path / "reports" / "scores.md").read_text()


def test_the_hdtf_protocol_asks_for_its_list_of_clips(
    store: Path, preset: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    found = run(capfd, "evaluate", preset, "--data", store, "--out", tmp_path / "results",
                "--protocol", "hdtf")  # fmt: skip
    assert "list of OTAvatar's test clips" in found["error"]["message"]


def test_a_checkpoint_of_another_network_is_refused(
    store: Path, preset: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    run(capfd, "train", preset, "--data", store, "--out", tmp_path / "run", "--iterations", 1,
        "--device", "cpu")  # fmt: skip
    other = tmp_path / "other.toml"
    other.write_text(TINY + "split = 3\nsites = false\n")
    found = run(capfd, "evaluate", other, "--weights", tmp_path / "run" / "weights.safetensors",
                "--data", store, "--out", tmp_path / "results")  # fmt: skip
    assert "split (2 instead of 3)" in found["error"]["message"]


def test_ablations_train_alike_and_print_the_tables(
    store: Path, preset: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    command = ("ablations", "--data", store, "--out", tmp_path, "--base", preset,
               "--iterations", 2, "--metrics", "psnr", "--device", "cpu",
               "--variants", "paper", "no_ar", "baseline_15x")  # fmt: skip
    first = run(capfd, *command)
    steps = [(entry["variant"], entry["steps"]) for entry in first["variants"]]
    assert steps == [("paper", 2), ("no_ar", 2), ("baseline_15x", 2)]
    text = (tmp_path / "scores.md").read_text()
    for row in ("w/o AR N_GSN (no_ar)", "1x1 (no_ar)", "Baseline 15x (baseline_15x)"):
        assert f"| {row} | {first['means']['self no_ar']['psnr']:.2f}"[:9] in text
        assert f"| {row} |" in text
    again = run(capfd, *command)
    assert [entry["loss"] for entry in again["variants"]] == [None, None, None]
    assert again["means"] == first["means"]


@pytest.mark.parametrize("variant", variants())
def test_variants_change_the_base_only_where_the_paper_says(variant: str):
    base, found = variant_values("paper", "small"), variant_values(variant, "small")
    layers = found["layers"] + 1
    differing = {name for name in base if base[name] != found[name]} - {"preset"}
    lists = {name for name in differing if isinstance(base[name], list)}
    assert all(len(found[name]) == layers for name in lists)
    assert all(found[name] == base[name][:layers] for name in lists)
    expected = {
        "paper": set(), "no_ar": {"split", "layers"}, "no_gnn": {"attention"},
        "no_embedding": {"embedding"}, "no_mask": {"gating"}, "k2L2": {"layers"},
        "k3L2": {"split", "layers"}, "k3L3": {"split"}, "k4L2": {"split", "layers"},
        "baseline_15x": {"layers", "g0_copies", "generator"},
    }  # fmt: skip
    assert differing - lists == expected[variant]


def test_an_unknown_variant_is_refused():
    with pytest.raises(AvatarError, match="no variant 'no_head'"):
        variant_values("no_head", "small")


@pytest.mark.skipif(not BLENDER.is_file(), reason="there is no environment with Blender 4.5")
def test_figure_six_shows_a_networks_gaussians_rendered_in_blender(
    store: Path, preset: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    out = tmp_path / "fig6.png"
    found = run(capfd, "figures", 6, "--preset", preset, "--data", store, "--frames", 2,
                "--side", 64, "--out", out)  # fmt: skip
    sheet = read_png(out)[..., :3]
    assert sheet.shape[:2] == (34 + 68 + 4, 7 * 68 + 4)
    # The head stands in the middle of a white picture, in the colours of its layers.
    shown = sheet[34:98, 4 + 68 : 68 + 68]
    assert (shown[0] == 255).all()
    assert (shown[24:40, 24:40] < 250).any(-1).mean() > 0.9
    (numbers,) = json.loads(out.with_suffix(".json").read_text())
    assert set(numbers["areas"]) == {"eyes", "mouth", "ears", "scalp"}
    assert found["G1"].endswith("% kept")

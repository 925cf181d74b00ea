"""Runs that learn, stop, go on, and say what went wrong."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from backend.model.checkpoint import load_checkpoint
from backend.training.fabric import make_fabric
from backend.training.log import read_lines
from backend.training.settings import settings_of
from backend.training.trainer import Trainer
from shared.errors import AvatarError
from tests.fakes.drawn_clips import TINY, DrawnClips, open_head
from tests.research.training_runs import losses, run


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run of six steps that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole")
    run(out, image_every=3, validate_every=3, validate_pairs=2, workers=2)
    return out


def test_a_run_learns_and_leaves_weights_curves_and_pictures(whole: Path):
    curve = [step[3] for step in losses(whole)]
    assert curve[-1] < curve[0]
    model = load_checkpoint(whole / "weights.safetensors", open_head())
    assert model.config.preset == "tiny"
    load_checkpoint(whole / "best.safetensors", open_head())
    assert list((whole / "tensorboard").glob("events.*"))
    assert (whole / "images" / "train-000000003.png").stat().st_size > 1000
    lines = read_lines(whole / "metrics.jsonl")
    assert {"val_total", "val_psnr"} <= lines[2].keys()
    assert "val_total" not in lines[1]
    names = sorted(path.name for path in (whole / "checkpoints").iterdir())
    assert names == ["step-000000004.safetensors", "step-000000006.safetensors"]


class Killed(BaseException):
    """Stands for a process that is gone: nothing after it runs but what unwinds."""


@pytest.mark.parametrize("step", [3, 4, 5])
def test_a_run_that_died_at_any_step_goes_on_exactly(tmp_path: Path, whole: Path, step: int):
    def dies(phase: str, done: float, total: float) -> None:
        if phase == "train" and done == step:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path, dies, workers=2)
    run(tmp_path, resume=True, workers=0)
    assert losses(tmp_path) == losses(whole)
    end, other = (load_file(p / "weights.safetensors") for p in (tmp_path, whole))
    for name, value in other.items():
        torch.testing.assert_close(end[name], value, rtol=0, atol=0)


def test_ctrl_c_ends_after_the_step_with_a_checkpoint_and_a_second_run_goes_on(
    tmp_path: Path, whole: Path
):
    def interrupts(phase: str, done: float, total: float) -> None:
        if done == 3:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(AvatarError, match="stopped after step 3") as found:
        run(tmp_path, interrupts)
    assert found.value.code == "cancelled"
    assert (tmp_path / "checkpoints" / "step-000000003.safetensors").is_file()
    run(tmp_path, resume=True)
    assert losses(tmp_path) == losses(whole)


def test_a_time_limit_ends_a_run_that_can_go_on(tmp_path: Path, whole: Path):
    outcome = run(tmp_path, time_limit_s=0)
    assert (outcome.step, outcome.finished) == (0, False)
    assert run(tmp_path, resume=True).finished
    assert losses(tmp_path) == losses(whole)


# What goes wrong ----------------------------------------------------------------------------


def trainer(out: Path, **changes: Any) -> Trainer:
    settings = settings_of({**TINY, **changes})
    fabric = make_fabric(settings.train)
    fabric.launch()
    return Trainer(settings, DrawnClips(), open_head(), out, fabric)


def test_a_loss_that_is_not_finite_stops_the_run_and_names_step_and_term(tmp_path: Path):
    broken = trainer(tmp_path)

    def breaks(phase: str, done: float, total: float) -> None:
        if done == 3:
            with torch.no_grad():
                next(broken.model.generator.parameters()).fill_(float("nan"))

    with pytest.raises(AvatarError, match="At step 4 the loss term split is nan"):
        broken.run(breaks)
    assert (tmp_path / "checkpoints" / "step-000000002.safetensors").is_file()
    assert not (tmp_path / "checkpoints" / "step-000000003.safetensors").exists()


def test_a_gradient_that_is_not_finite_names_its_parameter(tmp_path: Path):
    broken = trainer(tmp_path)
    weight = broken.model.adapter.get_parameter(next(broken.model.adapter.named_parameters())[0])
    weight.register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(AvatarError, match=r"At step 1 the gradient of adapter\.\S+ is not finite"):
        broken.run()


def test_a_run_is_not_written_over(tmp_path: Path, whole: Path):
    with pytest.raises(AvatarError, match="already holds the checkpoints") as found:
        run(whole)
    assert "--resume" in found.value.remedy
    with pytest.raises(AvatarError, match="no whole checkpoint"):
        run(tmp_path, resume=True)


def test_a_checkpoint_of_other_settings_names_what_differs(whole: Path):
    with pytest.raises(AvatarError, match=r"lr was 0\.001 and is 0\.1; seed was 0 and is 4"):
        run(whole, resume=True, lr=0.1, seed=4)


def test_a_cut_off_checkpoint_is_passed_over(tmp_path: Path):
    run(tmp_path, iterations=4)
    last = tmp_path / "checkpoints" / "step-000000004.safetensors"
    expected = losses(tmp_path)
    last.write_bytes(last.read_bytes()[:-100])
    run(tmp_path, resume=True, iterations=4)
    assert losses(tmp_path) == expected

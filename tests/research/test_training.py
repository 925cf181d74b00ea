"""Runs that learn, stop, die, go on, and are shared among processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from backend.data.frame import FrameSource
from backend.data.store import Store, StoreWriter
from backend.model.checkpoint import load_checkpoint
from backend.training.fabric import make_fabric
from backend.training.log import read_lines
from backend.training.run import train
from backend.training.settings import settings_of
from backend.training.trainer import Outcome, Trainer
from shared.errors import AvatarError
from shared.progress import Progress, silent
from tests.fakes.drawn_clips import SIZE, TINY, DrawnClips, open_head

TERMS = ("image", "lifting", "split", "total", "grad_norm")


def run(
    out: Path,
    progress: Progress = silent,
    resume: bool = False,
    time_limit_s: float | None = None,
    data: FrameSource | None = None,
    **changes: Any,
) -> Outcome:
    settings = settings_of({**TINY, **changes})
    limits = {"progress": progress, "resume": resume, "time_limit_s": time_limit_s}
    return train(settings, data or DrawnClips(), open_head(), out, **limits)


def losses(out: Path) -> list[list[float]]:
    lines = read_lines(out / "metrics.jsonl")
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1))
    return [[line[name] for name in TERMS] for line in lines]


def close(found: list[list[float]], expected: list[list[float]], tolerance: float) -> None:
    torch.testing.assert_close(
        torch.tensor(found), torch.tensor(expected), rtol=tolerance, atol=tolerance
    )


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


# Processes ----------------------------------------------------------------------------------

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "store"
    data = DrawnClips()
    with StoreWriter(folder, "open", SIZE) as writer:
        for split in data.splits():
            for clip in data.clips(split):
                for index in data.frames(clip):
                    writer.add(data.read(clip, index))
        writer.finish({split: list(data.clips(split)) for split in data.splits()})
    return folder


@pytest.fixture(scope="module")
def preset(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("preset") / "tiny.toml"
    path.write_text("\n".join(f"{key} = {json.dumps(value)}" for key, value in TINY.items()))
    return path


def command(preset: Path, store: Path, out: Path, *more: str) -> list[str]:
    return ["train", str(preset), "--data", str(store), "--out", str(out), "--device", "cpu", *more]


def call(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], env=ENVIRONMENT, capture_output=True, text=True, timeout=120
    )


DIES_WRITING = """
import os, signal, sys
from backend import __main__
from backend.training import checkpoints
fsync, count = os.fsync, []
def dies(number):
    count.append(number)
    if len(count) == 2:  # the second checkpoint: written, not yet named
        os.kill(os.getpid(), signal.SIGKILL)
    fsync(number)
checkpoints.os.fsync = dies
__main__.main(sys.argv[1:])
"""


RUNS_TWO = """
import json, sys
from backend import __main__
for words in json.loads(sys.argv[1]):
    if __main__.main(words):
        sys.exit(1)
"""


def test_a_process_killed_while_writing_a_checkpoint_goes_on_from_the_one_before(
    tmp_path: Path, preset: Path, store: Path
):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    died = call(["-c", DIES_WRITING, *command(preset, store, killed)])
    assert died.returncode == -signal.SIGKILL
    names = sorted(path.name for path in (killed / "checkpoints").iterdir())
    assert len(names) == 2  # what the kill left, and the whole one
    assert names[1] == "step-000000002.safetensors"
    assert len(read_lines(killed / "metrics.jsonl")) == 4
    both = [command(preset, store, killed, "--resume"), command(preset, store, whole)]
    again = call(["-c", RUNS_TWO, json.dumps(both)])
    assert again.returncode == 0, again.stderr
    close(losses(killed), losses(whole), 1e-6)
    assert not list((killed / "checkpoints").glob(".*"))


def first_gradients(out: Path) -> dict[str, torch.Tensor]:
    """Adam's mean of gradients after one step: a tenth of the gradient."""
    with safe_open(out / "checkpoints" / "step-000000001.safetensors", framework="pt") as file:
        names = [n for n in file.keys() if n.startswith("optimiser.exp_avg.")]  # noqa: SIM118
        return {name: 10 * file.get_tensor(name) for name in names}


def same_gradients(found: Path, expected: Path) -> None:
    ours, theirs = first_gradients(found), first_gradients(expected)
    assert ours.keys() == theirs.keys()
    assert max(float(value.abs().max()) for value in theirs.values()) > 1e-4
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-4, atol=1e-7, msg=name)


def test_two_processes_have_the_gradients_of_one_with_twice_the_batch(
    tmp_path: Path, preset: Path, store: Path
):
    one, two = tmp_path / "one", tmp_path / "two"
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    torchrun += ["--local-addr", "127.0.0.1"]  # a host's own name may not resolve
    shared = command(preset, store, two, "--iterations", "1", "--json")
    both = call([*torchrun, "-m", "backend", *shared])
    assert both.returncode == 0, both.stderr
    assert len(both.stdout.strip().splitlines()) == 1  # one process speaks
    run(one, data=Store(store), iterations=1)
    same_gradients(two, one)
    close(losses(two), losses(one), 1e-5)


def test_accumulated_parts_have_the_gradients_of_the_whole_batch(tmp_path: Path):
    for parts in (1, 4):
        run(tmp_path / str(parts), batch=4, accumulate=parts, iterations=1)
    same_gradients(tmp_path / "4", tmp_path / "1")
    close(losses(tmp_path / "4"), losses(tmp_path / "1"), 1e-5)


def test_mixed_precision_stays_finite_and_draws_in_full_precision(tmp_path: Path, monkeypatch):
    from backend.model import pictures

    kinds, rasterise = set(), pictures.rasterise

    def looks(cloud, *args, **settings):
        kinds.update({cloud.means.dtype, cloud.features.dtype, cloud.opacities.dtype})
        return rasterise(cloud, *args, **settings)

    monkeypatch.setattr(pictures, "rasterise", looks)
    run(tmp_path, precision="bf16-mixed", iterations=2, perceptual="effnet")
    assert torch.tensor(losses(tmp_path)).isfinite().all()
    assert kinds == {torch.float32}


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

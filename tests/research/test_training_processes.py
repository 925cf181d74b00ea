"""Training in processes: killed while it writes, shared among two, in parts and mixed precision."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from backend.data.store import Store, StoreWriter
from backend.training.log import read_lines
from tests.fakes.drawn_clips import SIZE, TINY, DrawnClips
from tests.research.training_runs import close, losses, run

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

"""Loader, log, rates and checkpoints, without training anything."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from backend.configs.training import TrainConfig
from backend.data.frame import Pair
from backend.model.checkpoint import checkpoint_state, save_checkpoint
from backend.model.splitavatar import SplitAvatar
from backend.training import checkpoints
from backend.training.checks import check_data, check_same_run, check_share, start_from
from backend.training.fabric import make_fabric
from backend.training.learner import adam, set_rate
from backend.training.loader import Loader
from backend.training.log import RunLog, read_lines
from backend.training.settings import Settings, settings_of
from shared.errors import AvatarError
from tests.fakes.drawn_clips import TINY, DrawnClips, open_head

SETTINGS = settings_of(TINY)


@pytest.fixture(scope="module")
def model() -> SplitAvatar:
    return SplitAvatar(SETTINGS.model, open_head(), seed=1)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_pairs_come_in_order_whatever_the_number_of_threads(workers: int):
    wanted = [[i, i + 1] for i in range(0, 20, 2)]
    with Loader(lambda number: cast(Any, -number), workers) as loader:
        assert list(loader.lists(wanted)) == [[-a, -b] for a, b in wanted]


def test_an_unreadable_pair_is_an_error_where_it_would_have_come():
    def read(number: int) -> Pair:
        if number == 3:
            raise AvatarError("bad_file", "Frame 3 is broken.", "Leave it out.")
        return cast(Any, number)

    with Loader(read, 2) as loader:
        lists = loader.lists([[number] for number in range(6)])
        assert [next(lists) for _ in range(3)] == [[0], [1], [2]]
        with pytest.raises(AvatarError, match="Frame 3"):
            next(lists)


def test_leaving_the_loader_early_leaves_no_thread():
    with Loader(lambda number: cast(Any, number), 2) as loader:
        next(loader.lists([[number] for number in range(100)]))
    assert not [t for t in threading.enumerate() if t.name.startswith("pairs")]


def test_a_resumed_log_has_no_second_branch(tmp_path: Path):
    with RunLog(tmp_path, 0) as log:
        for step in range(1, 6):
            log.numbers(step, {"total": step / 10})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "tot')  # the process was killed here
    with RunLog(tmp_path, 3) as log:
        log.numbers(4, {"total": 9.0})
    totals = [line["total"] for line in read_lines(tmp_path / "metrics.jsonl")]
    assert totals == [0.1, 0.2, 0.3, 9.0]


def test_the_rate_falls_in_a_straight_line_and_named_parts_have_their_own(model):
    train = TrainConfig(lr=1.0, lr_end=0.1, iterations=11, lr_names=("masks",), lr_factors=(0.5,))
    optimiser = adam(model, train)
    for step, rate in ((0, 1.0), (5, 0.55), (10, 0.1), (50, 0.1)):
        assert set_rate(optimiser, train, step) == pytest.approx(rate)
        rates = {group["factor"]: group["lr"] for group in optimiser.param_groups}
        assert rates == {1.0: pytest.approx(rate), 0.5: pytest.approx(rate / 2)}
    slow = {id(p) for g in optimiser.param_groups if g["factor"] == 0.5 for p in g["params"]}
    assert slow == {id(p) for n, p in model.named_parameters() if n.startswith("masks.")}


def state(**changes: Any) -> checkpoints.RunState:
    values = {"step": 7, "settings": SETTINGS.to_dict(), "head": open_head().hash}
    return checkpoints.RunState(**{**values, "best": 0.5, "scaler": {}, **changes})


def test_a_checkpoint_brings_back_weights_and_adams_state(tmp_path: Path, model):
    optimiser = adam(model, SETTINGS.train)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.randn_like(parameter)
    optimiser.step()
    path = checkpoints.save(tmp_path, 2, model, optimiser, state())
    other = SplitAvatar(SETTINGS.model, open_head(), seed=2)
    second = adam(other, SETTINGS.train)
    checkpoints.restore(path, other, second)
    assert checkpoints.read_state(path) == state()
    for name, value in checkpoint_state(model).items():
        torch.testing.assert_close(checkpoint_state(other)[name], value, rtol=0, atol=0)
    ours, theirs = optimiser.state_dict()["state"], second.state_dict()["state"]
    assert ours.keys() == theirs.keys()
    for key, values in ours.items():
        for name, value in values.items():
            torch.testing.assert_close(theirs[key][name], value, rtol=0, atol=0)


def test_only_the_last_checkpoints_stay(tmp_path: Path, model):
    optimiser = adam(model, SETTINGS.train)
    for step in (1, 2, 10):
        checkpoints.save(tmp_path, 2, model, optimiser, state(step=step))
    names = [path.name for path in checkpoints.checkpoints(tmp_path)]
    assert names == ["step-000000002.safetensors", "step-000000010.safetensors"]


def test_the_last_whole_checkpoint_is_found_and_leavings_are_swept(tmp_path: Path, model):
    optimiser = adam(model, SETTINGS.train)
    for step in (1, 2):
        checkpoints.save(tmp_path, 5, model, optimiser, state(step=step))
    cut = tmp_path / "step-000000002.safetensors"
    cut.write_bytes(cut.read_bytes()[:-1])
    left = tmp_path / ".step-000000003.99.part.safetensors"
    left.write_bytes(b"half")
    assert checkpoints.latest(tmp_path).name == "step-000000001.safetensors"
    assert not left.exists()


def test_other_files_are_no_checkpoints(tmp_path: Path, model):
    save_checkpoint(tmp_path / "weights.safetensors", model)
    with pytest.raises(AvatarError, match="format splitavatar-checkpoint-1"):
        checkpoints.read_state(tmp_path / "weights.safetensors")
    (tmp_path / "noise").write_bytes(np.random.default_rng(0).bytes(100))
    with pytest.raises(AvatarError, match="not a whole checkpoint"):
        checkpoints.read_state(tmp_path / "noise")


def test_a_run_goes_on_with_its_own_head_and_settings_only():
    check_same_run(state(), SETTINGS, open_head())
    later = settings_of({**TINY, "iterations": 99, "workers": 1, "accumulate": 2})
    check_same_run(state(), later, open_head())
    with pytest.raises(AvatarError, match="belongs to the head another") as found:
        check_same_run(state(head="another"), SETTINGS, open_head())
    assert found.value.code == "head_mismatch"
    wider = settings_of({**TINY, "width": 16})
    with pytest.raises(AvatarError, match="width was 8 and is 16"):
        check_same_run(state(), wider, open_head())


def test_data_of_another_head_or_size_is_refused():
    data = DrawnClips()
    check_data(SETTINGS, data, open_head())
    larger = Settings(replace(SETTINGS.model, image_size=128), SETTINGS.train)
    with pytest.raises(AvatarError, match="64 px wide; the preset 'tiny' expects 128"):
        check_data(larger, data, open_head())
    data.head = "flame2020"
    with pytest.raises(AvatarError, match="is of the head 'flame2020'"):
        check_data(SETTINGS, data, open_head())


def test_a_batch_that_cannot_be_shared_is_refused():
    check_share(SETTINGS, 2)
    with pytest.raises(AvatarError, match="batch of 2 cannot be shared by 3 processes"):
        check_share(SETTINGS, 3)


def test_a_start_may_lack_the_splitting_and_nothing_else(tmp_path: Path):
    plain = settings_of({**TINY, "layers": 0, **{k: v[:1] for k, v in TINY.items()
                         if isinstance(v, list)}})  # fmt: skip
    before = SplitAvatar(plain.model, open_head(), seed=3)
    save_checkpoint(tmp_path / "plain.safetensors", before)
    model, new = start_from(tmp_path / "plain.safetensors", SETTINGS, open_head())
    assert new == ["decoders", "embeddings", "masks", "splitting"]
    for name, value in checkpoint_state(before).items():
        torch.testing.assert_close(checkpoint_state(model)[name], value, rtol=0, atol=0)
    wider = settings_of({**TINY, "width": 16})
    with pytest.raises(AvatarError, match="do not fit the preset 'tiny'"):
        start_from(tmp_path / "plain.safetensors", wider, open_head())
    with pytest.raises(AvatarError, match="no checkpoint") as found:
        start_from(tmp_path / "none.safetensors", SETTINGS, open_head())
    assert found.value.code == "missing_weights"


@pytest.mark.parametrize("package", ["lightning_fabric", "tensorboard"])
def test_without_the_research_packages_it_says_how_to_install_them(monkeypatch, package: str):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(AvatarError, match=f"needs the package {package}") as found:
        make_fabric(SETTINGS.train)
    assert found.value.code == "backend_not_installed"
    assert "backend/install.py research --target" in found.value.remedy

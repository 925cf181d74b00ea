"""The same numbers give the same bytes wherever they lie in memory.

A matrix product sums in an order that depends on how its operands are aligned.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.head import Head, load_head
from shared.flame import Track
from tests.fakes.misaligned import misaligned
from tests.unit.head.flame_files import as_pickle, as_torch, small_flame


@pytest.mark.parametrize("offset", range(4, 64, 4))
def test_a_head_does_not_depend_on_where_its_codes_lie(open_head: Head, offset: int) -> None:
    stream = np.random.default_rng(3)
    # large codes: what small ones differ by is rounded away when the template is added
    betas = 50 * stream.standard_normal(300) * (np.arange(300) < open_head.shapedirs.shape[2])
    codes = dataclasses.replace(
        Track.neutral(1, betas=betas),
        expression=stream.standard_normal((1, 100)),
        neck_pose=np.array([[0.1, 0.2, 0.0]]),
    )
    found = misaligned(codes, offset)
    assert torch.equal(open_head.vertices_of(found), open_head.vertices_of(codes))
    assert torch.equal(open_head.head_pose_of(found), open_head.head_pose_of(codes))
    assert np.array_equal(open_head.joints_of(found.betas), open_head.joints_of(codes.betas))


@pytest.mark.parametrize("kind", ["open", "pickle", "torch"])
def test_a_heads_own_numbers_lie_in_torchs_memory(kind: str, tmp_path: Path) -> None:
    if kind == "open":
        head = Head.load("open")
    else:
        path = tmp_path / "model"
        path.write_bytes({"pickle": as_pickle, "torch": as_torch}[kind](small_flame()))
        head = load_head("flame2020", path)
    for field in dataclasses.fields(head):
        value = getattr(head, field.name)
        if isinstance(value, torch.Tensor):
            assert value.data_ptr() % 64 == 0, field.name

"""What the worker answers, without sockets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.avatar.engines import Engine
from backend.head.flame import FLAME_FILES
from backend.serving.requests import FLAME_HEADS, Handlers
from shared import messages
from shared.errors import AvatarError
from shared.progress import silent
from tests.fakes.fake_pipeline import FakeAvatar, FakeCreateOptions, FakePipeline
from tests.unit.head.flame_files import as_npz, small_flame

CODES = np.random.default_rng(4).normal(size=(3, 100)).astype(np.float32)


@pytest.fixture
def handlers() -> Handlers:
    return Handlers(Engine(FakePipeline(), FakeCreateOptions, FakeAvatar.load))


def test_codes_of_flame_are_translated_by_flame_s_own_file(
    handlers: Handlers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPLITAVATAR_ASSETS", str(tmp_path))
    message = messages.TranslateCodes(head="flame2020", expression=CODES)
    with pytest.raises(AvatarError) as caught:
        handlers(message, silent)
    assert caught.value.code == "missing_weights"
    path = tmp_path / FLAME_FILES["flame2020"]
    path.parent.mkdir()
    path.write_bytes(as_npz(small_flame()))
    reply = handlers(message, silent)
    assert isinstance(reply, messages.TranslateReply)
    assert (reply.weights.shape, reply.weights.dtype) == ((3, 52), np.float32)
    assert reply.weights.min() >= 0
    assert reply.weights.max() > 0.05


def test_the_heads_that_are_translated_are_those_of_flame() -> None:
    assert set(FLAME_HEADS) == set(FLAME_FILES) - {"flame_with_eye"}

"""Pairs come in order, and threads end."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from backend.data.frame import Pair
from backend.training.loader import Loader
from shared.errors import AvatarError


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

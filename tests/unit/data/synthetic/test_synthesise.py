"""Stores of made-up people."""

from __future__ import annotations

import pytest

from backend.data.store import Store
from backend.data.synthetic.synthesise import Recipe, clip_name, splits, synthesise
from shared.errors import AvatarError
from shared.progress import silent

RECIPE = Recipe(identities=3, frames=2, size_px=64, seed=5)


def test_no_person_is_in_two_splits():
    parts = splits(Recipe(identities=25, frames=2))
    names = [name for part in parts.values() for name in part]
    assert sorted(names) == [clip_name(i) for i in range(25)]
    assert [len(parts[name]) for name in ("test", "val", "train")] == [2, 2, 21]


def test_a_store_is_made_read_back_and_gone_on_with(tmp_path):
    made = synthesise(tmp_path / "store", RECIPE, silent, processes=0)
    assert made == {"frames": 6, "resumed": 0}
    assert synthesise(tmp_path / "store", RECIPE, silent, processes=0)["resumed"] == 6
    store = Store(tmp_path / "store")
    assert (store.head, store.image_size) == ("open", 64)
    assert list(store.clips("train")) == [clip_name(2)]
    frame = store.read(clip_name(2), 1)
    assert frame.alpha is not None


def test_a_store_of_another_recipe_is_refused(tmp_path):
    (tmp_path / "recipe.json").write_text('{"identities": 9}')
    with pytest.raises(AvatarError, match="was made by"):
        synthesise(tmp_path, RECIPE, silent, processes=0)


@pytest.mark.parametrize(("field", "value"), [("identities", 2), ("frames", 1), ("size_px", 8)])
def test_too_little_is_refused(field, value):
    with pytest.raises(AvatarError, match=field):
        Recipe(**{"identities": 3, "frames": 2, field: value})

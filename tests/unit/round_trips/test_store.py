"""Stores of round trips: who is in which split, and what a clip is. Nobody is drawn here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.data.store import Store
from backend.round_trips import store
from backend.round_trips.store import StoreRecipe, clip_name, make_store
from backend.training.sampling import TrainingPairs, validation_names
from shared.errors import AvatarError
from shared.progress import silent
from tests.unit.data.stores import SIZE, made

PEOPLE = 23
RECIPE = StoreRecipe(count=2, size_px=SIZE)
REFUSED = "004"


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of them; each one's frames tell its number, and one is of nobody."""

    def views(pipeline, data: bytes, rng: np.random.Generator, count: int, size_px: int):
        if data == REFUSED.encode():
            raise AvatarError("no_face_found", "There is no face.", "Use another photo.")
        person = int(data)
        return [made("", 100 * person + number + int(rng.integers(2**20))) for number in
                range(count + 1)]  # fmt: skip

    monkeypatch.setattr(store, "views_of", views)
    monkeypatch.setattr(store, "Pipeline", lambda *_, **__: None)
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number in range(PEOPLE):
        (folder / f"{number:03}.jpg").write_bytes(f"{number:03}".encode())
    return folder


def made_store(photographs: Path, out: Path, recipe: StoreRecipe = RECIPE) -> Store:
    make_store(photographs, out, recipe, silent, processes=0)
    return Store(out)


def people(data: Store, split: str) -> set[str]:
    return {clip.rsplit("-", 1)[0] for clip in data.clips(split)}


def test_every_tenth_is_only_ever_judged_and_nobody_is_in_two_splits(photographs, tmp_path) -> None:
    data = made_store(photographs, tmp_path / "store")
    train, val, test = (people(data, split) for split in ("train", "val", "test"))
    assert test == {"000", "010", "020"}
    assert val == {"001", "012"}
    assert train == {f"{n:03}" for n in range(PEOPLE)} - test - val - {REFUSED}


def test_a_smaller_store_takes_as_large_a_share_of_those_held_out(photographs, tmp_path) -> None:
    recipe = StoreRecipe(count=1, size_px=SIZE, people=7)
    data = made_store(photographs, tmp_path / "store", recipe)
    assert len(people(data, "train") | people(data, "val")) == 7
    assert people(data, "test") == {"000"}


def test_who_cannot_be_used_is_told_with_the_reason(photographs, tmp_path) -> None:
    told = make_store(photographs, tmp_path / "store", RECIPE, silent, processes=0)
    assert told["refused"] == {f"{REFUSED}.jpg": "There is no face."}
    assert told["people"] == PEOPLE - 1
    assert told["frames"] == 6 * (PEOPLE - 1) == len(Store(tmp_path / "store"))


def test_clips_end_in_the_photograph_and_its_own_clip_is_learned_from_only(
    photographs, tmp_path
) -> None:
    data = made_store(photographs, tmp_path / "store")
    own, first, second = (clip_name("002", number) for number in range(3))
    assert {own, first, second} <= set(data.clips("train"))
    photograph = data.read(own, 0)
    for clip in (own, first, second):
        np.testing.assert_array_equal(data.read(clip, 1).image, photograph.image)
    assert np.abs(data.read(first, 0).image.astype(int) - photograph.image).max() > 30
    assert clip_name("000", 0) not in data.clips("test")
    assert clip_name("000", 2) in data.clips("test")


def test_photographs_are_targets_and_never_what_was_drawn(photographs, tmp_path) -> None:
    data = made_store(photographs, tmp_path / "store")
    pairs = TrainingPairs(data, "train", seed=3, sources=1)
    assert len(pairs) == len(data.clips("train"))
    assert all(pairs.names(number)[1:] == (0, 1) for number in range(200))
    assert all(name[1:] == (0, 1) for name in validation_names(data, "val", 100))


def test_the_same_photographs_give_the_same_frames_and_others_with_another_seed(
    photographs, tmp_path
) -> None:
    one, same = (made_store(photographs, tmp_path / name) for name in ("one", "same"))
    clip = clip_name("005", 1)
    np.testing.assert_array_equal(one.read(clip, 0).image, same.read(clip, 0).image)
    other = made_store(photographs, tmp_path / "other", StoreRecipe(2, SIZE, seed=1))
    assert (one.read(clip, 0).image != other.read(clip, 0).image).any()


def test_what_is_there_is_not_made_again_and_another_recipe_is_refused(
    photographs, tmp_path, monkeypatch
) -> None:
    made_store(photographs, tmp_path / "store")
    refusing = []
    monkeypatch.setattr(store, "_views", lambda _, __, file: refusing.append(file.stem) or "No.")
    told = make_store(photographs, tmp_path / "store", RECIPE, silent, processes=0)
    assert refusing == [REFUSED]
    assert told["people"] == PEOPLE - 1
    with pytest.raises(AvatarError, match="was made by"):
        make_store(photographs, tmp_path / "store", StoreRecipe(1, SIZE), silent, processes=0)


def test_too_few_photographs_and_too_little_asked_for_are_refused(tmp_path) -> None:
    (tmp_path / "0.jpg").touch()
    (tmp_path / "1.jpg").touch()
    with pytest.raises(AvatarError, match="holds 1 pictures that may be learned from"):
        make_store(tmp_path, tmp_path / "out", RECIPE, silent)
    assert not (tmp_path / "out").exists()
    with pytest.raises(AvatarError, match="count is 0; expected at least 1"):
        StoreRecipe(count=0)

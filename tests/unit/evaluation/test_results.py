"""Results folders: found, checked, refused with one clear error each."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from backend.evaluation.results import check_size, open_results
from backend.export.png import write_png
from shared.errors import AvatarError


def test_systems_clips_and_frames_are_found(results: Path):
    (found,) = open_results(results, "cross")
    assert found.task == "cross"
    assert found.systems == ("GAGAvatar", "good")
    assert found.clips == {"a": ("0001", "0002"), "b": ("0001", "0002")}
    assert len(found) == 8


def test_a_folder_may_hold_both_tasks(results: Path, tmp_path: Path):
    both = tmp_path / "both"
    shutil.copytree(results, both / "self")
    shutil.copytree(results, both / "cross")
    assert [part.task for part in open_results(both, None)] == ["self", "cross"]
    assert [part.task for part in open_results(both, "cross")] == ["cross"]


def test_precomputed_facts_are_no_system(results: Path):
    (results / "deep3d" / "good").mkdir(parents=True)
    assert open_results(results, None)[0].systems == ("GAGAvatar", "good")


def test_transparent_pictures_lie_on_black(results: Path):
    pixels = np.full((256, 256, 4), 200, np.uint8)
    pixels[..., 3] = 51
    write_png(results / "good" / "a" / "0001.png", pixels)
    shot = open_results(results, None)[0].shot("good", "a", "0001")
    assert np.array_equal(shot.pixels, np.full((256, 256, 3), 40))


def test_missing_frames_are_named(results: Path):
    (results / "good" / "b" / "0002.png").unlink()
    with pytest.raises(AvatarError, match=r"good lacks 1 of 4 pictures \(b/0002.png\)"):
        open_results(results, None)


def test_a_clip_without_a_source_is_named(results: Path):
    (results / "sources" / "b.png").unlink()
    with pytest.raises(AvatarError, match=r"sources/b\.png is missing"):
        open_results(results, None)


def test_a_clip_without_pictures_is_named(results: Path):
    (results / "targets" / "c").mkdir()
    with pytest.raises(AvatarError, match="targets/c has no PNG pictures"):
        open_results(results, None)


def test_a_folder_without_targets_or_systems_is_refused(results: Path, tmp_path: Path):
    with pytest.raises(AvatarError, match="has no folder 'targets'"):
        open_results(tmp_path, None)
    for system in ("good", "GAGAvatar"):
        shutil.rmtree(results / system)
    with pytest.raises(AvatarError, match="has no system's folder"):
        open_results(results, None)


def test_another_size_than_the_targets_is_refused(results: Path):
    write_png(results / "good" / "a" / "0001.png", np.zeros((128, 256, 3), np.uint8))
    (found,) = open_results(results, None)
    with pytest.raises(AvatarError, match="is 256x128 pixels; its target is 256x256"):
        check_size(found.shot("good", "a", "0001"), found.shot("targets", "a", "0001"))

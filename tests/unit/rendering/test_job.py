"""Jobs and camera files that cannot be are one error with the file's name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.rendering import job
from shared.camera import Camera, portrait_intrinsics
from shared.errors import AvatarError
from shared.flame import Track


def refused(folder: Path, text: str | None = None, **changes: Any) -> str:
    Track.neutral(2).save(folder / "track.flame.npz")
    content = {"avatar": "me.savatar", "track": "track.flame.npz", **changes}
    (folder / "job.json").write_text(json.dumps(content) if text is None else text)
    with pytest.raises(AvatarError) as caught:
        job.read_job(folder)
    assert caught.value.code == "bad_file"
    assert "job.json" in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("part", [["gsn"], {"gsn": 1}, None, "hair"])
def test_a_part_that_there_is_not_is_named(tmp_path: Path, part: Any) -> None:
    assert f"ablate is [{part!r}]; expected some of" in refused(tmp_path, ablate=[part])


@pytest.mark.parametrize("key", ["track", "cameras"])
def test_a_file_that_the_job_names_is_told_with_the_job(tmp_path: Path, key: str) -> None:
    assert "none.npz" in refused(tmp_path, **{key: "none.npz"})


def test_json_that_nests_without_end_is_refused(tmp_path: Path) -> None:
    assert "recursion" in refused(tmp_path, "[" * 100_000)


@pytest.mark.parametrize(("key", "at"), [("viewmats", (0, 0, 0)), ("Ks", (0, 2, 2))])
def test_a_number_that_no_float_holds_is_refused(tmp_path: Path, key: str, at: Any) -> None:
    path = tmp_path / "cameras.json"
    job.write_cameras(path, [Camera(np.eye(4), portrait_intrinsics(64), 64, 64)])
    content = json.loads(path.read_text())
    content[key][at[0]][at[1]][at[2]] = 10**400
    path.write_text(json.dumps(content))
    with pytest.raises(AvatarError, match=r"cameras\.json: int too large") as caught:
        job.read_cameras(path)
    assert caught.value.code == "bad_file"

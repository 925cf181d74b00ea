"""The appearance model that ships: small, whole, and of the open head alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.assets import APPEARANCE
from backend.head import Head
from backend.lifting.appearance_file import (
    appearance_from,
    appearance_of,
    arrays_of,
    read_appearance,
)
from backend.lifting.appearance_hash import APPEARANCE_SHA256
from shared.errors import AvatarError


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load("open")


def test_it_knows_all_skin_of_the_open_head_but_the_scalp(head) -> None:
    appearance = appearance_of(head)
    assert appearance is not None
    skin = (head.regions["skin"] & ~head.regions["scalp"]).numpy()
    np.testing.assert_array_equal(appearance.known, skin)
    for values in (appearance.mean, appearance.components, appearance.noise):
        assert np.isfinite(values).all()
    assert (appearance.noise > 0).all()


def test_it_is_small() -> None:
    assert APPEARANCE.stat().st_size <= 6e6


def test_the_average_is_of_skin_s_colours_everywhere(head) -> None:
    """Where hardly any portrait shows it too: no vertex is white, black or blue."""
    appearance = appearance_of(head)
    assert appearance is not None
    colours = np.exp(appearance.mean[appearance.known])
    assert colours.min() > 0.05
    assert colours.max() < 0.95
    assert (colours[:, 0] > colours[:, 2]).all()


def test_other_heads_have_none(head) -> None:
    assert appearance_of(replace(head, name="flame2023")) is None


def test_an_open_head_with_other_vertices_is_refused(head) -> None:
    with pytest.raises(AvatarError, match="knows 5418 vertices, the open head has 5417") as error:
        appearance_of(replace(head, v_template=head.v_template[1:]))
    assert error.value.code == "head_mismatch"


def test_what_is_written_is_read(head) -> None:
    appearance = appearance_of(head)
    assert appearance is not None
    again = appearance_from(arrays_of(appearance))
    np.testing.assert_array_equal(again.mean, appearance.mean)
    np.testing.assert_array_equal(again.components, appearance.components)


def test_a_missing_file_and_another_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"absent\.npz cannot be read") as error:
        read_appearance(tmp_path / "absent.npz", APPEARANCE_SHA256)
    assert error.value.code == "bad_file"
    (tmp_path / "other.npz").write_bytes(b"another file")
    with pytest.raises(AvatarError, match="expected " + APPEARANCE_SHA256[:16]) as error:
        read_appearance(tmp_path / "other.npz", APPEARANCE_SHA256)
    assert "make_appearance.py" in error.value.remedy

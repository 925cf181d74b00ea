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
    for values in (appearance.mean, appearance.components, appearance.noise, appearance.smile):
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


def test_smiles_crease_what_is_beside_the_mouth_and_light_the_chin(head) -> None:
    """On both sides alike, and deeper than anything else on the face."""
    appearance = appearance_of(head)
    assert appearance is not None
    smile, rest = appearance.smile.mean(1), head.v_template.numpy()
    face = head.regions["face"].numpy() & ~head.regions["lips"].numpy()
    lips = rest[head.regions["lips"].numpy()]
    height = rest[:, 1] - lips[:, 1].mean()
    aside = np.abs(rest[:, 0]) / np.abs(lips[:, 0]).max()
    beside = face & (aside > 0.8) & (aside < 1.5) & (height > 0) & (height < 0.03)
    chin = face & (aside < 0.8) & (height < -0.02) & (rest[:, 2] > 0.05)
    for side in (rest[:, 0] > 0, rest[:, 0] < 0):
        assert smile[beside & side].min() < -0.3
        assert smile[beside & side].mean() < -0.1
        assert smile[chin & side].mean() > 0.03
    np.testing.assert_allclose(smile, smile[head.mirror.numpy()], atol=0.05)


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
    np.testing.assert_array_equal(again.smile, appearance.smile)


def test_a_missing_file_and_another_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"absent\.npz cannot be read") as error:
        read_appearance(tmp_path / "absent.npz", APPEARANCE_SHA256)
    assert error.value.code == "bad_file"
    (tmp_path / "other.npz").write_bytes(b"another file")
    with pytest.raises(AvatarError, match="expected " + APPEARANCE_SHA256[:16]) as error:
        read_appearance(tmp_path / "other.npz", APPEARANCE_SHA256)
    assert "make_appearance.py" in error.value.remedy

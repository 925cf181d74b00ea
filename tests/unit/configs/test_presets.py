"""Presets: known keys only, values of their type."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.configs import presets
from shared.errors import AvatarError


@dataclass(frozen=True)
class Sizes:
    width: int = 4
    factor: float = 0.5
    steps: tuple[float, ...] = (1.0,)
    name: str = "a"


def refused(values: dict) -> str:
    with pytest.raises(AvatarError) as found:
        presets.resolve(values, Sizes)
    return found.value.message


def test_every_shipped_preset_loads_and_names_itself() -> None:
    assert "open" in presets.presets()
    for name in presets.presets():
        assert presets.load_preset(name)["preset"] == name


def test_missing_keys_keep_their_defaults_and_whole_numbers_become_floats() -> None:
    (sizes,) = presets.resolve({"factor": 2, "steps": [1, 2.5]}, Sizes)
    assert sizes == Sizes(factor=2.0, steps=(1.0, 2.5))


def test_an_unknown_key_is_named() -> None:
    assert "['widht']" in refused({"widht": 5})


@pytest.mark.parametrize(
    "values",
    [{"width": 4.5}, {"width": True}, {"name": 5}, {"factor": "x"}, {"factor": 10**400}],
)
def test_a_value_of_another_type_is_named(values: dict) -> None:
    assert f"Preset key {next(iter(values))!r}" in refused(values)


def test_an_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(AvatarError, match="no preset 'huge'") as found:
        presets.load_preset("huge")
    assert "open" in found.value.remedy


def test_a_preset_is_flat_toml(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    for text, words in (("a = ", "not a readable"), ("[a]\nb = 1", "tables"), ("a = 1", "Unknown")):
        path.write_text(text)
        with pytest.raises(AvatarError, match=words):
            presets.load_preset(path)


def test_a_preset_holds_only_what_differs_from_its_base(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('base = "paper"\npreset = "mine"\nwidth = 128')
    (tmp_path / "other.toml").write_text('base = "mine.toml"\npreset = "other"\nheads = 2')
    paper = presets.load_preset("paper")
    found = presets.load_preset(tmp_path / "other.toml")
    assert found == paper | {"preset": "other", "width": 128, "heads": 2}


def test_presets_that_are_each_others_base_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('base = "b.toml"')
    (tmp_path / "b.toml").write_text('base = "a.toml"')
    with pytest.raises(AvatarError, match=r"a\.toml -> b\.toml -> a\.toml"):
        presets.load_preset(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("base", "words"), [('"huge"', "no preset 'huge'"), ("3", "expected the name of a preset")]
)
def test_an_unknown_base_is_named(tmp_path: Path, base: str, words: str) -> None:
    (tmp_path / "mine.toml").write_text(f"base = {base}")
    with pytest.raises(AvatarError, match=words):
        presets.load_preset(tmp_path / "mine.toml")

"""The support bundle: what is in it, and that it is whole or not there."""

import zipfile
from pathlib import Path

import pytest

from shared import support
from shared.errors import AvatarError
from shared.version import VERSION


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home" / "Åsa Lindström"
    (home / ".config").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("USER", "åsa.lind")
    return home


def contents(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_logs_and_facts_without_personal_paths(home: Path) -> None:
    log = home / ".config" / "backend.log"
    log.write_text(f"{home}/Pictures/my aunt.jpg: No face\n{log} of åsa.lind\n", "utf-8")
    log.with_name("backend.log.1").write_text("older")
    out = home / "new" / "b.zip"
    names = support.write(out, f"{support.versions({'Blender': '4.5'})}in {home}\n", [log, log])
    found = contents(out)
    assert list(found) == names
    assert found["backend.log"] == "<file>.jpg: No face\n~/.config/backend.log of <user>\n"
    assert found["backend.log.1"] == "older"
    assert f"SplitAvatar: {VERSION}" in found["facts.txt"]
    assert "Blender: 4.5" in found["facts.txt"]
    assert not [t for t in found.values() if "sa Lind" in t or "aunt" in t or "sa.lind" in t]


def test_of_a_large_log_the_end_is_packed_in_whole_lines(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(support, "LOG_TAIL", 30)
    log = home / "x.log"
    log.write_text(f"{home}/a\n{'y' * 20}\n")
    support.write(home / "b.zip", "", [log])
    assert contents(home / "b.zip")["x.log"] == "y" * 20 + "\n"


def test_a_place_that_cannot_be_written_is_one_error_and_the_old_bundle_stays(home: Path) -> None:
    (home / "file").write_text("old")
    with pytest.raises(AvatarError) as found:
        support.write(home / "file" / "b.zip", "", [])
    assert str(home / "file") in found.value.message
    out = home / "b.zip"
    out.mkdir()
    with pytest.raises(AvatarError):
        support.write(out, "", [])
    assert sorted(p.name for p in home.iterdir()) == [".config", "b.zip", "file"]


def test_a_bundle_is_a_zip() -> None:
    with pytest.raises(AvatarError, match="ends in"):
        support.check_name(Path("b.txt"))

"""NOTICE names every vendored file with the hash it really has, and its licence."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTICE = (ROOT / "NOTICE").read_text(encoding="utf-8")
ASSETS = sorted(
    path
    for path in (ROOT / "backend" / "assets").rglob("*")
    if path.is_file() and path.suffix not in (".py", ".pyc")
)


@pytest.mark.parametrize("path", ASSETS, ids=lambda path: path.name)
def test_every_asset_is_in_notice_with_its_hash(path: Path) -> None:
    name = re.escape(path.relative_to(ROOT).as_posix())
    entry = re.search(rf"^{name}\n(.*?)(?=^\S|\Z)", NOTICE, re.M | re.S)
    assert entry is not None, f"NOTICE does not name {name}"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert f"sha256 {digest}" in entry[1]
    assert re.search(r"[Ll]icen[cs]e|public domain", entry[1])


def test_the_licence_is_the_whole_gpl() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "GNU GENERAL PUBLIC LICENSE\n                       Version 3, 29 June 2007" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_sample_portrait_is_the_one_of_scikit_image() -> None:
    import skimage

    theirs = Path(skimage.__file__).parent / "data" / "astronaut.png"
    assert (ROOT / "backend/assets/astronaut.png").read_bytes() == theirs.read_bytes()

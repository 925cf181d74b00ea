"""What is personal is taken out of texts, however it is written."""

import json
import unicodedata
from pathlib import Path, PureWindowsPath
from urllib.parse import quote

import pytest

from shared.anonymous import Anonymous

LINUX = Anonymous(("/home/René Müller",), ("René Müller", "rmueller"), ("rene-laptop",))
WINDOWS = Anonymous(("C:\\Users\\Zoë van Dyck",), ("Zoë van Dyck",), ("DESKTOP-4F2",))


@pytest.mark.parametrize(
    "text",
    [
        "/home/René Müller/.config/blender/backend.log is full",
        unicodedata.normalize("NFD", "/home/René Müller/.config/backend.log"),
        json.dumps({"log": "/home/René Müller/.config/backend.log"}),
        ascii("/home/René Müller/.config/backend.log"),
        f"file://{quote('/home/René Müller/.config/backend.log')}",
        "rmueller@RENE-LAPTOP: nothing",
    ],
)
def test_home_user_and_machine_of_a_linux_go_in_every_spelling(text: str) -> None:
    found = LINUX.text(text)
    for personal in ("Ren", "ller", "M%C3", "u0308", "laptop", "LAPTOP"):
        assert personal not in found, found
    assert ".config" in found or "nothing" in found


@pytest.mark.parametrize("spell", [str, repr, json.dumps, PureWindowsPath.as_posix, str.upper])
def test_the_home_of_a_windows_goes_with_either_slash_doubled_or_not(spell) -> None:
    path = PureWindowsPath(r"C:\Users\Zoë van Dyck\AppData\Roaming\backend.log")
    found = WINDOWS.text(
        f"on desktop-4f2: {spell(path if spell is PureWindowsPath.as_posix else str(path))}"
    )
    assert "dyck" not in found.lower(), found
    assert "desktop" not in found.lower()
    assert "appdata" in found.lower()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/media/Ann Lee/My Photos/ann, bob.JPG does not exist.", "<file>.JPG does not exist."),
        (r"D:\Photos\Ann Lee\x.png: No face.", "<file>.png: No face."),
        (r"\\server\ann\x.heic", "<file>.heic"),
        ("INFO create: Ann Lee.jpg: No face", "INFO create: <file>.jpg: No face"),
        ("'/mnt/Ann Lee/photos' does not exist", "'<folder>' does not exist"),
        (r"E:\Ann Lee: is full", "<folder>: is full"),
        ("~/Pictures/Ann Lee: is full", "<folder>: is full"),
        ("/home/somebody else/.cache/x", "~/.cache/x"),
        (r"C:\Users\somebody else\AppData\x", r"~\AppData\x"),
        (r"C:\Users\SOMEBO~1\AppData\x", r"~\AppData\x"),
    ],
)
def test_photos_and_folders_of_people_go(text: str, expected: str) -> None:
    assert LINUX.text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        'File "/usr/lib/python3.11/threading.py", line 3, in run',
        "torch 2.13.0+cpu, numpy 2.4.1; 3/4 packages; 1.5 GB/s",
        "2026-11-27 11:00:00,123 INFO and/or D: 3",
        "https://packages.example/simple",
    ],
)
def test_what_helps_stays(text: str) -> None:
    assert LINUX.text(text) == text


def test_folders_of_programs_get_a_name_and_keep_what_lies_in_them() -> None:
    here = Anonymous(("/home/ann",), ("ann",), (), {"/home/ann/b/addon": "<addon>"})
    text = 'File "/home/ann/b/addon/shared/x.py", line 1; /home/ann/b/addons; planned'
    assert here.text(text) == 'File "<addon>/shared/x.py", line 1; <folder>; planned'


def test_this_machine_s_names_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/José Å")
    monkeypatch.setenv("USER", "josé")
    found = Anonymous.here({Path("/opt/x"): "<x>"}).text("/home/José Å/.log of JOSÉ in /opt/x/y")
    assert found == "~/.log of <user> in <x>/y"

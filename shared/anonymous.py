"""Takes out of a text what tells who wrote it: home folder, user, machine, files and folders.

Where it cannot tell where a path ends, since names may hold spaces, it takes out too much.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import socket
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

HOME, USER, HOST, FILE, FOLDER = "~", "<user>", "<host>", "<file>", "<folder>"

_SUFFIXES = (
    "jpg|jpeg|jpe|jfif|png|webp|bmp|gif|tif|tiff|heic|heif|avif|dng|cr2|nef|arw|exr|hdr|psd|"
    "mp4|mov|m4v|avi|mkv|webm|savatar|blend|blend1|ply|json|csv|npz|npy|pkl|pt|mat|usd[az]?|zip"
)
_START = r"(?:(?<![\w~./\\:<>-])(?:/|\\\\)|(?<!\w)[A-Za-z]:[\\/]|~[\\/])"
_PERSONAL_FILE = re.compile(rf"{_START}[^\n\"<>|]{{0,600}}?\.({_SUFFIXES})\b", re.IGNORECASE)
_FILE_NAME = re.compile(
    rf"[^\s\"':,=()\[\]<>|/\\][^\n\"':,=()\[\]<>|]{{0,300}}?\.({_SUFFIXES})\b", re.IGNORECASE
)
_PLACE = re.compile(
    r"(?:~[\\/]+(?![\\/.]|AppData\b|Library\b)"
    r"|(?<![\w~./\\:<>-])/(?:mnt|media|run/media|Volumes|srv|data|net)/"
    r"|(?<!\w)[D-Z]:[\\/]+"
    r"|(?<![\w\\:>~])\\\\+(?=\w))"
    r"(?:(?!: |\. |\.$|, |; | \(|['\"\n<>|]).)+",
    re.MULTILINE | re.IGNORECASE,
)
_OTHER_HOME = re.compile(
    r"(?:(?<![\w~./\\])/(?:home|Users)/+|(?<!\w)[A-Za-z]:[\\/]+Users[\\/]+)[^\\/\n\"':*?<>|]+"
    r"(?=[\\/])"
)
_NOT_PERSONAL = {"root", "user", "admin", "administrator", "localhost", ""}


@dataclass(frozen=True)
class Anonymous:
    """What is personal on a machine.

    Args:
        homes: Home folders, as the system writes them.
        users: Names of the user.
        hosts: Names of the machine.
        programs: Folders of programs and what stands for them; what lies in them is kept.
    """

    homes: tuple[str, ...]
    users: tuple[str, ...]
    hosts: tuple[str, ...]
    programs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls, programs: Mapping[Path, str]) -> Anonymous:
        """This machine and its user."""
        homes = {str(Path.home()), *(os.environ.get(n, "") for n in ("HOME", "USERPROFILE"))}
        users = {os.environ.get(name, "") for name in ("USER", "USERNAME", "LOGNAME")}
        users |= {re.split(r"[\\/]", home.rstrip("\\/"))[-1] for home in homes}
        # A user may have no name, as in some containers.
        with contextlib.suppress(OSError, KeyError, ImportError):
            users.add(getpass.getuser())
        host = socket.gethostname()
        return cls(
            tuple(h.rstrip("\\/") for h in homes if len(h.rstrip("\\/")) > 1),
            tuple(u for u in users if u.lower() not in _NOT_PERSONAL),
            tuple(h for h in {host, host.partition(".")[0]} if h.lower() not in _NOT_PERSONAL),
            {str(folder): words for folder, words in programs.items()},
        )

    def text(self, text: str, names: bool = True) -> str:
        """The text without what is personal.

        Args:
            text: Any.
            names: Whether names of files without their folders are taken for the user's.
        """
        programs = sorted(self.programs.items(), key=lambda item: -len(item[0]))
        for folder, words in programs:
            text = _path(folder).sub(lambda _, words=words: words, text)
        for home in sorted(self.homes, key=len, reverse=True):
            text = _path(home).sub(HOME, text)
        text = _OTHER_HOME.sub(HOME, text)
        text = _PERSONAL_FILE.sub(rf"{FILE}.\1", text)
        if names:
            text = _FILE_NAME.sub(rf"{FILE}.\1", text)
        text = _PLACE.sub(FOLDER, text)
        for own, words in ((self.users, USER), (self.hosts, HOST)):
            for name in sorted(own, key=len, reverse=True):
                text = _word(name).sub(words, text)
        return text


def _spellings(name: str) -> Iterable[str]:
    """As systems, JSON, Python and addresses write a name."""
    for form in ("NFC", "NFD"):
        whole = unicodedata.normalize(form, name)
        yield from (whole, json.dumps(whole)[1:-1], ascii(whole)[1:-1], quote(whole))


def _path(folder: str) -> re.Pattern[str]:
    """Matches a folder with any kind and number of separators, not a longer name."""
    parts = re.split(r"[\\/]+", folder)
    spelled = [sorted({re.escape(s) for s in _spellings(part)}, key=len)[::-1] for part in parts]
    body = r"[\\/]{1,4}".join(f"(?:{'|'.join(s)})" if s != [""] else "" for s in spelled)
    windows = re.match(r"[A-Za-z]:", folder) is not None
    return re.compile(rf"(?<![\w.~-]){body}(?![\w-])", re.IGNORECASE if windows else 0)


def _word(name: str) -> re.Pattern[str]:
    spelled = sorted({re.escape(s) for s in _spellings(name)}, key=len)[::-1]
    return re.compile(rf"(?<!\w)(?:{'|'.join(spelled)})(?!\w)", re.IGNORECASE)

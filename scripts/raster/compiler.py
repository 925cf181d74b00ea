"""The pinned compiler, installed beside nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_LOCK = Path(__file__).with_name("compiler.txt")


@dataclass(frozen=True)
class Compiler:
    """ziglang's clang.

    Args:
        folder: Where the package is installed.
        cache: Where it keeps what it has built.
    """

    folder: Path
    cache: Path

    @staticmethod
    def pinned() -> str:
        """name==version, as the lock has it."""
        found = re.match(r"ziglang==\S+", _LOCK.read_text())
        if found is None:
            raise SystemExit(f"{_LOCK} does not begin with ziglang==VERSION.")
        return found[0]

    @classmethod
    def installed(cls, root: Path) -> Compiler:
        """The compiler in a folder below `root`; installed, by its hashes, where it is not."""
        folder = root / cls.pinned()
        if not (folder / "ziglang" / "__main__.py").is_file():
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
            command += ["--no-deps", "--target", str(folder), "-r", str(_LOCK)]
            subprocess.run(command, check=True)
        return cls(folder, folder / "cache")

    def licences(self) -> str:
        """The licences of what the compiler links into a library beside our own code."""
        library = self.folder / "ziglang" / "lib"
        headers = (library / "libc/mingw/winpthreads/mutex.c").read_text()
        parts = {
            "Zig's own routines (compiler-rt, C library)": self.folder / "ziglang" / "LICENSE",
            "libc++": library / "libcxx" / "LICENSE.TXT",
            "libc++abi": library / "libcxxabi" / "LICENSE.TXT",
            "libunwind": library / "libunwind" / "LICENSE.TXT",
            "mingw-w64 (Windows only)": library / "libc" / "mingw" / "COPYING",
        }
        texts = {name: path.read_text() for name, path in parts.items()}
        texts["winpthreads (Windows only)"] = headers.partition("*/")[0].partition("/*")[2]
        return "\n\n".join(f"==== {name}\n\n{text.strip()}" for name, text in texts.items()) + "\n"

    def run(self, arguments: list[str], sources: Path) -> None:
        """Compiles C++.

        Args:
            arguments: As clang takes them.
            sources: The folder to run in.
        """
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "ZIG_GLOBAL_CACHE_DIR": str(self.cache),
            "ZIG_LOCAL_CACHE_DIR": str(self.cache),
        }
        command = [sys.executable, "-m", "ziglang", "c++", *arguments]
        subprocess.run(command, check=True, cwd=sources, env=environment)

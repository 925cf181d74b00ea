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
        folder: Where the package is installed, and keeps what it has built.
    """

    folder: Path

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
        return cls(folder)

    def run(self, arguments: list[str], sources: Path) -> None:
        """Compiles C++.

        Args:
            arguments: As clang takes them.
            sources: The folder to run in.
        """
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder),
            "ZIG_GLOBAL_CACHE_DIR": str(self.folder / "cache"),
            "ZIG_LOCAL_CACHE_DIR": str(self.folder / "cache"),
        }
        command = [sys.executable, "-m", "ziglang", "c++", *arguments]
        subprocess.run(command, check=True, cwd=sources, env=environment)

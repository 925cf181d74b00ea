#!/usr/bin/env python3
"""The one entry point: `python3 build_addon.py demo | test | zip`; standard library only.

This file runs on any Python 3 so that an old one gets a clear word; the work is done in house/ by
Python 3.11 or newer, which it looks for when it was started with an older one.
"""

import glob
import os
import subprocess
import sys

NEEDED = (3, 11)
ROOT = os.path.dirname(os.path.abspath(__file__))


def newer_pythons():
    """Paths that may be a newer Python, likely ones first."""
    names = ["python3.%d" % minor for minor in range(NEEDED[1], 16)]  # noqa: UP031
    found = []
    for name in names:
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            found.append(os.path.join(folder, name))
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    found += sorted(glob.glob(os.path.join(pyenv, "versions", "3.1*", "bin", "python")))
    return [path for path in found if os.access(path, os.X_OK)]


def restart():
    """Run again with a Python that is new enough; the exit code of that run."""
    probe = "import sys; sys.exit(sys.version_info[:2] < (%d, %d))" % NEEDED  # noqa: UP031
    for path in newer_pythons():
        with open(os.devnull, "w") as nothing:
            if subprocess.call([path, "-c", probe], stdout=nothing, stderr=nothing) == 0:
                return subprocess.call([path, os.path.abspath(__file__)] + sys.argv[1:])
    sys.stderr.write(
        "build_addon.py needs Python {}.{} or newer; this is {}.{} and no newer one was found.\n"
        "Install Python 3.11 (and 3.13 for the Blender 5.2 tests) and run it again.\n".format(
            *(NEEDED + tuple(sys.version_info[:2]))
        )
    )
    return 2


def main():
    """Hand over to house.commands under a Python that is new enough."""
    if sys.version_info < NEEDED:
        return restart()
    sys.path.insert(0, ROOT)
    from house.commands import main as commands

    return commands(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

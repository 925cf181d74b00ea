"""What this machine has: interpreters, system libraries, an NVIDIA GPU."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

from .errors import InstallError


@dataclass(frozen=True)
class Interpreter:
    """What a Python told of itself."""

    path: str
    version: tuple[int, int]
    markers: dict[str, str]
    has_venv: bool
    missing_libraries: tuple[str, ...]


_PROBE = """
import ctypes, importlib.util, json, os, platform, sys
missing = []
for name in json.loads(sys.argv[1]):
    try:
        ctypes.CDLL(name)
    except OSError:
        missing.append(name)
print("\\n" + json.dumps({
    "path": sys.executable,
    "version": sys.version_info[:2],
    "has_venv": all(importlib.util.find_spec(m) for m in ("venv", "ensurepip")),
    "missing_libraries": missing,
    "markers": {
        "sys_platform": sys.platform,
        "platform_system": platform.system(),
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "implementation_name": sys.implementation.name,
        "python_version": "%d.%d" % sys.version_info[:2],
        "python_full_version": platform.python_version(),
        "os_name": os.name,
    },
}), flush=True)
"""


PIP_KEPT = (
    "index-url", "extra-index-url", "no-index", "find-links", "trusted-host", "proxy", "cert",
    "client-cert", "cache-dir", "no-cache-dir", "timeout", "default-timeout", "retries",
    "resume-retries", "keyring-provider", "use-feature", "use-deprecated",
)  # fmt: skip
"""Settings of pip that say how packages are reached. All others would bend where they go and which
they are, as `user`, `target`, `prefix` and `constraint` do."""


def clean_environment() -> dict[str, str]:
    """This process's variables without those that bend another interpreter or its pip."""
    bent = ("PYTHON", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(bent) and (not name.upper().startswith("PIP_") or _kept(name[4:]))
    }
    return {
        **kept,
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def pip_environment(python: str) -> dict[str, str]:
    """`clean_environment`, with what pip's configuration files say of mirrors, proxies and
    certificates as variables, and nothing else of them.

    Args:
        python: The interpreter whose pip is asked.
    """
    clean = clean_environment()
    command = [python, "-m", "pip", "config", "list"]
    asking = {**clean, "PIP_USER": "0"}  # `user = true` would hide all files but the user's own
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=asking)
    except (OSError, subprocess.TimeoutExpired):
        return clean
    found: dict[str, str] = {}
    for section in ("global", "install"):  # the latter counts more
        for line in done.stdout.splitlines():
            match = re.fullmatch(rf"{section}\.([\w-]+)=(.*)", line)
            if match and _kept(match[1]):
                value = str(ast.literal_eval(match[2]))
                found["PIP_" + match[1].upper().replace("-", "_")] = " ".join(value.split())
    return {**found, **clean, "PIP_CONFIG_FILE": os.devnull}


def _kept(setting: str) -> bool:
    return setting.lower().replace("_", "-") in (*PIP_KEPT, "config-file")


def probe(python: str, libraries: dict[str, str] | None = None) -> Interpreter:
    """Ask an interpreter what it is.

    Raises:
        InstallError: python_missing, when it does not run.
    """
    names = list(libraries or {}) if sys.platform.startswith("linux") else []
    command = [python, "-c", _PROBE, json.dumps(names)]
    remedy = "Choose the path of a working Python 3.11 to 3.14."
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, env=clean_environment()
        )
        told = json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise InstallError("python_missing", f"{python} does not run as Python.", remedy) from error
    told["version"] = tuple(told["version"])
    told["missing_libraries"] = tuple(told["missing_libraries"])
    return Interpreter(**told)


def has_nvidia() -> bool:
    """Whether NVIDIA's driver lists a GPU."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    try:
        listing = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listing.returncode == 0 and "GPU 0" in listing.stdout

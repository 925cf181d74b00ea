"""Runs backend/install.py as a child process and follows its JSON lines."""

import json
import queue
import subprocess
import threading
from pathlib import Path
from typing import IO, Any

import bpy

from .._shared import AvatarError
from ..steps import Progress, Steps, finish
from . import settings

CODES = {"cancelled", "disk_full", "bad_request"}
"""Codes of the installer that are codes of ours too; the others mean: not installed."""


def install(torch: str = "auto") -> Steps[dict[str, Any]]:
    """Installs or repairs the backend; returns the installer's plan.

    Args:
        torch: auto, cpu, cuda or a folder that holds a torch wheel.

    Raises:
        AvatarError: Why it could not be installed and what to do.
    """
    if not bpy.app.online_access:
        raise AvatarError(
            "backend_not_installed",
            "Installing needs the network, and Blender's online access is switched off.",
            "Switch on Preferences > System > Network > Allow Online Access.",
        )
    script = settings.bundle() / "backend" / "install.py"
    if not script.is_file():
        raise AvatarError(
            "backend_not_installed",
            f"This copy of the add-on holds no backend: {script} is missing.",
            "Install the add-on from its release zip.",
        )
    return (yield from _follow(_command(script, torch)))


def plan(torch: str = "auto") -> dict[str, Any]:
    """What installing would do, from the installer itself: about a third of a second.

    Raises:
        AvatarError: Why it could not be installed here.
    """
    script = settings.bundle() / "backend" / "install.py"
    work = _follow([*_command(script, torch), "--plan"])
    return finish(work, lambda: None)


def _command(script: Path, torch: str) -> list[str]:
    python = settings.install_python()
    return [
        *(python, "-I", str(script), "backend", "--json", "--torch", torch),
        *("--target", str(settings.install_folder()), "--python", python),
    ]


def _follow(command: list[str]) -> Steps[dict[str, Any]]:
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        raise AvatarError(
            "backend_not_installed",
            f"The installer could not be started with {command[0]}: {error}.",
            "Choose another Python for Installing in the add-on's preferences.",
        ) from error
    assert child.stdin is not None
    assert child.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(
        target=_read, args=(child.stdout, lines), name="splitavatar-installer", daemon=True
    )
    reader.start()
    try:
        return (yield from _events(child, lines))
    finally:
        # The installer takes the end of its standard input as a wish to stop.
        child.stdin.close()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        reader.join(5)
        child.stdout.close()


def _read(output: IO[str], lines: "queue.Queue[str | None]") -> None:
    for line in output:
        lines.put(line)
    lines.put(None)


def _events(
    child: "subprocess.Popen[str]", lines: "queue.Queue[str | None]"
) -> Steps[dict[str, Any]]:
    plan: dict[str, Any] = {}
    said = ""
    progress = Progress("Looking at this machine")
    while True:
        try:
            line = lines.get_nowait()
        except queue.Empty:
            yield progress
            continue
        if line is None:
            break
        try:
            event = json.loads(line)
            kind = event.pop("event")
        except (ValueError, KeyError, AttributeError, TypeError):
            said = line.strip() or said
            continue
        if kind == "plan":
            plan = event
        elif kind == "progress":
            progress = _progress(event)
        elif kind == "error":
            code = event["code"] if event["code"] in CODES else "backend_not_installed"
            raise AvatarError(code, event["message"], event["remedy"])
    if child.wait() != 0:
        raise AvatarError(
            "backend_not_installed",
            f"The installer ended with exit code {child.returncode}: {said or 'no word'}.",
            "Install again; choose another Python in the add-on's preferences if it repeats.",
        )
    return plan


def _progress(event: dict[str, Any]) -> Progress:
    megabytes = f"{event['bytes_done'] / 1e6:.0f} of {event['bytes_total'] / 1e6:.0f} MB"
    packages = f"{event['packages_done']}/{event['packages_total']} packages"
    text = f"{event['phase']} ({packages}, {megabytes})"
    total = max(1, event["bytes_total"])
    # Below 1, so that the text, which has better words, is all that is shown.
    return Progress(text, event["bytes_done"] / total, 1.0, event["eta_s"])

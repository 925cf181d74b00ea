"""A screen without a monitor, a Blender on it, a mouse and a camera."""

from __future__ import annotations

import os
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from house.profile import profile_environment
from house.window import WindowBlender

SIZE = (1280, 800)
INSIDE = Path(__file__).with_name("inside.py")
START_S = 60.0
ARRIVES_S = 0.01
"""How soon what xdotool does is known to the screen."""

ROUNDS = 2
"""Of Blender's loop, until it has taken an event and acted on it."""

ROW_PX = 9
"""Step when the mouse looks for buttons: less than half a row."""

MIDDLE = 0.35
"""Where the mouse looks for buttons, in parts of the sidebar's width."""

SCROLLS = (-20, 5, 5)
"""Turns of the wheel until a button is found: up, and down in steps."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom; pixels of the screen."""


@contextmanager
def started(blender: WindowBlender, folder: Path) -> Iterator[Window]:
    """A Blender with an empty profile and the default scene; ends with the block."""
    screen = folder / "screen"
    screen.mkdir()
    with (folder / "blender.log").open("w") as log, _screen(screen) as display:
        environment = {
            **profile_environment(folder / "profile"),
            "HOME": str(folder),
            "LIBGL_ALWAYS_SOFTWARE": "1",
            **blender.environment,
            "DISPLAY": display,
        }
        width, height = map(str, SIZE)
        with Listener(("127.0.0.1", 0)) as listener:
            command = [*blender.command, "--factory-startup", "--python-exit-code", "1"]
            command += ["--window-geometry", "0", "0", width, height]
            command += ["--python", str(INSIDE), "--", str(listener.address[1])]
            process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            try:
                with _accepted(listener, process, folder / "blender.log") as channel:
                    yield Window(channel, display, screen / "Xvfb_screen0")
            finally:
                process.kill()
                process.wait()


@contextmanager
def _screen(folder: Path) -> Iterator[str]:
    """Xvfb on a display of its own choice, whose picture lies in a file; yields its name."""
    readable, writable = os.pipe()
    size = f"{SIZE[0]}x{SIZE[1]}x24"
    command = ["Xvfb", "-displayfd", str(writable), "-screen", "0", size, "-fbdir", str(folder)]
    with (folder / "xvfb.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "-nolisten", "tcp"], pass_fds=[writable], stdout=log, stderr=log
        )
    os.close(writable)
    try:
        with os.fdopen(readable) as told:
            number = told.readline().strip()
        assert number, (folder / "xvfb.log").read_text()
        yield f":{number}"
    finally:
        process.terminate()
        process.wait()


def _accepted(listener: Listener, process: subprocess.Popen[bytes], log: Path) -> Connection:
    socket = listener._listener._socket  # type: ignore[attr-defined] # it has no time limit else
    socket.settimeout(START_S)
    try:
        return listener.accept()
    except OSError as error:
        raise AssertionError(f"Blender: {process.poll()}\n{log.read_text()[-3000:]}") from error


@dataclass
class Window:
    """The running Blender, as somebody before the screen has it."""

    channel: Connection
    display: str
    picture: Path
    guide: Path | None = None
    """Where pictures for docs/user-guide.md go."""

    # ---- what Blender knows

    def ask(self, question: str) -> Any:
        """The value of an expression of `inside.py`."""
        self.channel.send(question)
        if not self.channel.poll(60):
            raise AssertionError(f"no answer within a minute: {question}")
        worked, value = self.channel.recv()
        assert worked, f"{question}\n{value}"
        return value

    def wait(self, question: str, timeout_s: float = 30.0) -> Any:
        """Waits until an expression is true, and returns it."""
        return self.until(lambda: self.ask(question), question, timeout_s)

    def until(self, condition: Callable[[], Any], what: str, timeout_s: float = 30.0) -> Any:
        """Waits until a condition is true, and returns what it gave."""
        end = time.monotonic() + timeout_s
        while not (found := condition()):
            assert time.monotonic() < end, f"still not after {timeout_s:.0f} s: {what}"
            time.sleep(0.05)
        return found

    # ---- the mouse and the keyboard

    def _do(self, *words: object) -> None:
        environment = {**os.environ, "DISPLAY": self.display}
        subprocess.run(["xdotool", *map(str, words)], env=environment, check=True, timeout=20)

    def move(self, x: float, y: float) -> None:
        """Moves the mouse there, and a little on the spot: Blender wants to see it move."""
        self._do("mousemove", int(x) - 1, int(y), "mousemove", int(x), int(y))
        self.catch_up()

    def catch_up(self) -> None:
        """Waits until Blender has seen what mouse and keyboard did: it answers between rounds."""
        time.sleep(ARRIVES_S)
        for _ in range(ROUNDS):
            self.ask("None")

    def click(self, x: float, y: float) -> None:
        """Clicks with the left button."""
        self.move(x, y)
        self._do("click", 1)

    def key(self, name: str) -> None:
        """Presses a key, where the mouse is."""
        self._do("key", name)

    def scroll(self, clicks: int) -> None:
        """Turns the wheel; below 0 upwards."""
        if clicks:
            self._do("click", "--repeat", abs(clicks), "--delay", 10, 5 if clicks > 0 else 4)
        self.catch_up()

    # ---- the sidebar

    def scroll_up(self) -> None:
        """Shows the sidebar from its top."""
        self.move(self.across(MIDDLE), SIZE[1] / 2)
        self.scroll(SCROLLS[0])

    def rows(self, name: str = "", part: float = MIDDLE) -> dict[str, float]:
        """Every button of the sidebar that the mouse finds, and the height of its middle.

        A button is named by what it calls, or by the path of what it sets; menus have no name.

        Args:
            name: Only as far as this one, which is quicker.
            part: Where in the sidebar's width, 0..1.
        """
        _, top, _, bottom = self.ask('rectangle("UI")')
        heights: dict[str, list[int]] = {}
        for y in range(top + 4, bottom - 4, ROW_PX):
            self.move(self.across(part), y)
            found = self.ask("under_mouse()")
            if name in heights and found != name:
                break
            heights.setdefault(found, []).append(y)
        heights.pop("", None)
        return {found: sum(places) / len(places) for found, places in heights.items()}

    def across(self, part: float) -> float:
        """Pixels from the screen's left of a part of the sidebar's width, 0..1."""
        left, _, right, _ = self.ask('rectangle("UI")')
        return left + part * (right - left)

    def press(self, name: str, part: float = MIDDLE) -> None:
        """Clicks a button of the sidebar, which is scrolled to it.

        Args:
            name: As in `rows`.
            part: Where in the sidebar's width, 0..1.
        """
        self.click(self.across(part), self._scrolled_to(name, part)[name])

    def press_between(self, above: str, below: str) -> None:
        """Clicks the row between two buttons: a menu, which has no name."""
        rows = self._scrolled_to(below, MIDDLE)
        self.click(self.across(MIDDLE), (rows[above] + rows[below]) / 2)

    def _scrolled_to(self, name: str, part: float) -> dict[str, float]:
        seen: set[str] = set()
        for turn in (0, *SCROLLS):
            self.move(self.across(part), SIZE[1] / 2)
            self.scroll(turn)
            rows = self.rows(name, part)
            if name in rows:
                return rows
            seen |= rows.keys()
        raise AssertionError(f"{name} is not among {sorted(seen)}")

    def pick(self, number: int) -> None:
        """Chooses an entry, from 0, of the menu that is open."""
        for key in ("Home", *["Down"] * number, "Return"):
            self.catch_up()
            self.key(key)

    # ---- the picture

    def look(self, box: Box | None = None) -> np.ndarray:
        """[H, W, 3] uint8: what is on the screen now, or a part of it."""
        content = self.picture.read_bytes()
        header = struct.unpack(">25I", content[:100])
        width, height, stride = header[4], header[5], header[12]
        start = header[0] + 12 * header[19]  # behind the header and its colours
        rows = np.frombuffer(content, np.uint8, stride * height, start).reshape(height, stride)
        rgb = rows[:, : 4 * width].reshape(height, width, 4)[..., 2::-1]
        left, top, right, bottom = box or (0, 0, width, height)
        return rgb[top:bottom, left:right].copy()

    def keep(self, name: str, kind: str = "UI", of: str = "VIEW_3D") -> None:
        """A picture for the guide, where one is made.

        Args:
            name: Of its file.
            kind: `UI` the sidebar, `WINDOW` the whole editor.
            of: Which editor's.
        """
        if self.guide is not None:
            self.guide.mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(self.settle(self.ask(f"rectangle({kind!r}, {of!r})")))
            picture.save(self.guide / f"{name}.webp", quality=82, method=6)

    def settle(self, box: Box | None = None) -> np.ndarray:
        """The picture, as soon as it stands still."""
        before = self.look(box)

        def still() -> bool:
            nonlocal before
            time.sleep(0.4)
            now = self.look(box)
            same = np.array_equal(before, now)
            before = now
            return same

        self.until(still, "the picture stands still", 30)
        return before

"""Starts, watches and stops the backend process.

Nothing here waits: call `poll` from a timer (or `wait_ready` from a script). The backend holds the
other end of a pipe as its stdin and exits when that closes, so it never outlives its parent.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from .backend_process import ended, spawn
from .client import Client
from .connection import Connection, connection_path, sweep_connections
from .errors import AvatarError
from .log_file import LogFile
from .messages import BackendState, ShutdownBackend
from .os_errors import os_error

RESTART_BUDGET = 5
"""Automatic restarts in a row before the launcher gives up."""

SLOW_START_S = 60.0
"""A start that takes longer says so; it is never ended for it."""

_SHUTDOWN_STEP_S = 5.0


@dataclass(frozen=True)
class LaunchSettings:
    """How to start the backend.

    Args:
        python: The interpreter that has the backend's packages.
        root: Folder that holds `backend/` and `shared/`.
        user_folder: Folder for connection file, log and bytecode; made when missing.
        preset: Network preset.
        device: `auto`, `cpu`, `cuda`, ...
        module: What `python -m` runs.
        arguments: More arguments for it.
    """

    python: Path
    root: Path
    user_folder: Path
    preset: str = "open"
    device: str = "auto"
    module: str = "backend"
    arguments: tuple[str, ...] = ()

    @property
    def log_path(self) -> Path:
        """What the backend printed."""
        return self.user_folder / "backend.log"

    @property
    def connection_path(self) -> Path:
        """The connection file of this parent's backend."""
        return connection_path(self.user_folder)

    @property
    def command(self) -> list[str]:
        """The command line."""
        options = ["--connection", str(self.connection_path)]
        options += ["--preset", self.preset, "--device", self.device]
        return [str(self.python), "-m", self.module, "serve", *options, *self.arguments]


class Launcher:
    """One backend process and the client that talks to it."""

    def __init__(self, settings: LaunchSettings) -> None:
        self.settings = settings
        self.client: Client | None = None
        """The connected client; None until the backend has bound its sockets."""
        self.restarts = 0
        """Automatic restarts since the backend was last started by hand."""
        self._process: subprocess.Popen[bytes] | None = None
        self._log: LogFile | None = None
        self._started = 0.0
        self._failure: AvatarError | None = None
        self._stopper: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the backend, None when it does not run."""
        return self._process.pid if self._process is not None else None

    @property
    def state(self) -> BackendState:
        """What the user sees; see docs/protocol.md, States."""
        if self._process is None:
            if self._failure is not None:
                why, remedy = self._failure.message, self._failure.remedy
                return BackendState("failed", why=why, remedy=remedy)
            installed = self.settings.python.exists()
            return BackendState("stopped" if installed else "not_installed")
        if self._stopper is not None:
            return BackendState("stopped", phase="stopping")
        seconds = time.monotonic() - self._started
        if self.client is None:
            return BackendState("starting", phase=_starting("launching", seconds))
        if self.client.error is not None:
            error = self.client.error
            return BackendState("failed", why=error.message, remedy=error.remedy)
        state = self.client.state
        if state.state == "starting":
            return replace(state, phase=_starting(state.phase, seconds))
        silent = self.client.not_answering_s
        return replace(state, phase=f"not answering for {silent:.0f} s") if silent else state

    def start(self) -> None:
        """Starts the backend on the user's wish; does nothing while one runs.

        Raises:
            AvatarError: `backend_not_installed`, `disk_full` or `backend_died`.
        """
        self.restarts = 0
        self._start()

    def restart(self) -> None:
        """Starts it again after it died, at most `RESTART_BUDGET` times in a row.

        Raises:
            AvatarError: as `start`; `backend_died` when the budget is spent.
        """
        if self.restarts >= RESTART_BUDGET:
            self._failure = AvatarError(
                "backend_died",
                f"The backend died {self.restarts + 1} times in a row; it is not restarted.",
                f"Read {self.settings.log_path}, then start it by hand.",
            )
            raise self._failure
        self.restarts += 1
        self._start()

    def poll(self) -> BackendState:
        """Looks at process and connection file once; returns the new state."""
        process = self._process
        if process is None or self._stopper is not None:
            return self.state
        code = process.poll()
        if self._log is not None:
            with contextlib.suppress(OSError):  # a full disk: the old words stay
                self._log.bound()
        if code is not None:
            self._ended(code)
        elif self.client is None and self.settings.connection_path.exists():
            try:
                self.client = Client(Connection.load(self.settings.connection_path))
            except AvatarError as error:
                self._failure = error
                self._kill()
        return self.state

    def wait_ready(self, timeout_s: float = 300.0) -> Client:
        """Polls until the backend is ready; for scripts, never on Blender's main thread in a UI.

        Raises:
            AvatarError: Why it failed, or `busy` after `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        while (state := self.poll()).state not in ("ready", "busy"):
            if state.state in ("failed", "stopped", "not_installed"):
                code = "backend_died" if state.state == "failed" else "backend_not_installed"
                why = state.why or f"The backend is {state.state.replace('_', ' ')}."
                raise AvatarError(code, why, state.remedy or "Start it.")
            if time.monotonic() > deadline:
                raise AvatarError(
                    "busy",
                    f"The backend is still starting after {timeout_s:.0f} s ({state.phase}).",
                    f"Wait longer or read {self.settings.log_path}.",
                )
            threading.Event().wait(0.02)
        assert self.client is not None
        return self.client

    def stop(self) -> None:
        """Begins to stop the backend and returns at once; a thread asks, terminates, kills."""
        if self._process is None or self._stopper is not None:
            return
        self._stopper = threading.Thread(target=self._stop, name="splitavatar-stopper", daemon=True)
        self._stopper.start()

    def wait_stopped(self, timeout_s: float = 20.0) -> bool:
        """Waits for `stop` to finish; True when the process is gone."""
        stopper = self._stopper
        if stopper is not None:
            stopper.join(timeout_s)
        return self._process is None

    # ---- inside

    def _start(self) -> None:
        if self._process is not None:
            if self._process.poll() is not None:
                self._ended(self._process.returncode)
            elif self.client is not None and self.client.error is not None:
                self._kill()  # it has failed for its client, though the system still ends it
            else:
                return
        settings = self.settings
        self._failure = None
        if not settings.python.exists():
            raise AvatarError(
                "backend_not_installed",
                f"The backend is not installed: {settings.python} is missing.",
                "Press Install Backend in the add-on's preferences.",
            )
        try:
            settings.user_folder.mkdir(parents=True, exist_ok=True)
            sweep_connections(settings.user_folder)
            settings.connection_path.unlink(missing_ok=True)
            self._log = LogFile(settings.log_path)
            self._process = spawn(settings.command, settings.root, self._log)
        except OSError as error:
            self._close_log()
            self._failure = AvatarError(
                "backend_died",
                f"The backend could not be started. {os_error(error).message}",
                f"Check that {settings.python} runs, that {settings.user_folder} may be written, "
                "and that there is space in it.",
            )
            raise self._failure from error
        self._started = time.monotonic()

    def _ended(self, code: int) -> None:
        self._failure = ended(code, self.settings.log_path)
        self._clear(self._failure)

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._clear(self._failure)

    def _clear(self, error: AvatarError | None) -> None:
        client, process = self.client, self._process
        self.client = None
        if client is not None:
            if error is not None:
                client.fail(error)
            client.close()
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):  # the pipe's reader is gone
                process.stdin.close()
        self._process = None
        self._close_log()
        self.settings.connection_path.unlink(missing_ok=True)

    def _close_log(self) -> None:
        if self._log is not None:
            self._log.close()
        self._log = None

    def _stop(self) -> None:
        process, client = self._process, self.client
        assert process is not None
        if client is not None and client.error is None:
            client.request(ShutdownBackend())
        elif process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        for end in (lambda: None, process.terminate, process.kill):
            end()
            try:
                process.wait(_SHUTDOWN_STEP_S)
                break
            except subprocess.TimeoutExpired:
                continue
        self._clear(None)
        self._stopper = None


def _starting(phase: str, seconds: float) -> str:
    return phase if seconds < SLOW_START_S else f"{phase} (slow: {seconds:.0f} s so far)"

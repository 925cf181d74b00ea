"""What all commands share: progress bars, results, errors, exit codes."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from backend.assets.downloads import assets_folder
from backend.serving.failures import as_avatar_error
from shared import log_file
from shared.errors import AvatarError

CANCELLED = 130


class Console:
    """Progress bars on stderr, for anything that takes longer than a second."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self._bar: Any = None
        self._phase = ""

    def progress(self, phase: str, done: float, total: float) -> None:
        """A `shared.progress.Progress`."""
        if phase != self._phase:
            self._begin(phase, total)
        self._bar.total = total or None
        self._bar.update(done - self._bar.n)

    def phase(self, phase: str) -> None:
        """A step without a count."""
        self.progress(phase, 0, 0)

    def note(self, text: str) -> None:
        """A line for the user, on stderr."""
        self.close()
        print(text, file=sys.stderr)

    @property
    def seconds(self) -> float:
        """Since the command started."""
        return round(time.monotonic() - self.started, 2)

    def close(self) -> None:
        """Ends the bar."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._phase = None, ""

    def _begin(self, phase: str, total: float) -> None:
        from tqdm import tqdm

        self.close()
        self._phase = phase
        # In a log file, where nobody watches, a line every ten seconds is enough.
        watched = sys.stderr.isatty()
        self._bar = tqdm(
            total=total or None,
            desc=phase,
            file=sys.stderr,
            delay=1,
            mininterval=0.1 if watched else 10,
            leave=not watched,
            dynamic_ncols=watched,
        )


def run(command: Callable[[argparse.Namespace, Console], dict[str, Any]], args: Any) -> int:
    """Runs a command and reports its result or its error; returns the exit code."""
    console = Console()
    with _stdout_kept_for_json() if args.json else contextlib.nullcontext(sys.stdout) as out:
        try:
            result = command(args, console)
            code = 0 if result.get("ok", True) else 1
        except KeyboardInterrupt:
            return _fail(args, console, out, _interrupted(), CANCELLED)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is told and logged
            failure = as_avatar_error(error)
            if failure.code == "internal":
                failure = _logged(args.command, failure)
            return _fail(args, console, out, failure, CANCELLED if _is_cancel(failure) else 1)
        console.close()
        if args.json:
            print(json.dumps(result, default=_plain), file=out, flush=True)
        else:
            for line in lines(result):
                print(line, file=out, flush=True)
        return code


def _fail(args: Any, console: Console, out: Any, error: AvatarError, code: int) -> int:
    console.close()
    print(f"{error.message}\n{error.remedy}", file=sys.stderr)
    if args.json:
        report = {"code": error.code, "message": error.message, "remedy": error.remedy}
        print(json.dumps({"error": report}), file=out, flush=True)
    return code


def _logged(command: str, failure: AvatarError) -> AvatarError:
    """Keeps the exception at hand where it helps: in the log, which the failure then names."""
    text, log = traceback.format_exc(), commands_log()
    try:
        log_file.append(log, command, text)
    except OSError:
        print(text, file=sys.stderr)  # nowhere else to keep it
        return failure
    return AvatarError(failure.code, failure.message, f"{failure.remedy} The log is {log}.")


def commands_log() -> Path:
    """Where commands keep what went wrong inside them."""
    return assets_folder() / "commands.log"


def _interrupted() -> AvatarError:
    return AvatarError("cancelled", "Cancelled.", "Run it again: finished frames are kept.")


def _is_cancel(error: AvatarError) -> bool:
    return error.code == "cancelled"


@contextlib.contextmanager
def _stdout_kept_for_json() -> Iterator[Any]:
    """Sends what libraries print, also from C++, to stderr; gives the real stdout."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with (
            os.fdopen(os.dup(kept), "w", encoding="utf-8") as out,
            contextlib.redirect_stdout(sys.stderr),
        ):
            yield out
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def lines(result: dict[str, Any], indent: str = "") -> Iterator[str]:
    """A result as people read it."""
    width = max((len(key) for key in result), default=0)
    for key, value in result.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from lines(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"{indent}{key}:"
            for entry in value:
                yield indent + "  - " + ", ".join(f"{k}: {v}" for k, v in entry.items())
        elif isinstance(value, list) and len(value) > 6 and isinstance(value[0], str | Path):
            yield f"{indent}{key:{width}}  {value[0]} ... {value[-1]} ({len(value)})"
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            yield f"{indent}{key:{width}}  {shown}"

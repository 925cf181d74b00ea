"""The add-on's own log, beside the backend's: what went wrong on Blender's side."""

import logging
from pathlib import Path

from .._shared import log_file
from . import settings

LOG = logging.getLogger("splitavatar")


def path() -> Path:
    """Where it is; it need not exist."""
    return settings.launch_settings().log_path.with_name("addon.log")


class _ToFile(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            log_file.append(path(), record.levelname, self.format(record))
        except OSError:
            self.handleError(record)


_HANDLERS: list[logging.Handler] = [_ToFile(logging.WARNING)]
if logging.lastResort is not None:  # Blender's console, as if we had no log
    _HANDLERS.append(logging.lastResort)


def register() -> None:
    """Keeps warnings and errors, with their tracebacks, from now on."""
    for handler in _HANDLERS:
        LOG.addHandler(handler)


def unregister() -> None:
    """Ends that."""
    for handler in _HANDLERS:
        LOG.removeHandler(handler)

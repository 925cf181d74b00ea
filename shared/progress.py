"""How long work reports itself: one callable type, used by the pipeline, the server and bars."""

from collections.abc import Callable

Progress = Callable[[str, float, float], None]
"""`progress(phase, done, total)`; raises `AvatarError("cancelled", ...)` to stop the work."""


def silent(phase: str, done: float, total: float) -> None:
    """A `Progress` that shows nothing and never cancels."""

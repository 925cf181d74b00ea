"""How a setting that cannot be is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from shared.errors import AvatarError


@dataclass(frozen=True)
class Refusal:
    """The error of one kind of settings.

    Args:
        kind: `network` or `training`.
        code: Of the `AvatarError`.
        remedy: What to do.
    """

    kind: str
    code: str
    remedy: str

    def __call__(self, name: str, found: Any, expected: str) -> NoReturn:
        """Raises it: which setting, what was found, what was expected."""
        message = f"The {self.kind} setting {name} is {found!r}; expected {expected}."
        raise AvatarError(self.code, message, self.remedy)

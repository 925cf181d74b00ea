"""FLAME's codes as the rig's weights, by a backend that runs and has FLAME's file."""

import numpy as np

from .._shared import AvatarError, messages
from . import session


def arkit_weights(head: str, expression: np.ndarray) -> np.ndarray | None:
    """ARKit weights [T, 52] of codes [T, 100]; None where nobody can tell them now.

    Nothing is started for it, and work that is under way is not waited for.

    Args:
        head: Whose codes they are.
        expression: The codes.
    """
    here = session.get()
    if here.client is None or here.activity is not None:
        return None
    codes = np.ascontiguousarray(expression, np.float32)
    try:
        message = messages.TranslateCodes(head=head, expression=codes)
        return session.finish(here.request(message)).weights
    except AvatarError as error:
        if error.code not in ("missing_weights", "bad_request"):
            raise
        return None

"""How a script that a test runs in Blender ends.

Imported in Blender, so it needs the standard library only.
"""

import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn


def leave_after(work: Callable[[], None]) -> NoReturn:
    """Does the work and ends the process with 0, or with 1 and the traceback.

    Blender can hang when its interpreter exits, so this leaves by os._exit.
    """
    code = 0
    try:
        work()
    except BaseException:  # noqa: BLE001 - reported by the test
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

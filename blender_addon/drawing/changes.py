"""What the dependency graph said has changed, so that nothing is read at every redraw."""

from collections import Counter
from collections.abc import Hashable

import bpy

_changes: Counter[int] = Counter()
_everything = [0]


def note(depsgraph: bpy.types.Depsgraph) -> None:
    """Remembers which data-blocks have other geometry than before."""
    for update in depsgraph.updates:
        if update.is_updated_geometry:
            _changes[update.id.original.session_uid] += 1


def note_everything() -> None:
    """Another file, or undo: nothing is known any more."""
    _everything[0] += 1


def version(cloud: bpy.types.Object) -> Hashable:
    """Changes with the evaluated geometry of an object."""
    uids = (cloud.session_uid, cloud.data.session_uid)
    return (_everything[0], *uids, *(_changes[uid] for uid in uids))

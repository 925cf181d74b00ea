"""What operators ask before they run, as mixins and functions."""

from typing import Any

import bpy

from .._shared import AvatarError
from ..scene import properties
from ..work import session


def idle(cls: Any) -> bool:
    """Whether no other work is under way; says so in the tooltip otherwise."""
    activity = session.get().activity
    if activity is not None:
        cls.poll_message_set(f"{activity.title} is under way. Wait for it or cancel it")
    return activity is None


def has_avatar(cls: Any, context: bpy.types.Context) -> bool:
    """Whether there is an avatar to work on."""
    if properties.active_rig(context) is None:
        cls.poll_message_set("Select an avatar, or make one with Create Avatar")
        return False
    return True


def require_avatar(context: bpy.types.Context) -> bpy.types.Object:
    """The avatar that an operator works on.

    Raises:
        AvatarError: `bad_request` when none is selected.
    """
    found = properties.active_rig(context)
    if found is None:
        raise AvatarError(
            "bad_request",
            "No avatar is selected.",
            "Select the armature of an avatar, or make one with Create Avatar.",
        )
    return found


class WhenIdle:
    """Mixin: can be used while no other work is under way."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls)


class WithAvatar:
    """Mixin: can be used on an avatar."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_avatar(cls, context)


class WithAvatarWhenIdle:
    """Mixin: can be used on an avatar, while no other work is under way."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_avatar(cls, context) and idle(cls)

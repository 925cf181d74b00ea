"""Photos that are refused before they are sent."""

from collections.abc import Callable
from pathlib import Path

import bpy
import pytest

from blender_addon.work import create, session
from shared.errors import AvatarError


@pytest.mark.parametrize(
    ("names", "message", "remedy"),
    [
        ("abcdef", "6 photos were given; expected 1 to 5.", "Choose those that show the face best"),
        ("ax", "{}/x does not exist.", "Check the path."),
        (
            "abc",
            "c is the same picture as a; expected different ones.",
            "Leave one of them out.",
        ),
    ],
)
def test_photos_that_cannot_be_taken_together_are_told_before_the_backend_is_started(
    own_backend: Callable[..., None], tmp_path: Path, names: str, message: str, remedy: str
) -> None:
    own_backend()
    for name, content in zip("abcdef", (b"a", b"b", b"a", b"d", b"e", b"f"), strict=True):
        (tmp_path / name).write_bytes(content)
    images = [tmp_path / name for name in names]
    with pytest.raises(AvatarError) as caught:
        session.finish(create.create_avatar(bpy.context, images, "Ada", tmp_path / "a.savatar"))
    assert caught.value.message == message.format(tmp_path)
    assert caught.value.remedy.startswith(remedy)
    assert session.get().state.state == "stopped"
    assert not bpy.data.armatures

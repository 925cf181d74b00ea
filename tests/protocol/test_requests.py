"""What a client sees of a healthy backend."""

import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared import messages as m
from shared.client import Client
from shared.connection import Connection
from shared.errors import AvatarError
from shared.flame import Track
from shared.launcher import Launcher
from shared.message_base import Message
from shared.version import PROTOCOL
from tests.fakes.fake_pipeline import FACELESS, IDENTITY
from tests.protocol import asking
from tests.protocol.asking import PORTRAIT, TIME_S, create
from tests.protocol.conftest import running, wait_for

OPEN_MOUTH = Track.from_arkit({"jawOpen": 0.7})


def failure(client: Client, message: Message) -> AvatarError:
    return asking.failure(client.request(message, TIME_S))


def created(client: Client, folder: Path) -> m.AvatarReply:
    return create(client, folder, "create").result(TIME_S)


def test_a_created_avatar_is_saved_and_described(client: Client, tmp_path: Path) -> None:
    reply = created(client, tmp_path)
    assert Path(reply.path).read_bytes() == b"a portrait"
    assert reply.counts == {"total": 52, "identity": 10, "layers": [6, 12, 24], "kept": 44}
    assert len(reply.identity) == IDENTITY
    assert reply.rig["expression_deltas"].shape[0] == 52
    assert reply.camera.width == 512
    assert reply.source.betas is not None
    assert reply.notes == ["It is drawn."]


def photos(folder: Path, **others: bytes) -> m.CreateAvatar:
    """A request with other photos beside the portrait."""
    given = {f"{name}.jpg": np.frombuffer(data, np.uint8) for name, data in others.items()}
    path = str(folder / "several.savatar")
    return m.CreateAvatar(image=PORTRAIT, path=path, job="s", name="front.jpg", others=given)


def test_several_photos_make_one_avatar_and_each_has_its_notes(
    client: Client, tmp_path: Path
) -> None:
    reply = client.call(photos(tmp_path, left=b", a side", smile=b", teeth"), TIME_S)
    assert Path(reply.path).read_bytes() == b"a portrait, a side, teeth"
    names = ("front.jpg", "left.jpg", "smile.jpg")
    assert reply.notes == [f"{name}: It is drawn." for name in names]


@pytest.mark.parametrize(
    ("others", "code", "words"),
    [
        ({"left": FACELESS}, "no_face_found", "left.jpg: No face in the picture."),
        (
            {"copy": b"a portrait"},
            "bad_request",
            "copy.jpg is the same picture as front.jpg; expected different ones.",
        ),
        (
            {str(number): b"%d" % number for number in range(5)},
            "bad_request",
            "6 photos were given; expected 1 to 5.",
        ),
    ],
)
def test_photos_that_make_no_avatar_together_get_their_error(
    client: Client, tmp_path: Path, others: dict[str, bytes], code: str, words: str
) -> None:
    error = failure(client, photos(tmp_path, **others))
    assert (error.code, error.message) == (code, words)
    assert error.remedy
    assert not list(tmp_path.iterdir())


def test_a_loaded_avatar_has_the_id_it_was_created_with(client: Client, tmp_path: Path) -> None:
    reply = created(client, tmp_path)
    loaded = client.call(m.LoadAvatar(path=reply.path, job="l"), TIME_S)
    assert loaded.avatar == reply.avatar
    assert loaded.notes == [], "nothing is known of the photo any more"


def test_driving_sends_identity_means_only_when_they_move(client: Client, tmp_path: Path) -> None:
    avatar = created(client, tmp_path)
    still = client.call(m.DriveAvatar(avatar=avatar.avatar, frame=OPEN_MOUTH), TIME_S)
    assert still.identity_means is None
    moved = Track.neutral(1, transl=np.array([[0.1, 0, 0]]))
    reply = client.call(m.DriveAvatar(avatar=avatar.avatar, frame=moved), TIME_S)
    np.testing.assert_allclose(reply.identity_means, avatar.identity.means + [0.1, 0, 0], atol=1e-6)
    assert reply.identity_quats.shape == (IDENTITY, 4)


def test_masked_gaussians_travel_with_mask_0(client: Client, tmp_path: Path) -> None:
    avatar = created(client, tmp_path).avatar
    cloud = client.call(m.DriveAvatar(avatar=avatar, frame=OPEN_MOUTH), TIME_S).expression
    np.testing.assert_array_equal(cloud.mask == 0, cloud.opacities == 0)
    assert np.count_nonzero(cloud.mask == 0) == 8
    request = m.DriveAvatar(avatar=avatar, frame=OPEN_MOUTH, ablate=["masks"])
    assert client.call(request, TIME_S).expression.mask.all()


def test_a_frame_is_rendered_at_the_camera_s_size(client: Client, tmp_path: Path) -> None:
    avatar = created(client, tmp_path)
    camera = avatar.camera.resized(64, 48)
    request = m.RenderFrame(avatar=avatar.avatar, frame=OPEN_MOUTH, camera=camera)
    reply = client.call(request, TIME_S)
    assert reply.rgba.shape == (48, 64, 4)
    assert reply.depth.shape == (48, 64)


def test_layers_are_told_where_they_are_asked_for(client: Client, tmp_path: Path) -> None:
    avatar = created(client, tmp_path)
    camera = avatar.camera.resized(64, 48)
    request = m.RenderFrame(avatar=avatar.avatar, frame=OPEN_MOUTH, camera=camera)
    assert client.call(request, TIME_S).layers is None
    reply = client.call(replace(request, layers=True), TIME_S)
    assert (reply.layers.dtype, reply.layers.shape) == (np.uint8, (48, 64))
    np.testing.assert_array_equal(reply.layers > 0, reply.depth > 0)
    np.testing.assert_array_equal(np.unique(reply.layers), range(7))


def test_export_and_render_write_their_files(client: Client, tmp_path: Path) -> None:
    avatar = created(client, tmp_path)
    track, frames, out = Track.neutral(3), [8, 9, 10], str(tmp_path / "out")
    exported = client.call(
        m.ExportJob(avatar=avatar.avatar, track=track, frames=frames, out=out, name="n", job="e"),
        TIME_S,
    )
    rendered = client.call(
        m.RenderJob(
            avatar=avatar.avatar,
            track=track,
            frames=frames,
            cameras=(avatar.camera.resized(32, 32),),
            out=out,
            name="n",
            job="r",
            mp4=True,
        ),
        TIME_S,
    )
    names = [Path(p).name for p in (*exported.files, *rendered.png, rendered.mp4)]
    assert names == [
        "n_0008.ply", "n_0009.ply", "n_0010.ply", "n_0008.png", "n_0009.png", "n_0010.png", "n.mp4"
    ]  # fmt: skip
    assert sorted(p.name for p in Path(out).iterdir()) == sorted(names)


def test_an_image_is_tracked_by_its_bytes(client: Client) -> None:
    reply = client.call(m.TrackJob(job="t", image=PORTRAIT), TIME_S)
    assert reply.track.expression[0, 24] == pytest.approx(0.1)
    assert failure(client, m.TrackJob(job="t")).code == "bad_request"


def test_a_job_reports_progress_and_states(client: Client, tmp_path: Path) -> None:
    client.poll()
    created(client, tmp_path)
    events: list[Message] = []

    def over() -> bool:
        events.extend(client.poll())
        return isinstance(events[-1], m.BackendState) and events[-1].state == "ready"

    wait_for(lambda: events or events.extend(client.poll()) or events)
    wait_for(over)
    states = [(e.state, e.job) for e in events if isinstance(e, m.BackendState)]
    assert ("busy", "create") in states
    assert states[-1] == ("ready", "")
    progress = [e for e in events if isinstance(e, m.JobProgress)]
    assert {e.job for e in progress} == {"create"}
    assert progress[0].phase == "personalise"
    assert progress[0].total == 3


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        (m.DriveAvatar(avatar="no", frame=OPEN_MOUTH), "bad_request", "does not know the avatar"),
        (m.LoadAvatar(path="a.savatar", job="1"), "bad_request", "not absolute"),
        (m.LoadAvatar(path="/no/such.savatar", job="1"), "bad_file", "/no/such.savatar"),
        (m.TrackJob(job="1", video="/no/such.mp4"), "bad_file", "does not exist"),
        (
            m.TranslateCodes(head="open", expression=np.zeros((2, 100), np.float32)),
            "bad_request",
            "codes of the head 'open'",
        ),
        (
            m.TranslateCodes(head="flame2020", expression=np.zeros((2, 50), np.float32)),
            "bad_request",
            "found float32 [2, 50]",
        ),
    ],
)
def test_wrong_requests_get_their_error(
    client: Client, message: Message, code: str, words: str
) -> None:
    error = failure(client, message)
    assert error.code == code
    assert words in error.message
    assert error.remedy


def test_a_track_of_another_head_is_refused(client: Client, tmp_path: Path) -> None:
    avatar = created(client, tmp_path).avatar
    foreign = Track.neutral(1, head="flame2020")
    assert failure(client, m.DriveAvatar(avatar=avatar, frame=foreign)).code == "head_mismatch"


def test_driving_takes_exactly_one_frame(client: Client, tmp_path: Path) -> None:
    avatar = created(client, tmp_path).avatar
    error = failure(client, m.DriveAvatar(avatar=avatar, frame=Track.neutral(2)))
    assert "got 2 frames; expected 1" in error.message


def test_an_unknown_ablation_is_refused(client: Client, tmp_path: Path) -> None:
    avatar = created(client, tmp_path).avatar
    request = m.DriveAvatar(avatar=avatar, frame=OPEN_MOUTH, ablate=["hair"])
    assert failure(client, request).code == "bad_request"


def test_requests_of_many_threads_each_get_their_own_reply(client: Client, tmp_path: Path) -> None:
    avatar = created(client, tmp_path)
    wrong: list[object] = []

    def ask(number: int) -> None:
        for _ in range(5):
            camera = avatar.camera.resized(8 + number, 8)
            request = m.RenderFrame(avatar=avatar.avatar, frame=OPEN_MOUTH, camera=camera)
            try:
                shape = client.call(request, TIME_S).rgba.shape
            except AvatarError as error:
                if error.code != "cancelled":  # superseded by another thread's
                    wrong.append(error)
                continue
            if shape != (8, 8 + number, 4):
                wrong.append(shape)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_file_names_this_backend_and_goes_with_it(tmp_path: Path) -> None:
    with running(tmp_path) as launcher:
        path = launcher.settings.connection_path
        found = Connection.load(path)
        assert found.pid == launcher.pid != os.getpid()
        assert all(e.startswith("tcp://127.0.0.1:") for e in (found.work, found.control))
        wait_for(lambda: Connection.load(path).device == "fake")
    assert not path.exists()


def test_info_answers_with_versions_and_state(launcher: Launcher, client: Client) -> None:
    info = client.call(m.BackendInfo(), TIME_S)
    assert (info.protocol, info.pid, info.state) == (PROTOCOL, launcher.pid, "ready")
    assert (info.device, info.preset) == ("fake", "open")
    assert info.memory_mb > 1

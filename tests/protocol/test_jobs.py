"""Cancel, newest-wins, busy: what happens while something runs."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from shared import messages as m
from shared.client import Client
from shared.errors import AvatarError
from shared.flame import Track
from tests.protocol.asking import PORTRAIT, TIME_S, client_of, create, failure
from tests.protocol.conftest import running, wait_for


def code(future: Future[Any]) -> str:
    return failure(future).code


def busy_with(client: Client, job: str) -> None:
    wait_for(lambda: client.state.state == "busy" and client.state.job == job)
    wait_for(lambda: client.state.phase == "hanging")


def test_a_running_job_is_cancelled_and_the_next_one_runs(tmp_path: Path) -> None:
    with running(tmp_path, "hang") as launcher:
        client = client_of(launcher)
        first, second = create(client, tmp_path, "one"), create(client, tmp_path, "two")
        busy_with(client, "one")
        assert client.cancel("one").result(TIME_S).found
        assert code(first) == "cancelled"
        busy_with(client, "two")
        assert not second.done()
        assert client.cancel("two").result(TIME_S).found
        assert code(second) == "cancelled"
        wait_for(lambda: client.state.state == "ready")
        assert not (tmp_path / "one.savatar").exists()


def test_a_waiting_job_is_cancelled_at_once(tmp_path: Path) -> None:
    with running(tmp_path, "hang") as launcher:
        client = client_of(launcher)
        create(client, tmp_path, "one")
        waiting = create(client, tmp_path, "two")
        busy_with(client, "one")
        assert client.cancel("two").result(TIME_S).found
        assert code(waiting) == "cancelled"
        assert client.state.job == "one"


def test_cancelling_an_unknown_job_finds_nothing(client: Client) -> None:
    assert not client.cancel("nobody").result(TIME_S).found
    assert not client.cancel("").result(TIME_S).found


def test_a_job_id_in_use_is_refused_as_busy(tmp_path: Path) -> None:
    with running(tmp_path, "hang") as launcher:
        client = client_of(launcher)
        create(client, tmp_path, "one")
        assert code(create(client, tmp_path, "one")) == "busy"


def test_a_running_job_tells_how_long_it_will_take(tmp_path: Path) -> None:
    with running(tmp_path, "hang") as launcher:
        client = client_of(launcher)
        create(client, tmp_path, "one")
        busy_with(client, "one")
        wait_for(lambda: (client.state.eta_s or 0) > 0)
        assert launcher.poll().eta_s is not None


def test_control_is_answered_while_a_job_runs(tmp_path: Path) -> None:
    with running(tmp_path, "hang") as launcher:
        client = client_of(launcher)
        create(client, tmp_path, "one")
        busy_with(client, "one")
        assert client.call(m.BackendInfo(), 5).state == "busy"


def test_of_waiting_frames_of_one_avatar_only_the_newest_is_worked_on(tmp_path: Path) -> None:
    with running(tmp_path, "slow") as launcher:
        client = client_of(launcher)
        avatar = create(client, tmp_path, "one").result(TIME_S).avatar
        weights = np.linspace(0, 1, 40)
        futures = [
            client.request(m.DriveAvatar(avatar=avatar, frame=Track.from_arkit({"jawOpen": w})))
            for w in weights
        ]
        errors = [future.exception(TIME_S) for future in futures]
        assert errors[-1] is None
        worked_on = [e for e in errors if e is None]
        assert len(worked_on) < 10
        assert all(isinstance(e, AvatarError) and e.code == "cancelled" for e in errors if e)
        newest = futures[-1].result().expression.means
        fresh = m.DriveAvatar(avatar=avatar, frame=Track.from_arkit({"jawOpen": 1.0}))
        np.testing.assert_array_equal(newest, client.call(fresh, TIME_S).expression.means)


def test_frames_of_two_avatars_do_not_push_each_other_out(tmp_path: Path) -> None:
    with running(tmp_path, "slow") as launcher:
        client = client_of(launcher)
        one = create(client, tmp_path, "one").result(TIME_S)
        other = m.CreateAvatar(
            image=np.frombuffer(b"somebody else", np.uint8),
            path=str(tmp_path / "2.savatar"),
            job="two",
        )
        two = client.call(other, TIME_S)
        assert one.avatar != two.avatar
        frame = Track.neutral()
        futures = [
            client.request(cls(avatar=a.avatar, frame=frame, **extra))
            for a in (one, two)
            for cls, extra in ((m.DriveAvatar, {}), (m.RenderFrame, {"camera": one.camera}))
        ]
        assert [future.exception(TIME_S) for future in futures] == [None] * 4


def test_an_avatar_pushed_out_of_memory_comes_back_from_its_file(
    client: Client, tmp_path: Path
) -> None:
    avatars = [
        client.call(
            m.CreateAvatar(
                image=np.frombuffer(b"%d" % n, np.uint8), path=str(tmp_path / f"{n}"), job="j"
            ),
            TIME_S,
        ).avatar
        for n in range(7)
    ]
    client.call(m.DriveAvatar(avatar=avatars[0], frame=Track.neutral()), TIME_S)
    (tmp_path / "1").unlink()
    future = client.request(m.DriveAvatar(avatar=avatars[1], frame=Track.neutral()))
    assert code(future) == "bad_file"


def test_a_request_that_waits_too_long_fails_as_busy(tmp_path: Path) -> None:
    with running(tmp_path, "hang") as launcher:
        client = client_of(launcher)
        path = str(tmp_path / "a.savatar")
        late = client.request(m.CreateAvatar(image=PORTRAIT, path=path, job="1"), timeout_s=0.2)
        assert code(late) == "busy"

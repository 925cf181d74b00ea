"""The queue and the reporter, without sockets."""

import pytest

from backend.serving import queue
from backend.serving.queue import Reporter, Work, WorkQueue
from shared.errors import AvatarError
from shared.flame import Track
from shared.messages import DriveAvatar, JobProgress, LoadAvatar


def load(job: str) -> Work:
    return Work(b"me", "1", LoadAvatar(path="/a", job=job))


def drive(avatar: str) -> Work:
    return Work(b"me", "2", DriveAvatar(avatar=avatar, frame=Track.neutral()))


def test_work_is_taken_in_order_and_the_newest_frame_replaces_older_ones() -> None:
    queue, works = WorkQueue(), [drive("a"), load("1"), drive("b"), drive("a")]
    superseded = [work for new in works for work in queue.put(new)]
    assert superseded == [works[0]]
    assert [queue.take() for _ in range(3)] == works[1:]


def test_running_work_is_not_superseded() -> None:
    queue = WorkQueue()
    queue.put(drive("a"))
    queue.take()
    assert queue.put(drive("a")) == []


def test_a_finished_job_s_id_can_be_used_again() -> None:
    queue = WorkQueue()
    queue.put(load("1"))
    queue.take()
    with pytest.raises(AvatarError, match="waiting or running"):
        queue.put(load("1"))
    queue.finish()
    queue.put(load("1"))


def test_a_closed_queue_takes_nothing_and_gives_back_what_waited() -> None:
    queue, running, waiting = WorkQueue(), load("1"), load("2")
    queue.put(running)
    queue.put(waiting)
    queue.take()
    assert queue.close() == [waiting]
    assert running.cancelled.is_set()
    assert queue.take() is None
    with pytest.raises(AvatarError, match="stopping"):
        queue.put(load("3"))


def reports(monkeypatch: pytest.MonkeyPatch, work: Work, calls: list) -> list[JobProgress]:
    """What a reporter sends for calls of (time, phase, done, total)."""
    now = [0.0]
    monkeypatch.setattr(queue.time, "monotonic", lambda: now[0])
    sent: list[JobProgress] = []
    reporter = Reporter(work, sent.append)
    for at, phase, done, total in calls:
        now[0] = at
        reporter(phase, done, total)
    return sent


def test_the_time_left_comes_from_this_phase_and_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [(0, "fit", 0, 5), (10, "render", 40, 100), (20, "render", 60, 100)]
    sent = reports(monkeypatch, load("1"), calls)
    assert [event.eta_s for event in sent] == [None, None, 20.0]


def test_events_are_rare_but_the_last_one_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [(i / 1000, "fit", i, 500) for i in range(501)]
    sent = reports(monkeypatch, load("1"), calls)
    assert len(sent) <= 7
    assert sent[-1].done == 500


def test_an_unknown_total_has_no_time_left_and_is_rare_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = reports(monkeypatch, load("1"), [(i / 1000, "track", i, 0) for i in range(500)])
    assert len(sent) <= 6
    assert {event.eta_s for event in sent} == {None}


def test_interactive_work_reports_nothing_but_can_be_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = drive("a")
    assert reports(monkeypatch, work, [(0, "drive", 0, 1)]) == []
    work.cancelled.set()
    with pytest.raises(AvatarError, match="cancelled"):
        Reporter(work, lambda event: None)("drive", 0, 1)

"""The queue of work: newest-wins, cancel, and progress with the time left."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.errors import AvatarError
from shared.messages import JobProgress, Message, job_of

REPORT_EVERY_S = 0.1


@dataclass(eq=False)
class Work:
    """A request that waits or runs.

    Args:
        sender: Routing id of the client.
        request_id: The request's id, for the reply.
        message: The request.
        cancelled: Set when the work shall stop.
    """

    sender: bytes
    request_id: str
    message: Message
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def job(self) -> str:
        """The job's id; empty for interactive work."""
        return job_of(self.message)


class WorkQueue:
    """Requests in order of arrival. One thread takes, one puts and cancels."""

    def __init__(self) -> None:
        self._waiting: deque[Work] = deque()
        self._running: Work | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, work: Work) -> list[Work]:
        """Adds work; returns what it supersedes.

        Raises:
            AvatarError: `busy` when its job id is in use, `cancelled` when the queue is closed.
        """
        with self._changed:
            if self._closed:
                raise stopped()
            if work.job and self._find(work.job) is not None:
                raise AvatarError(
                    "busy",
                    f"A job {work.job!r} is waiting or running.",
                    "Wait for it, cancel it, or choose another id.",
                )
            key = work.message.redundancy_key
            older = [w for w in self._waiting if key and w.message.redundancy_key == key]
            for superseded in older:
                self._waiting.remove(superseded)
            self._waiting.append(work)
            self._changed.notify()
        return older

    def take(self) -> Work | None:
        """Waits for work and marks it running; None when the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            self._running = self._waiting.popleft()
            return self._running

    def finish(self) -> None:
        """Nothing is running any more; call before the reply goes out, so that a client that has
        it can use the job's id again."""
        with self._changed:
            self._running = None

    def cancel(self, job: str) -> tuple[bool, Work | None]:
        """Stops a job.

        Returns:
            Whether it was found; and the work itself when it was still waiting, so that its
            request can be answered (a running one answers for itself).
        """
        with self._changed:
            work = self._find(job) if job else None
            if work is None:
                return False, None
            work.cancelled.set()
            if work is self._running:
                return True, None
            self._waiting.remove(work)
            return True, work

    def close(self) -> list[Work]:
        """Takes no more work, stops the running one; returns what was waiting."""
        with self._changed:
            self._closed = True
            if self._running is not None:
                self._running.cancelled.set()
            left = list(self._waiting)
            self._waiting.clear()
            self._changed.notify()
        return left

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def running(self) -> Work | None:
        """What is being worked on."""
        return self._running

    def _find(self, job: str) -> Work | None:
        running = [self._running] if self._running is not None else []
        return next((w for w in (*running, *self._waiting) if w.job == job), None)


class Reporter:
    """The `Progress` of one piece of work: sends events, raises when it was cancelled.

    Args:
        work: What it reports on.
        send: Takes the events; called at most every `REPORT_EVERY_S` seconds in one phase.
    """

    def __init__(self, work: Work, send: Callable[[JobProgress], None]) -> None:
        self._work = work
        self._send = send
        self._phase = ""
        self._phase_began = self._last_sent = 0.0
        self._first_done = 0.0

    def __call__(self, phase: str, done: float, total: float) -> None:
        """See `shared.progress.Progress`."""
        if self._work.cancelled.is_set():
            raise cancelled()
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._phase_began, self._first_done = phase, now, done
        elif now - self._last_sent < REPORT_EVERY_S and (done < total or not total):
            return
        self._last_sent = now
        if not self._work.job:
            return
        advanced = done - self._first_done
        per_step = (now - self._phase_began) / advanced if advanced > 0 else None
        eta_s = per_step * (total - done) if per_step is not None and total else None
        self._send(JobProgress(self._work.job, phase, float(done), float(total), eta_s))


def cancelled() -> AvatarError:
    """The user stopped it."""
    return AvatarError("cancelled", "The job was cancelled.", "Finished files are kept.")


def superseded() -> AvatarError:
    """A newer request of the same kind came."""
    return AvatarError(
        "cancelled", "A newer request took this one's place.", "Nothing needs to be done."
    )


def stopped() -> AvatarError:
    """The backend is going down."""
    return AvatarError("cancelled", "The backend is stopping.", "Start it again and repeat.")

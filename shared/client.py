"""The client of a running backend: requests return futures, events wait in a queue.

One thread owns the `Sockets`. All public methods may be called from any thread and none of them
waits for the backend, so Blender's timer can call `poll` and look at futures.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from . import messages, packing, wire
from .connection import Connection, check_protocol
from .errors import AvatarError, said
from .message_base import Message
from .messages import BackendInfo, BackendState, JobProgress
from .sockets import Sockets

LOG = logging.getLogger("splitavatar.client")

PING_EVERY_S = 3.0
SILENT_AFTER_S = 10.0
"""A control ping unanswered for so long makes the backend `not answering` (shown, never killed)."""


@dataclass
class _InFlight:
    future: Future
    reply: type[Message]
    name: str
    deadline: float | None


class Client:
    """A connection to one backend process.

    Args:
        connection: Where it is and the keys, from the connection file.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._outgoing: deque[tuple[bool, list[Any]]] = deque()
        self._in_flight: dict[str, _InFlight] = {}
        self._events: deque[Message] = deque(maxlen=10_000)
        self._state = BackendState("starting", phase="connecting", device=connection.device)
        self._error: AvatarError | None = None
        self._closing = False
        self._ending = False  # the backend was asked to end: that it does is no accident
        self._ping_sent: float | None = None
        self._last_ping = 0.0
        self._sockets = Sockets(connection)
        # A daemon, so that a host that never closes its client can still exit.
        self._thread = threading.Thread(target=self._run, name="splitavatar-client", daemon=True)
        self._thread.start()

    # ---- called from any thread

    @property
    def state(self) -> BackendState:
        """The newest state that the backend has told."""
        return self._state

    @property
    def error(self) -> AvatarError | None:
        """Why the connection ended; None while it stands."""
        return self._error

    @property
    def not_answering_s(self) -> float:
        """For how long a ping has waited, seconds; 0 while that is no longer than usual."""
        sent = self._ping_sent
        waited = time.monotonic() - sent if sent is not None else 0.0
        return waited if waited > SILENT_AFTER_S else 0.0

    def request(self, message: Message, timeout_s: float | None = None) -> Future[Any]:
        """Sends a request.

        Args:
            message: One of `messages.REQUESTS`.
            timeout_s: After this long without a reply the future fails with `busy`; None: never.

        Returns:
            A future of the reply message. It fails with the backend's `AvatarError`, or with
            `backend_died` as soon as the backend is gone.
        """
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        reply = message.REPLY
        if reply is None:
            raise TypeError(f"{type(message).__name__} is not a request")
        request_id = str(next(self._ids))
        body, arrays = packing.pack(message)
        frames = wire.encode(wire.Envelope(message.WIRE, body, arrays, id=request_id))
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._lock:
            self._ending |= isinstance(message, messages.ShutdownBackend)
            if self._error is None and not self._closing:
                self._in_flight[request_id] = _InFlight(future, reply, message.WIRE, deadline)
                self._outgoing.append((message.CONTROL, frames))
                self._sockets.wake()
                return future
            error = self._error or _closed()
        future.set_exception(error)
        return future

    def call(self, message: Message, timeout_s: float | None = None) -> Any:
        """Sends a request and waits for its reply; raises what the future would."""
        return self.request(message, timeout_s).result()

    def cancel(self, job: str) -> Future[Any]:
        """Asks to stop a job; the job's own future then fails with `cancelled`."""
        return self.request(messages.CancelJob(job=job))

    def poll(self) -> list[Message]:
        """Events (`JobProgress`, `BackendState`) since the last call, oldest first."""
        found = []
        while self._events:
            found.append(self._events.popleft())
        return found

    def fail(self, error: AvatarError) -> None:
        """Ends the connection: everything in flight and to come fails with `error`."""
        with self._lock:
            if self._error is None:
                self._error = error
            lost = list(self._in_flight.values())
            self._in_flight.clear()
        for entry in lost:
            entry.future.set_exception(self._error)

    def close(self) -> None:
        """Closes sockets and thread; safe to call twice and from any thread."""
        with self._lock:
            if not self._closing:
                self._closing = True
                self._sockets.wake()
        self.fail(_closed())
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # ---- the thread that owns the sockets

    def _run(self) -> None:
        try:
            self._sockets.open()
            self._loop()
        except Exception as error:
            LOG.exception("the client's thread ended")
            self.fail(
                AvatarError(
                    "internal",
                    f"The connection to the backend broke: {said(error)}.",
                    "Start it again.",
                )
            )
        finally:
            with self._lock:
                self._closing = True
            self._sockets.close()

    def _loop(self) -> None:
        while not self._closing:
            self._sockets.wait(self._tick_ms())
            self._ping()
            while self._outgoing:
                self._send(*self._outgoing.popleft())
            for frames in self._sockets.receive():
                self._take(frames)
            refused = self._sockets.lost()
            if refused is not None:
                self._lost(refused)
            self._expire()

    def _tick_ms(self) -> int:
        now = time.monotonic()
        with self._lock:
            deadlines = [e.deadline for e in self._in_flight.values() if e.deadline is not None]
        nearest = min([*deadlines, now + 1.0])
        return max(1, int((nearest - now) * 1000) + 1)

    def _ping(self) -> None:
        now = time.monotonic()
        if self._error or self._ping_sent is not None or now - self._last_ping < PING_EVERY_S:
            return
        body, arrays = packing.pack(BackendInfo())
        frames = wire.encode(wire.Envelope(BackendInfo.WIRE, body, arrays, id="ping"))
        self._send(True, frames)
        self._ping_sent = self._last_ping = now

    def _send(self, control: bool, frames: list[Any]) -> None:
        if not self._sockets.send(control, frames):
            self.fail(died())

    def _take(self, frames: list[memoryview]) -> None:
        try:
            self._dispatch(wire.decode(frames))
        except AvatarError as error:
            LOG.error("dropped a message of the backend: %s", error)

    def _dispatch(self, envelope: wire.Envelope) -> None:
        if envelope.type in messages.EVENTS:
            self._take_event(envelope)
            return
        if envelope.reply_to == "ping":
            self._pong(envelope)
            return
        with self._lock:
            entry = self._in_flight.pop(envelope.reply_to, None)
        if entry is None:
            LOG.warning("reply %s to unknown request %r", envelope.type, envelope.reply_to)
            return
        try:
            entry.future.set_result(self._reply(entry, envelope))
        except AvatarError as error:
            entry.future.set_exception(error)

    def _reply(self, entry: _InFlight, envelope: wire.Envelope) -> Message:
        if envelope.type == "error":
            raise received_error(envelope)
        check_protocol(envelope.v, "backend")
        if envelope.type != f"{entry.name}.ok":
            raise AvatarError(
                "protocol_mismatch",
                f"{entry.name} was answered by {envelope.type!r}; expected {entry.name}.ok.",
                "Update add-on and backend to one version.",
            )
        return packing.unpack(entry.reply, envelope.body, envelope.arrays)

    def _take_event(self, envelope: wire.Envelope) -> None:
        event = packing.unpack(messages.EVENTS[envelope.type], envelope.body, envelope.arrays)
        if isinstance(event, BackendState):
            self._state = event
        elif isinstance(event, JobProgress) and self._state.job == event.job:
            self._state = replace(self._state, phase=event.phase, eta_s=event.eta_s)
        self._events.append(event)

    def _pong(self, envelope: wire.Envelope) -> None:
        self._ping_sent = None
        if envelope.type == "error":
            self.fail(received_error(envelope))
            return
        info = packing.unpack(messages.InfoReply, envelope.body, envelope.arrays)
        assert isinstance(info, messages.InfoReply)
        state = BackendState(
            info.state,
            phase=info.phase or (self._state.phase if info.state == "busy" else ""),
            job=self._state.job if info.state == "busy" else "",
            eta_s=self._state.eta_s if info.state == "busy" else None,
            device=info.device,
            memory_mb=info.memory_mb,
            preset=info.preset,
            why=info.why,
            remedy=info.remedy,
        )
        if (state.state, state.phase) != (self._state.state, self._state.phase):
            # The subscription may have missed what was sent before it stood.
            self._events.append(state)
        self._state = state

    def _lost(self, refused: bool) -> None:
        if refused:
            self.fail(
                AvatarError(
                    "bad_request",
                    "The backend refused this client's key.",
                    "Start the backend again, so that both have a fresh connection file.",
                )
            )
        else:
            self.fail(_closed() if self._ending else died())

    def _expire(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [k for k, e in self._in_flight.items() if e.deadline and e.deadline <= now]
            entries = [self._in_flight.pop(k) for k in late]
        for entry in entries:
            entry.future.set_exception(
                AvatarError(
                    "busy",
                    f"{entry.name} was not answered in time.",
                    "Wait for the running job, cancel it, or restart the backend.",
                )
            )


def died() -> AvatarError:
    """The error of every request that a dying backend leaves unanswered."""
    return AvatarError(
        "backend_died",
        "The backend ended unexpectedly.",
        "Start it again; the log tells why. Finished files are kept.",
    )


def received_error(envelope: wire.Envelope) -> AvatarError:
    """The `AvatarError` that an `error` carries; one of an unknown code becomes `internal`."""
    reply = packing.unpack(messages.ErrorReply, envelope.body, envelope.arrays)
    assert isinstance(reply, messages.ErrorReply)
    try:
        return AvatarError(reply.code, reply.message, reply.remedy)
    except ValueError:
        return AvatarError("internal", f"{reply.code}: {reply.message}", reply.remedy)


def _closed() -> AvatarError:
    return AvatarError(
        "cancelled", "The connection to the backend was closed.", "Connect again and repeat."
    )

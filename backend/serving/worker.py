"""The worker thread: loads the network, then works on one request at a time.

ZeroMQ sockets belong to one thread, so what it has to send it passes to the server's thread
through an inproc socket.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import zmq

from shared import packing, wire
from shared.errors import AvatarError
from shared.messages import BackendState, ErrorReply, JobProgress, Message
from shared.progress import Progress

from .failures import as_avatar_error
from .memory import process_memory_mb
from .queue import Reporter, Work, WorkQueue, stopped

LOG = logging.getLogger("splitavatar.worker")

OUTBOX = "inproc://outbox"
EVENT, REPLY = b"event", b"reply"
"""First frame of what goes through the outbox."""


class Handle(Protocol):
    """Answers work requests; lives in the worker thread."""

    def __call__(self, message: Message, progress: Progress) -> Message:
        """The reply to a request; raises what goes wrong."""
        ...

    def close(self) -> None:
        """Frees what the handlers hold."""
        ...


Load = Callable[[Callable[[str], None]], tuple[Handle, str]]
"""`load(phase)` makes the handlers, telling each phase; returns them and the device's name."""


class Worker:
    """Works off a queue in a thread of its own.

    Args:
        context: For the outbox, whose other end is bound already.
        queue: Where work comes from; closing it ends the thread.
        load: Makes the handlers.
        state: The first state, `starting`.
        loaded: Told the device's name when the network is loaded.
    """

    def __init__(
        self,
        context: zmq.Context,
        queue: WorkQueue,
        load: Load,
        state: BackendState,
        loaded: Callable[[str], None],
    ) -> None:
        self.state = state
        """The newest state; written by this thread only."""
        self._context = context
        self._queue = queue
        self._load = load
        self._loaded = loaded
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        out = self._context.socket(zmq.PUSH)
        out.connect(OUTBOX)
        try:
            self._tell(out, self.state)
            handle = self._make(out)
            while (work := self._queue.take()) is not None:
                frames = self._answer(work, handle, out)
                self._queue.finish()
                out.send_multipart([REPLY, work.sender, *frames], copy=False)
                if work.job:
                    ready = replace(self.state, state="ready", phase="", job="", eta_s=None)
                    self._tell(out, ready)
            handle.close()
        finally:
            out.close(-1)

    def _make(self, out: zmq.Socket) -> Handle:
        def phase(text: str) -> None:
            if self._queue.closed:
                raise stopped()
            self._tell(out, replace(self.state, phase=text))

        try:
            handle, device = self._load(phase)
        except (Exception, SystemExit) as error:
            LOG.exception("the backend could not load")
            failure = as_avatar_error(error)
            failed = replace(self.state, state="failed", phase="")
            self._tell(out, replace(failed, why=failure.message, remedy=failure.remedy))
            return _Refusal(failure)
        self._loaded(device)
        self._tell(out, replace(self.state, state="ready", phase="", device=device))
        return handle

    def _answer(self, work: Work, handle: Handle, out: zmq.Socket) -> list[Any]:
        def send(event: JobProgress) -> None:
            self.state = replace(self.state, phase=event.phase, eta_s=event.eta_s)
            out.send_multipart([EVENT, *event_frames(event)])

        if work.job:
            self._tell(out, replace(self.state, state="busy", job=work.job, eta_s=None))
        try:
            reply = handle(work.message, Reporter(work, send))
            return reply_frames(work.request_id, work.message, reply)
        except (Exception, SystemExit) as error:
            failure = as_avatar_error(error)
            if failure.code == "internal":
                LOG.exception("%s failed", work.message.WIRE)
            else:
                LOG.info("%s: %s", work.message.WIRE, failure)
            return error_frames(work.request_id, failure)

    def _tell(self, out: zmq.Socket, state: BackendState) -> None:
        if self.state.state == "failed":  # for good: it tells why nothing works
            return
        self.state = replace(state, memory_mb=process_memory_mb())
        out.send_multipart([EVENT, *event_frames(self.state)])


@dataclass(frozen=True)
class _Refusal:
    """The handlers of a backend that could not load: every request fails for that reason."""

    reason: AvatarError

    def __call__(self, message: Message, progress: Progress) -> Message:
        raise self.reason

    def close(self) -> None:
        """There is nothing to free."""


def reply_frames(request_id: str, request: Message, reply: Message) -> list[Any]:
    """A reply as frames."""
    body, arrays = packing.pack(reply)
    return wire.encode(wire.Envelope(f"{request.WIRE}.ok", body, arrays, reply_to=request_id))


def error_frames(request_id: str, error: AvatarError) -> list[Any]:
    """An error reply as frames."""
    body, _ = packing.pack(ErrorReply(error.code, error.message, error.remedy))
    return wire.encode(wire.Envelope(ErrorReply.WIRE, body, reply_to=request_id))


def event_frames(event: Message) -> list[Any]:
    """An event as frames."""
    body, arrays = packing.pack(event)
    return wire.encode(wire.Envelope(event.WIRE, body, arrays))

"""The backend process: sockets, one worker thread, one reply per request.

This thread receives, answers control requests and sends everything. The worker thread loads the
network and then works on one request at a time; what it has to send it passes on by an inproc
socket, because ZeroMQ sockets belong to one thread.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import zmq
from zmq.utils import z85

from shared import messages, packing, wire
from shared.connection import Connection, check_protocol
from shared.errors import AvatarError
from shared.messages import BackendState, ErrorReply, Message
from shared.progress import Progress
from shared.version import PROTOCOL, VERSION

from .failures import as_avatar_error
from .jobs import Reporter, Work, WorkQueue, cancelled, stopped, superseded
from .memory import process_memory_mb

LOG = logging.getLogger("splitavatar.server")

Handle = Callable[[Message, Progress], Message]
"""Answers a request, or raises."""

Load = Callable[[Callable[[str], None]], tuple[Handle, str]]
"""`load(phase)` makes the handlers, telling each phase; returns them and the device's name."""

_TICK_MS = 250
_FINISH_S = 3.0
"""How long a stopping server lets running work react to its cancellation."""
_OUTBOX = "inproc://outbox"
_EVENT, _REPLY = b"event", b"reply"


class Server:
    """Serves one client until it is stopped.

    Args:
        connection_path: Where to write the connection file.
        load: Makes the handlers, in the worker thread.
        preset: Network preset, for the state.
        device: Requested torch device.
    """

    def __init__(self, connection_path: Path, load: Load, preset: str, device: str) -> None:
        self._path = connection_path
        self._load = load
        self._queue = WorkQueue()
        self._stop = threading.Event()
        self._state = BackendState("starting", phase="importing", device=device, preset=preset)
        self._context = zmq.Context()
        self._public, self._secret = zmq.curve_keypair()
        self._client_public, self._client_secret = zmq.curve_keypair()

    def stop(self) -> None:
        """Ends `run` soon; may be called from any thread and from a signal handler."""
        self._stop.set()

    def run(self) -> bool:
        """Serves until stopped; returns whether the worker ended too."""
        zap = self._context.socket(zmq.REP)
        zap.bind("inproc://zeromq.zap.01")
        self._work, work_port = self._bind(zmq.ROUTER)
        self._control, control_port = self._bind(zmq.ROUTER)
        self._events, events_port = self._bind(zmq.PUB)
        outbox = self._context.socket(zmq.PULL)
        outbox.bind(_OUTBOX)
        self._sockets = [zap, outbox, self._control, self._work, self._events]
        self._connection = Connection(
            work=f"tcp://127.0.0.1:{work_port}",
            control=f"tcp://127.0.0.1:{control_port}",
            events=f"tcp://127.0.0.1:{events_port}",
            server_key=self._public.decode(),
            client_public=self._client_public.decode(),
            client_secret=self._client_secret.decode(),
            pid=os.getpid(),
            device=self._state.device,
        )
        self._connection.save(self._path)
        worker = threading.Thread(target=self._worker, name="worker", daemon=True)
        worker.start()
        try:
            self._loop(zap, outbox, worker)
        finally:
            self._path.unlink(missing_ok=True)
            for socket in self._sockets:
                socket.close(500)
        if not worker.is_alive():
            self._context.term()
            return True
        return False

    # ---- the thread that owns the sockets

    def _bind(self, kind: int) -> tuple[zmq.Socket, int]:
        socket = self._context.socket(kind)
        socket.curve_server = True
        socket.curve_secretkey = self._secret
        socket.zap_domain = b"splitavatar"
        socket.maxmsgsize = wire.MAX_MESSAGE_BYTES
        socket.sndhwm = 0
        socket.bind("tcp://127.0.0.1:*")
        endpoint = socket.getsockopt(zmq.LAST_ENDPOINT)
        assert isinstance(endpoint, bytes)
        return socket, int(endpoint.rstrip(b"\0").rpartition(b":")[2])

    def _loop(self, zap: zmq.Socket, outbox: zmq.Socket, worker: threading.Thread) -> None:
        poller = zmq.Poller()
        for socket in (zap, outbox, self._control, self._work):
            poller.register(socket, zmq.POLLIN)
        deadline: float | None = None
        while deadline is None or (worker.is_alive() and time.monotonic() < deadline):
            ready = dict(poller.poll(_TICK_MS if deadline is None else 20))
            if zap in ready:
                self._admit(zap)
            if outbox in ready:
                self._forward(outbox)
            for socket in (self._control, self._work):
                if socket in ready:
                    self._receive(socket)
            if self._stop.is_set() and deadline is None:
                deadline = time.monotonic() + _FINISH_S
                for work in self._queue.close():
                    self._send_error(self._work, work.sender, work.request_id, stopped())
        self._forward(outbox)
        if worker.is_alive() and (running := self._queue.running) is not None:
            self._send_error(self._work, running.sender, running.request_id, stopped())

    def _admit(self, zap: zmq.Socket) -> None:
        """Answers ZeroMQ's question whether a client may connect: only the one key may."""
        version, request, _domain, _address, _identity, mechanism, *keys = zap.recv_multipart()
        known = mechanism == b"CURVE" and keys == [z85.decode(self._client_public)]
        status = [b"200", b"OK"] if known else [b"400", b"unknown key"]
        if not known:
            LOG.warning("refused a client with another key")
        zap.send_multipart([version, request, *status, b"", b""])

    def _forward(self, outbox: zmq.Socket) -> None:
        while outbox.poll(0):
            kind, *frames = outbox.recv_multipart(copy=False)
            target = self._events if kind.bytes == _EVENT else self._work
            target.send_multipart(frames, copy=False)

    def _receive(self, socket: zmq.Socket) -> None:
        sender, *rest = socket.recv_multipart(copy=False)
        frames = [frame.buffer for frame in rest]
        request_id = ""
        try:
            header = wire.decode_header(frames)
            request_id = header["id"]
            check_protocol(header["v"], "client")
            envelope = wire.decode(frames)
            cls = messages.REQUESTS.get(envelope.type)
            if cls is None:
                raise AvatarError(
                    "bad_request",
                    f"Unknown request {envelope.type!r}.",
                    "Expected one of " + ", ".join(sorted(messages.REQUESTS)) + ".",
                )
            self._accept(
                socket,
                sender.bytes,
                request_id,
                packing.unpack(cls, envelope.body, envelope.arrays),
            )
        except Exception as error:
            if not isinstance(error, AvatarError):
                LOG.exception("a request could not be read")
            self._send_error(socket, sender.bytes, request_id, as_avatar_error(error))

    def _accept(self, socket: zmq.Socket, sender: bytes, request_id: str, message: Message) -> None:
        if (socket is self._control) != message.CONTROL:
            kind = "control" if message.CONTROL else "work"
            raise AvatarError(
                "bad_request", f"{message.WIRE} came by the wrong socket.", f"Use the {kind} one."
            )
        if not message.CONTROL:
            for older in self._queue.put(Work(sender, request_id, message)):
                self._send_error(self._work, older.sender, older.request_id, superseded())
            return
        reply: Message
        if isinstance(message, messages.CancelJob):
            found, waiting = self._queue.cancel(message.job)
            if waiting is not None:
                self._send_error(self._work, waiting.sender, waiting.request_id, cancelled())
            reply = messages.CancelReply(found)
        elif isinstance(message, messages.ShutdownBackend):
            self.stop()
            reply = messages.Done()
        else:
            assert isinstance(message, messages.BackendInfo)
            check_protocol(message.protocol, "client")
            reply = self._info()
        socket.send_multipart([sender, *_reply_frames(request_id, message, reply)], copy=False)

    def _info(self) -> messages.InfoReply:
        state = self._state
        return messages.InfoReply(
            version=VERSION,
            protocol=PROTOCOL,
            pid=os.getpid(),
            device=state.device,
            preset=state.preset,
            state=state.state,
            phase=state.phase,
            why=state.why,
            remedy=state.remedy,
            memory_mb=process_memory_mb(),
        )

    def _send_error(
        self, socket: zmq.Socket, sender: bytes, request_id: str, error: AvatarError
    ) -> None:
        socket.send_multipart([sender, *_error_frames(request_id, error)])

    # ---- the worker thread

    def _worker(self) -> None:
        out = self._context.socket(zmq.PUSH)
        out.connect(_OUTBOX)
        try:
            self._tell(out, self._state)
            handle = self._loaded(out)
            while (work := self._queue.take()) is not None:
                frames = self._answer(work, handle, out)
                self._queue.finish()
                out.send_multipart([_REPLY, work.sender, *frames], copy=False)
                if work.job:
                    self._tell(
                        out, replace(self._state, state="ready", phase="", job="", eta_s=None)
                    )
        finally:
            out.close(-1)

    def _loaded(self, out: zmq.Socket) -> Handle:
        def phase(text: str) -> None:
            if self._stop.is_set():
                raise stopped()
            self._tell(out, replace(self._state, phase=text))

        try:
            handle, device = self._load(phase)
        except (Exception, SystemExit) as error:
            LOG.exception("the backend could not load")
            failure = as_avatar_error(error)
            self._tell(
                out,
                replace(
                    self._state,
                    state="failed",
                    phase="",
                    why=failure.message,
                    remedy=failure.remedy,
                ),
            )

            def refuse(message: Message, progress: Progress) -> Message:
                raise failure

            return refuse
        self._connection = replace(self._connection, device=device)
        self._connection.save(self._path)
        self._tell(out, replace(self._state, state="ready", phase="", device=device))
        return handle

    def _answer(self, work: Work, handle: Handle, out: zmq.Socket) -> list[Any]:
        def send(event: messages.JobProgress) -> None:
            self._state = replace(self._state, phase=event.phase, eta_s=event.eta_s)
            out.send_multipart([_EVENT, *_event_frames(event)])

        if work.job and self._state.state != "failed":
            self._tell(out, replace(self._state, state="busy", job=work.job, eta_s=None))
        try:
            reply = handle(work.message, Reporter(work, send))
            return _reply_frames(work.request_id, work.message, reply)
        except (Exception, SystemExit) as error:
            failure = as_avatar_error(error)
            if failure.code == "internal":
                LOG.exception("%s failed", work.message.WIRE)
            else:
                LOG.info("%s: %s", work.message.WIRE, failure)
            return _error_frames(work.request_id, failure)

    def _tell(self, out: zmq.Socket, state: BackendState) -> None:
        if self._state.state == "failed" and state.state in ("ready", "busy"):
            return
        self._state = replace(state, memory_mb=process_memory_mb())
        out.send_multipart([_EVENT, *_event_frames(self._state)])


def watch_stdin(server: Server) -> None:
    """Stops the server when stdin closes: then the process that started it is gone."""

    def watch() -> None:
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            LOG.info("stdin cannot be read; taken as closed")
        server.stop()

    threading.Thread(target=watch, name="stdin", daemon=True).start()


def serve(server: Server) -> int:
    """Runs a server as this process's purpose; ends the process if work does not react."""
    if not server.run():
        LOG.warning("work did not stop in %.0f s; ending the process", _FINISH_S)
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return 0


def _reply_frames(request_id: str, request: Message, reply: Message) -> list[Any]:
    body, arrays = packing.pack(reply)
    return wire.encode(wire.Envelope(f"{request.WIRE}.ok", body, arrays, reply_to=request_id))


def _error_frames(request_id: str, error: AvatarError) -> list[Any]:
    body, _ = packing.pack(ErrorReply(error.code, error.message, error.remedy))
    return wire.encode(wire.Envelope(ErrorReply.WIRE, body, reply_to=request_id))


def _event_frames(event: Message) -> list[Any]:
    body, arrays = packing.pack(event)
    return wire.encode(wire.Envelope(event.WIRE, body, arrays))

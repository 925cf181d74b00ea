"""The backend process: sockets, control requests, one reply per request.

This thread receives, answers control requests and sends everything; the worker does the rest.
docs/protocol.md is authoritative.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import zmq
from zmq.utils import z85

from shared import messages, packing, wire
from shared.connection import Connection, check_protocol
from shared.errors import AvatarError
from shared.messages import BackendState, Message
from shared.version import PROTOCOL, VERSION

from .failures import as_avatar_error
from .memory import process_memory_mb
from .queue import Work, WorkQueue, cancelled, stopped, superseded
from .worker import EVENT, OUTBOX, Handle, Load, Worker, error_frames, reply_frames

__all__ = ["Handle", "Server", "serve", "watch_stdin"]

LOG = logging.getLogger("splitavatar.server")

_TICK_MS = 250
_ENDING_TICK_MS = 20
_FINISH_S = 3.0
"""How long a stopping server lets running work react to its cancellation."""


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
        self._first_state = BackendState(
            "starting", phase="importing", device=device, preset=preset
        )
        self._queue = WorkQueue()
        self._stop = threading.Event()
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
        outbox = self._context.socket(zmq.PULL)
        outbox.bind(OUTBOX)
        self._work, work = self._bind(zmq.ROUTER)
        self._control, control = self._bind(zmq.ROUTER)
        self._events, events = self._bind(zmq.PUB)
        connection = Connection(
            work=work,
            control=control,
            events=events,
            server_key=self._public.decode(),
            client_public=self._client_public.decode(),
            client_secret=self._client_secret.decode(),
            pid=os.getpid(),
            device=self._first_state.device,
        )
        connection.save(self._path)
        self._worker = Worker(
            self._context,
            self._queue,
            self._load,
            self._first_state,
            loaded=lambda device: replace(connection, device=device).save(self._path),
        )
        try:
            self._loop(zap, outbox)
        finally:
            self._path.unlink(missing_ok=True)
            for socket in (zap, outbox, self._control, self._work, self._events):
                socket.close(500)
        if self._worker.is_alive():
            return False
        self._context.term()
        return True

    def _bind(self, kind: int) -> tuple[zmq.Socket, str]:
        socket = self._context.socket(kind)
        socket.curve_server = True
        socket.curve_secretkey = self._secret
        socket.zap_domain = b"splitavatar"
        socket.maxmsgsize = wire.MAX_MESSAGE_BYTES
        socket.sndhwm = 0
        socket.bind("tcp://127.0.0.1:*")
        endpoint = socket.getsockopt(zmq.LAST_ENDPOINT)
        assert isinstance(endpoint, bytes)
        return socket, endpoint.rstrip(b"\0").decode()

    def _loop(self, zap: zmq.Socket, outbox: zmq.Socket) -> None:
        poller = zmq.Poller()
        for socket in (zap, outbox, self._control, self._work):
            poller.register(socket, zmq.POLLIN)
        deadline: float | None = None
        while deadline is None or (self._worker.is_alive() and time.monotonic() < deadline):
            ready = dict(poller.poll(_TICK_MS if deadline is None else _ENDING_TICK_MS))
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
                    self._refuse(work, stopped())
        self._forward(outbox)
        if self._worker.is_alive() and (running := self._queue.running) is not None:
            self._refuse(running, stopped())

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
            target = self._events if kind.bytes == EVENT else self._work
            target.send_multipart(frames, copy=False)

    def _receive(self, socket: zmq.Socket) -> None:
        sender, *rest = socket.recv_multipart(copy=False)
        frames = [frame.buffer for frame in rest]
        request_id = ""
        try:
            header = wire.decode_header(frames)
            request_id = header["id"]
            check_protocol(header["v"], "client")
            message = _message(wire.decode(frames))
            if (socket is self._control) != message.CONTROL:
                kind = "control" if message.CONTROL else "work"
                raise AvatarError(
                    "bad_request",
                    f"{message.WIRE} came by the wrong socket.",
                    f"Use the {kind} one.",
                )
            if message.CONTROL:
                reply = reply_frames(request_id, message, self._control_reply(message))
                socket.send_multipart([sender.bytes, *reply], copy=False)
            else:
                for older in self._queue.put(Work(sender.bytes, request_id, message)):
                    self._refuse(older, superseded())
        except Exception as error:
            if not isinstance(error, AvatarError):
                LOG.exception("a request could not be read")
            failure = error_frames(request_id, as_avatar_error(error))
            socket.send_multipart([sender.bytes, *failure])

    def _control_reply(self, message: Message) -> Message:
        if isinstance(message, messages.CancelJob):
            found, waiting = self._queue.cancel(message.job)
            if waiting is not None:
                self._refuse(waiting, cancelled())
            return messages.CancelReply(found)
        if isinstance(message, messages.ShutdownBackend):
            self.stop()
            return messages.Done()
        assert isinstance(message, messages.BackendInfo)
        check_protocol(message.protocol, "client")
        state = self._worker.state
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

    def _refuse(self, work: Work, error: AvatarError) -> None:
        self._work.send_multipart([work.sender, *error_frames(work.request_id, error)])


def _message(envelope: wire.Envelope) -> Message:
    cls = messages.REQUESTS.get(envelope.type)
    if cls is None:
        raise AvatarError(
            "bad_request",
            f"Unknown request {envelope.type!r}.",
            "Expected one of " + ", ".join(sorted(messages.REQUESTS)) + ".",
        )
    return packing.unpack(cls, envelope.body, envelope.arrays)


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
    """Runs a server as this process's purpose; ends the process if work does not react.

    Where native code ends the process, the log tells in which line of Python.
    """
    faulthandler.enable()
    if not server.run():
        LOG.warning("work did not stop in %.0f s; ending the process", _FINISH_S)
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return 0

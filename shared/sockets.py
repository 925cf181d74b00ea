"""The sockets of a client. One thread opens them and uses them; any thread may wake it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import zmq
from zmq.utils.monitor import parse_monitor_message

from .connection import Connection
from .errors import AvatarError
from .wire import MAX_MESSAGE_BYTES

_LOST = zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED
_REFUSED = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)


class Sockets:
    """Work, control and events of one backend, what tells that it is gone, and a bell.

    Args:
        connection: Where the backend is and the keys.
    """

    def __init__(self, connection: Connection) -> None:
        if not zmq.has("curve"):
            raise AvatarError(
                "protocol_mismatch",
                f"The pyzmq {zmq.__version__} of {zmq.__file__}, which another add-on has loaded, "
                "cannot encrypt; ours can.",
                "Disable that add-on and restart Blender.",
            )
        self._connection = connection
        self._lock = threading.Lock()
        self._closed = False
        self._ready: dict[Any, int] = {}
        self._monitor: zmq.Socket | None = None
        self._context = zmq.Context()
        self._bell = self._context.socket(zmq.PAIR)
        self._bell_name = f"inproc://wake-{id(self)}"
        self._bell.bind(self._bell_name)

    def wake(self) -> None:
        """Ends a `wait`, or the next one; may be called from any thread."""
        with self._lock, contextlib.suppress(zmq.Again):  # full: it is awake already
            if not self._closed:
                self._bell.send(b"", zmq.NOBLOCK)

    # ---- called from the thread that owns them

    def open(self) -> None:
        """Connects; neither waits for the backend nor notices that there is none."""
        self._rung = self._context.socket(zmq.PAIR)
        self._rung.connect(self._bell_name)
        self._work = self._socket(zmq.DEALER)
        self._control = self._socket(zmq.DEALER)
        self._events = self._socket(zmq.SUB)
        self._events.subscribe(b"")
        self._monitor = self._work.get_monitor_socket(_LOST | _REFUSED)
        self._poller = zmq.Poller()
        for socket in (self._rung, self._work, self._control, self._events, self._monitor):
            self._poller.register(socket, zmq.POLLIN)
        self._work.connect(self._connection.work)
        self._control.connect(self._connection.control)
        self._events.connect(self._connection.events)

    def _socket(self, kind: int) -> zmq.Socket:
        socket = self._context.socket(kind)
        socket.curve_serverkey = self._connection.server_key.encode()
        socket.curve_publickey = self._connection.client_public.encode()
        socket.curve_secretkey = self._connection.client_secret.encode()
        socket.linger = 0
        socket.sndhwm = 0
        socket.maxmsgsize = MAX_MESSAGE_BYTES
        socket.reconnect_ivl = -1  # a backend that is gone never comes back under its old keys
        return socket

    def wait(self, timeout_ms: int) -> None:
        """Waits until there is something to `receive`, the connection is lost, or for `wake`."""
        self._ready = dict(self._poller.poll(timeout_ms))
        if self._rung in self._ready:
            while self._rung.poll(0):
                self._rung.recv()

    def send(self, control: bool, frames: list[Any]) -> bool:
        """Sends to the control or the work socket; False where the backend is gone."""
        socket = self._control if control else self._work
        try:
            socket.send_multipart(frames, zmq.NOBLOCK, copy=False)
        except zmq.Again:  # without a peer and with no limit to the queue: the backend is gone
            return False
        return True

    def receive(self) -> Iterator[list[memoryview]]:
        """The frames of each message that came until `wait` ended; events come first."""
        for socket in (self._events, self._control, self._work):
            while socket in self._ready and socket.poll(0):
                yield [frame.buffer for frame in socket.recv_multipart(copy=False)]

    def lost(self) -> bool | None:
        """None while the connection stands, then once whether the backend refused the key."""
        monitor = self._monitor
        if monitor is None or monitor not in self._ready:
            return None
        event = parse_monitor_message(monitor.recv_multipart())["event"]
        self._poller.unregister(monitor)
        return bool(event & _REFUSED)

    def close(self) -> None:
        """Closes all of them, also after an `open` that failed halfway."""
        if self._monitor is not None:
            self._work.disable_monitor()
        with self._lock:
            self._closed = True
        self._context.destroy(0)

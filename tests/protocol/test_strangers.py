"""Garbage on the sockets, and clients that may not talk to this backend."""

import contextlib
from dataclasses import replace

import pytest
import zmq

from shared import messages as m
from shared import packing, wire
from shared.client import Client
from shared.connection import Connection
from shared.message_base import Message
from shared.version import PROTOCOL
from tests.protocol.asking import TIME_S, failure
from tests.protocol.conftest import wait_for


def raw_socket(connection: Connection, context: zmq.Context) -> zmq.Socket:
    socket = context.socket(zmq.DEALER)
    socket.curve_serverkey = connection.server_key.encode()
    socket.curve_publickey = connection.client_public.encode()
    socket.curve_secretkey = connection.client_secret.encode()
    socket.linger = 0
    return socket


def ask_raw(connection: Connection, frames: list[bytes], control: bool = False) -> wire.Envelope:
    """Sends frames as they are and returns the one reply."""
    with zmq.Context() as context, raw_socket(connection, context) as socket:
        socket.connect(connection.control if control else connection.work)
        socket.send_multipart(frames)
        assert socket.poll(5000), "no reply"
        reply = wire.decode(socket.recv_multipart())
        assert not socket.poll(50), "a second reply"
    return reply


def frames_of(message: Message, **changes) -> list[bytes]:
    body, arrays = packing.pack(message)
    envelope = replace(wire.Envelope(message.WIRE, body, arrays, id="9"), **changes)
    return [bytes(frame) for frame in wire.encode(envelope)]


GIANT = (
    b'{"v":3,"id":"9","reply_to":"","type":"avatar.create","body":{"path":"/a","job":"1"},'
    b'"arrays":[{"name":"image","dtype":"uint8","shape":[1000000000]}]}'
)


@pytest.mark.parametrize(
    ("frames", "reply_to", "words"),
    [
        ([b"\x00\xff garbage"], "", "not JSON"),
        ([b""], "", "0 bytes"),
        ([b"{}", b"x"], "", "keys"),
        ([b"x"] * 70, "", "not JSON"),
        ([GIANT, b"\0" * 16], "9", "16 bytes; expected 1000000000"),
        (frames_of(m.LoadAvatar(path="/a", job="1"), type="avatar.steal"), "9", "Unknown request"),
        (frames_of(m.LoadAvatar(path="/a", job="1"), body={"path": 5}), "9", "expected str"),
        (frames_of(m.LoadAvatar(path="/a", job="1"), body={"path": "/a"}), "9", "missing"),
        (frames_of(m.BackendInfo()), "9", "Use the control one"),
    ],
)
def test_malformed_requests_get_one_error_and_hurt_nobody(
    client: Client, frames: list[bytes], reply_to: str, words: str
) -> None:
    reply = ask_raw(client.connection, frames)
    assert (reply.type, reply.reply_to) == ("error", reply_to)
    assert reply.body["code"] == "bad_request"
    assert words in reply.body["message"] + reply.body["remedy"]
    assert client.call(m.BackendInfo(), TIME_S).state == "ready"


def test_another_protocol_version_is_refused_naming_the_fix(client: Client) -> None:
    frames = frames_of(m.LoadAvatar(path="/a", job="1"), v=99, body={"whatever": 1})
    reply = ask_raw(client.connection, frames)
    assert reply.body["code"] == "protocol_mismatch"
    assert f"The client speaks protocol 99; expected {PROTOCOL}" in reply.body["message"]
    assert "Install Backend" in reply.body["remedy"]


def test_a_client_of_another_protocol_learns_it_from_its_first_ping(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Newer(m.BackendInfo):
        def __init__(self) -> None:
            super().__init__(protocol=99)

    monkeypatch.setattr("shared.client.BackendInfo", Newer)
    with Client(client.connection) as other:
        wait_for(lambda: other.error is not None)
        assert other.error is not None
        assert other.error.code == "protocol_mismatch"


def test_a_client_with_another_key_is_refused(client: Client) -> None:
    public, secret = (key.decode() for key in zmq.curve_keypair())
    stranger = replace(client.connection, client_public=public, client_secret=secret)
    with Client(stranger) as other:
        error = failure(other.request(m.BackendInfo()))
        assert "refused this client's key" in error.message
        assert other.poll() == []
    assert client.call(m.BackendInfo(), TIME_S).state == "ready"


def test_a_client_without_encryption_gets_nothing(client: Client) -> None:
    with zmq.Context() as context:
        for kind, endpoint in (
            (zmq.DEALER, client.connection.work),
            (zmq.DEALER, client.connection.control),
            (zmq.SUB, client.connection.events),
        ):
            with context.socket(kind) as socket:
                socket.linger = 0
                monitor = socket.get_monitor_socket(
                    zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
                    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
                )  # fmt: skip
                if kind == zmq.SUB:
                    socket.subscribe(b"")
                socket.connect(endpoint)
                if kind == zmq.DEALER:
                    with contextlib.suppress(zmq.Again):  # refused already: no peer to send to
                        socket.send_multipart(frames_of(m.BackendInfo()), zmq.NOBLOCK)
                assert monitor.poll(5000), "the handshake was not refused"
                assert not socket.poll(0)
                socket.disable_monitor()
                monitor.close(0)
    assert client.call(m.BackendInfo(), TIME_S).state == "ready"


def test_a_client_of_nobody_fails_at_once(client: Client) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as free:
        port = free.bind_to_random_port("tcp://127.0.0.1")
    nobody = replace(client.connection, work=f"tcp://127.0.0.1:{port}")
    with Client(nobody) as other:
        assert failure(other.request(m.BackendInfo())).code == "backend_died"

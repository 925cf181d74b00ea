"""Dead processes, broken work, strangers and garbage."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zmq

from shared import messages as m
from shared import packing, wire
from shared.client import Client
from shared.connection import Connection, pid_alive
from shared.errors import AvatarError
from shared.flame import Track
from shared.launcher import RESTART_BUDGET, Launcher
from tests.protocol.conftest import ROOT, fake_settings, running, wait_for

PORTRAIT = np.frombuffer(b"a portrait", np.uint8)
TIME_S = 20.0


def create(client: Client, folder: Path, job: str = "one"):
    path = str(folder / "a.savatar")
    return client.request(m.CreateAvatar(image=PORTRAIT, path=path, job=job))


def client_of(launcher: Launcher) -> Client:
    assert launcher.client is not None
    return launcher.client


def failure(future) -> AvatarError:
    error = future.exception(TIME_S)
    assert isinstance(error, AvatarError), error
    return error


# ---- death


def test_a_backend_killed_during_a_job_fails_every_request_within_3_s(tmp_path: Path) -> None:
    with running(tmp_path, "hang") as launcher:
        client = client_of(launcher)
        futures = [create(client, tmp_path, name) for name in ("one", "two", "three")]
        wait_for(lambda: client.state.phase == "hanging")
        assert launcher.pid is not None
        os.kill(launcher.pid, signal.SIGKILL)
        begin = time.monotonic()
        codes = [failure(future).code for future in futures]
        wait_for(lambda: launcher.poll().state == "failed", 3)
        assert time.monotonic() - begin < 3
        assert codes == ["backend_died"] * 3
        assert failure(client.request(m.BackendInfo())).code == "backend_died"
        wait_for(lambda: "signal 9" in launcher.poll().why)
        assert "backend.log" in launcher.state.remedy


def test_after_a_death_start_works_again_and_the_avatar_keeps_its_id(tmp_path: Path) -> None:
    with running(tmp_path) as launcher:
        avatar = create(client_of(launcher), tmp_path).result(TIME_S)
        assert launcher.pid is not None
        os.kill(launcher.pid, signal.SIGKILL)
        wait_for(lambda: launcher.poll().state == "failed")
        launcher.start()
        client = launcher.wait_ready(30)
        again = client.call(m.LoadAvatar(path=avatar.path, job="l"), TIME_S)
        assert again.avatar == avatar.avatar
        client.call(m.DriveAvatar(avatar=avatar.avatar, frame=Track.neutral()), TIME_S)


def test_a_crash_in_the_work_is_a_death(tmp_path: Path) -> None:
    with running(tmp_path, "crash") as launcher:
        assert failure(create(client_of(launcher), tmp_path)).code == "backend_died"
        wait_for(lambda: launcher.poll().state == "failed")


def test_a_backend_that_cannot_start_says_its_last_words(tmp_path: Path) -> None:
    launcher = Launcher(fake_settings(tmp_path, "start"))
    launcher.start()
    with pytest.raises(AvatarError) as found:
        launcher.wait_ready(30)
    assert "exit code 7" in found.value.message
    assert "the reason why it cannot start" in found.value.message


def test_a_backend_that_cannot_load_stays_and_tells_why(tmp_path: Path) -> None:
    launcher = Launcher(fake_settings(tmp_path, "load"))
    launcher.start()
    try:
        wait_for(lambda: launcher.poll().state == "failed")
        assert (launcher.state.why, launcher.state.remedy) == ("No weights.", "Download them.")
        assert failure(create(client_of(launcher), tmp_path)).code == "missing_weights"
        assert launcher.poll().state == "failed"
    finally:
        launcher.stop()
        assert launcher.wait_stopped()


def test_automatic_restarts_end_after_the_budget(tmp_path: Path) -> None:
    launcher = Launcher(fake_settings(tmp_path, "start"))
    launcher.start()
    for _ in range(RESTART_BUDGET):
        wait_for(lambda: launcher.poll().state == "failed")
        launcher.restart()
    wait_for(lambda: launcher.poll().state == "failed")
    with pytest.raises(AvatarError, match="6 times in a row"):
        launcher.restart()
    assert launcher.state.state == "failed"


FORGETFUL = """
import sys
from pathlib import Path
from tests.protocol.conftest import fake_settings
from shared.launcher import Launcher
launcher = Launcher(fake_settings(Path(sys.argv[1])))
launcher.start()
launcher.wait_ready(30)
print(launcher.pid, flush=True)
"""


def test_a_host_that_forgets_to_stop_exits_and_takes_the_backend_along(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FORGETFUL, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert ended.stderr == ""
    wait_for(lambda: not pid_alive(int(ended.stdout)), 10)


PARENT = """
import os, sys
from pathlib import Path
from tests.protocol.conftest import fake_settings
from shared.launcher import Launcher
launcher = Launcher(fake_settings(Path(sys.argv[1]), sys.argv[2]))
launcher.start()
client = launcher.wait_ready(30)
if sys.argv[2]:
    import numpy as np
    from shared.messages import CreateAvatar
    image = np.zeros(1, np.uint8)
    client.request(CreateAvatar(image=image, path=sys.argv[1] + "/a", job="j"))
    while client.state.state != "busy":
        pass
print(launcher.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("fault", ["", "hang", "deaf"])
def test_a_killed_parent_leaves_no_backend_for_more_than_10_s(tmp_path: Path, fault: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), fault],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert pid_alive(pid)
        parent.kill()
        wait_for(lambda: not pid_alive(pid), 10)


def test_stop_ends_even_work_that_does_not_listen(tmp_path: Path) -> None:
    with running(tmp_path, "deaf") as launcher:
        client = client_of(launcher)
        future = create(client, tmp_path)
        wait_for(lambda: client.state.state == "busy")
        pid = launcher.pid
        launcher.stop()
        assert launcher.state.phase == "stopping"
        assert launcher.wait_stopped(15)
        assert failure(future).code == "cancelled"
        assert pid is not None
        assert not pid_alive(pid)
        assert launcher.poll().state == "stopped"


def test_stop_during_the_start_ends_it(tmp_path: Path) -> None:
    launcher = Launcher(fake_settings(tmp_path))
    launcher.start()
    launcher.stop()
    assert launcher.wait_stopped()
    assert launcher.poll().state == "stopped"


def test_requests_sent_while_the_backend_dies_neither_hang_nor_get_lost(tmp_path: Path) -> None:
    with running(tmp_path) as launcher:
        client = client_of(launcher)
        assert launcher.pid is not None
        os.kill(launcher.pid, signal.SIGKILL)
        futures = [client.request(m.BackendInfo()) for _ in range(200)]
        futures += [create(client, tmp_path, str(n)) for n in range(200)]
        errors = [future.exception(TIME_S) for future in futures]
        codes = {error.code for error in errors if isinstance(error, AvatarError)}
        assert codes <= {"backend_died"}
        client.close()


# ---- broken work


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("error", "no_face_found", "No face in the picture."),
        ("memory", "out_of_memory", "8 TiB wanted"),
        ("disk", "disk_full", "/full/file"),
        ("bug", "internal", "ZeroDivisionError: a mistake"),
        ("exit", "internal", "SystemExit"),
    ],
)
def test_an_error_crosses_the_wire_and_the_backend_works_on(
    tmp_path: Path, fault: str, code: str, words: str
) -> None:
    with running(tmp_path, fault) as launcher:
        client = client_of(launcher)
        for _ in range(2):
            error = failure(create(client, tmp_path))
            assert error.code == code
            assert words in error.message
            assert error.remedy
        log = launcher.settings.log_path.read_text()
        assert ("Traceback" in log) == (code == "internal")


# ---- strangers and garbage


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


def frames_of(message: m.Message, **changes) -> list[bytes]:
    body, arrays = packing.pack(message)
    envelope = replace(wire.Envelope(message.WIRE, body, arrays, id="9"), **changes)
    return [bytes(frame) for frame in wire.encode(envelope)]


GIANT = (
    b'{"v":1,"id":"9","reply_to":"","type":"avatar.create","body":{"path":"/a","job":"1"},'
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
    assert "The client speaks protocol 99; expected 1" in reply.body["message"]
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


def test_a_second_client_is_served_too(client: Client, tmp_path: Path) -> None:
    avatar = create(client, tmp_path).result(TIME_S).avatar
    with Client(client.connection) as other:
        request = m.DriveAvatar(avatar=avatar, frame=Track.neutral())
        assert len(other.call(request, TIME_S).expression) == 42


# ---- closing


def test_close_fails_what_is_in_flight_and_works_from_any_thread(tmp_path: Path) -> None:
    with running(tmp_path, "hang") as launcher:
        other = Client(client_of(launcher).connection)
        future = create(other, tmp_path)
        threads = [threading.Thread(target=other.close) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failure(future).code == "cancelled"
        assert failure(other.request(m.BackendInfo())).code == "cancelled"
        other.close()


def test_close_works_inside_a_callback(client: Client) -> None:
    other = Client(client.connection)
    closed = threading.Event()

    def close(_: object) -> None:
        other.close()
        closed.set()

    other.request(m.BackendInfo()).add_done_callback(close)
    assert closed.wait(TIME_S)
    other.close()


def test_a_hundred_clients_leave_no_open_file(client: Client) -> None:
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("this system has no /proc")
    for _ in range(3):
        Client(client.connection).close()
    before = len(list(descriptors.iterdir()))
    for _ in range(100):
        Client(client.connection).close()
    assert len(list(descriptors.iterdir())) <= before + 2

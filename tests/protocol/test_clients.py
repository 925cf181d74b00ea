"""Several clients of one backend, and how they close."""

import threading
from pathlib import Path

import pytest

from shared import messages as m
from shared.client import Client
from shared.flame import Track
from tests.protocol.asking import TIME_S, client_of, create, failure
from tests.protocol.conftest import running


def test_a_second_client_is_served_too(client: Client, tmp_path: Path) -> None:
    avatar = create(client, tmp_path).result(TIME_S).avatar
    with Client(client.connection) as other:
        request = m.DriveAvatar(avatar=avatar, frame=Track.neutral())
        assert len(other.call(request, TIME_S).expression) == 42


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

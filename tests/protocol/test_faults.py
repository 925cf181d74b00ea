"""Dead processes and broken work."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared import messages as m
from shared.connection import pid_alive
from shared.errors import AvatarError
from shared.flame import Track
from shared.launcher import RESTART_BUDGET, Launcher
from tests.protocol.asking import TIME_S, client_of, create, failure
from tests.protocol.conftest import ROOT, fake_settings, running, wait_for

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
        wait_for(lambda: "memory runs out" in launcher.poll().why)
        assert "backend.log" in launcher.state.remedy


def test_after_a_death_start_works_again_and_the_avatar_keeps_its_id(tmp_path: Path) -> None:
    with running(tmp_path) as launcher:
        avatar = create(client_of(launcher), tmp_path).result(TIME_S)
        assert launcher.pid is not None
        os.kill(launcher.pid, signal.SIGKILL)
        wait_for(lambda: launcher.poll().state == "failed")
        launcher.start()
        client = launcher.wait_ready(60)
        again = client.call(m.LoadAvatar(path=avatar.path, job="l"), TIME_S)
        assert again.avatar == avatar.avatar
        client.call(m.DriveAvatar(avatar=avatar.avatar, frame=Track.neutral()), TIME_S)


def test_start_works_while_the_system_has_not_yet_buried_the_dead(tmp_path: Path) -> None:
    """A connection's end may be known before the process's."""
    with running(tmp_path) as launcher:
        dying, client = launcher.pid, client_of(launcher)
        client.fail(AvatarError("backend_died", "The backend ended unexpectedly.", "Start it."))
        assert launcher.poll().state == "failed"
        launcher.start()
        assert launcher.wait_ready(60).call(m.BackendInfo(), TIME_S)
        assert launcher.pid != dying


def test_a_crash_in_the_work_is_a_death(tmp_path: Path) -> None:
    with running(tmp_path, "crash") as launcher:
        assert failure(create(client_of(launcher), tmp_path)).code == "backend_died"
        wait_for(lambda: launcher.poll().state == "failed")


def test_an_abort_of_native_code_is_one_sentence_and_its_own_words_are_in_the_log(
    tmp_path: Path,
) -> None:
    with running(tmp_path, "abort") as launcher:
        pid = str(launcher.pid)
        assert failure(create(client_of(launcher), tmp_path)).code == "backend_died"
        wait_for(lambda: "crashed" in launcher.poll().why)  # the socket tells it first
        why, remedy = launcher.state.why, launcher.state.remedy
        assert why == "The backend crashed in native code."
        assert str(launcher.settings.log_path) in remedy
        assert pid not in why + remedy
        log = launcher.settings.log_path.read_text()
        assert "F0000 a check of native code failed" in log
        assert "Fatal Python error: Aborted" in log
        assert "fake_pipeline.py" in log  # where it was


def test_a_backend_that_cannot_start_says_its_last_words(tmp_path: Path) -> None:
    launcher = Launcher(fake_settings(tmp_path, "start"))
    launcher.start()
    with pytest.raises(AvatarError) as found:
        launcher.wait_ready(30)
    assert found.value.message == (
        "The backend ended unexpectedly: the reason why it cannot start."
    )


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
        assert launcher.wait_stopped(60)
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
        ("bug", "internal", "Something went wrong inside SplitAvatar: a mistake."),
        ("exit", "internal", "Something went wrong inside SplitAvatar"),
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
            assert not re.search(r"Error|Exit|Traceback", error.message)
        log = launcher.settings.log_path.read_text()
        assert ("Traceback" in log) == (code == "internal")

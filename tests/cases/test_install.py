"""Installing on people's machines: their pip's settings, moved Pythons, missing libraries, GPUs."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from backend import install
from backend.avatar.device import chosen_device
from backend.installer import environments, machine, plan, run
from backend.installer.errors import InstallError
from backend.installer.locks import Pin
from backend.installer.machine import pip_environment, probe
from backend.installer.plan import MARKER, Plan, environment_python
from backend.installer.run import Meter, pip_install, quiet
from backend.serving.failures import as_avatar_error
from backend.tracking.task import check_processors_are_listed
from shared import sockets
from shared.backend_process import backend_environment
from shared.errors import AvatarError

ROOT = Path(__file__).resolve().parents[2]


def wheel(folder: Path) -> Pin:
    """A package of one module, made by hand."""
    facts = "bent-1.0.dist-info"
    files = {
        "bent.py": b"HERE = __file__\n",
        f"{facts}/METADATA": b"Metadata-Version: 2.1\nName: bent\nVersion: 1.0\n",
        f"{facts}/WHEEL": b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",  # noqa: E501
    }
    record = ""
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    path = folder / "bent-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, f"{facts}/RECORD": record.encode()}.items():
            archive.writestr(name, content)
    digest = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    return Pin("bent", "1.0", "", (digest,), f"bent==1.0 --hash={digest}")


def plan_of(target: Path, pins: tuple[Pin, ...] = ()) -> Plan:
    return Plan("backend", target, probe(sys.executable), "cpu", "", pins, {}, 0, 0, "d1", ())


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment in a folder as some people's are called."""
    target = tmp_path_factory.mktemp("José 小明 #1") / "back end"
    subprocess.run([sys.executable, "-m", "venv", str(target)], check=True)
    return target


def test_settings_that_bend_pip_are_neutralised_and_mirrors_kept(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In variables, and in a configuration file that also names where packages are."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    pin = wheel(wheels)
    settings = tmp_path / "pip.conf"
    settings.write_text(
        f"[global]\nuser = true\nno-index = true\nfind-links = {wheels.as_uri()}\n"
        f"target = {tmp_path / 't'}\n"
        f"[install]\nprefix = {tmp_path / 'p'}\nno-deps = false\ndry-run = true\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    bent = {"USER": "1", "TARGET": str(tmp_path / "u"), "PREFIX": str(tmp_path / "q")}
    bent |= {"ROOT": str(tmp_path / "r"), "PYTHON": "/no/python", "CONSTRAINT": "/no/file"}
    for name, value in bent.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    wanted = plan_of(environment, (pin,))
    pip_install(wanted, [pin], [], Meter(wanted, quiet))
    python = str(environment_python(environment))
    found = subprocess.run(
        [python, "-c", "import bent; print(ascii(bent.HERE))"], capture_output=True, text=True
    )
    assert ascii(str(environment))[1:-1] in found.stdout, found.stderr
    assert not [path for path in tmp_path.iterdir() if path.name in "tpuqr"]


def test_mirrors_proxies_and_certificates_are_honoured_variables_first(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nindex-url = https://mirror.invalid/a\nproxy = http://p.invalid:8\n"
        "trusted-host = a.invalid\n    b.invalid\ncert = /etc/mine.pem\nuser = true\n"
        "[install]\nproxy = http://q.invalid:9\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_CERT", "/etc/other.pem")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    found = pip_environment(str(environment_python(environment)))
    assert found["PIP_INDEX_URL"] == "https://mirror.invalid/a"
    assert found["PIP_PROXY"] == "http://q.invalid:9"
    assert found["PIP_TRUSTED_HOST"] == "a.invalid b.invalid"
    assert found["PIP_CERT"] == "/etc/other.pem"
    assert found["PIP_CONFIG_FILE"] == os.devnull
    assert "PIP_USER" not in found


def test_no_remedy_names_an_option_that_does_not_exist() -> None:
    """Of the installer, or of a command that a remedy names."""
    known = subprocess.run(
        [sys.executable, "backend/install.py", "--help"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    for path in [ROOT / "backend/install.py", *(ROOT / "backend/installer").glob("*.py")]:
        for raised in re.findall(r"InstallError\((.*?)\n\s*\)", path.read_text("utf-8"), re.S):
            for option in re.findall(r"--[a-z-]+", raised):
                assert option in known, f"{path.name} names {option}"


# ---- a moved Blender


@pytest.mark.skipif(os.name == "nt", reason="links are Linux's and macOS's")
def test_a_moved_python_is_linked_anew_and_packages_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(target)], check=True)
    (mine,) = target.glob("lib/python*/site-packages")
    (mine / "mine.py").write_text("x = 1\n")
    python = environment_python(target)
    settings = target / "pyvenv.cfg"
    home = re.search(r"home = (.*)", settings.read_text("utf-8"))
    assert home is not None
    settings.write_text(settings.read_text("utf-8").replace(home[1], "/gone/blender/bin"))
    python.unlink()
    python.symlink_to("/gone/blender/bin/python3")
    (target / MARKER).write_text('{"digest": "d1"}')
    monkeypatch.setattr(install, "plan", lambda *given: plan_of(target))
    monkeypatch.setattr(install, "_install_pins", lambda *given: pytest.fail("nothing is missing"))
    assert install.install("backend", target).digest == "d1"
    done = subprocess.run([str(python), "-c", "import mine; print(mine.x)"], capture_output=True)
    assert done.stdout == b"1\n"


# ---- what is missing


@pytest.mark.parametrize(
    ("error", "message", "remedy"),
    [
        (
            OSError("libGLESv2.so.2: cannot open shared object file: No such file or directory"),
            "The system library libGLESv2.so.2 is missing or damaged.",
            "On Debian and Ubuntu: apt-get install libgles2",
        ),
        (
            ImportError("libEGL.so.1: cannot open shared object file: No such file or directory"),
            "The system library libEGL.so.1 is missing or damaged.",
            "On Debian and Ubuntu: apt-get install libegl1",
        ),
        (
            ImportError("libodd.so.7: cannot open shared object file"),
            "The system library libodd.so.7 is missing or damaged.",
            "Install what holds libodd.so.7 with the system's package manager, then try again.",
        ),
        (
            ImportError("DLL load failed while importing _C: The specified module was not found"),
            "DLL load failed while importing _C: The specified module was not found.",
            environments.RUNTIME_REMEDY,
        ),
    ],
)
def test_missing_libraries_are_named_with_how_to_get_them(
    error: Exception, message: str, remedy: str
) -> None:
    found = as_avatar_error(error)
    assert (found.code, found.message, found.remedy) == ("backend_not_installed", message, remedy)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("OSError: [WinError 126] Error loading c10.dll or a dependency", "Visual C++"),
        ("ImportError: libEGL.so.1: cannot open shared object file", "apt-get install libegl1"),
    ],
)
def test_the_installer_says_the_same_of_an_environment_that_does_not_import(
    said: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "run_command", lambda *given: (1, [said]))
    wanted = plan_of(tmp_path)
    with pytest.raises(InstallError) as caught:
        install._check_imports(wanted, Meter(wanted, quiet))
    assert caught.value.code == "library_missing"
    assert remedy in caught.value.remedy


@pytest.mark.skipif(sys.platform != "linux", reason="/sys is Linux's")
def test_a_container_without_sys_is_told_before_mediapipe_ends_the_process(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match="without which MediaPipe cannot start") as caught:
        check_processors_are_listed(tmp_path / "possible")
    assert "mount -t sysfs" in caught.value.remedy
    (tmp_path / "possible").write_text("0-1\n")
    check_processors_are_listed(tmp_path / "possible")


def test_another_add_ons_pyzmq_that_cannot_encrypt_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets.zmq, "has", lambda ability: False)
    with pytest.raises(AvatarError, match="which another add-on has loaded") as caught:
        sockets.Sockets(None)  # pyright: ignore[reportArgumentType]
    assert sockets.zmq.__file__ in caught.value.message
    assert caught.value.remedy == "Disable that add-on and restart Blender."


# ---- long paths of Windows


def test_paths_that_windows_does_not_take_are_told_before_and_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_takes_long_paths", lambda: False)
    far = Path("C:/Users/anna") / ("x" * 80)
    (notice,) = plan._path_notices(far, "win32")
    assert "Choose a short Install Folder" in notice
    assert plan._path_notices(Path("/s"), "win32") == []
    assert plan._path_notices(far, "linux") == []
    monkeypatch.setattr(plan, "_takes_long_paths", lambda: True)
    assert plan._path_notices(far, "win32") == []
    failed = run._pip_failure(
        ["ERROR: Could not install packages due to an OSError: [Errno 2] No such file",
         "HINT: This error might have occurred since this system does not have Windows Long Path "
         "support enabled."]
    )  # fmt: skip
    assert (failed.code, failed.remedy) == ("path_too_long", plan.SHORTER_FOLDER)


# ---- GPUs


class Gpu:
    """A GPU of which torch tells this."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free_gib: float, error: str) -> None:
        def ones(*size: int, **settings: object) -> torch.Tensor:
            if error:
                raise RuntimeError(error)
            return torch.full(size, 1.0)

        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: "GeForce GTX 960")
        monkeypatch.setattr(
            torch.cuda, "mem_get_info", lambda number: (free_gib * 2**30, 4 * 2**30)
        )
        monkeypatch.setattr(torch, "ones", ones)


@pytest.mark.parametrize(
    ("free_gib", "error", "words"),
    [
        (3.0, "CUDA error: no kernel image is available for execution on the device", "too old"),
        (0.2, "", "only 0.2 GiB of free memory"),
        (3.0, "CUDA error: unknown error\nand more", "does not work (CUDA error: unknown error)"),
    ],
)
def test_a_gpu_that_does_not_work_gives_way_to_the_cpu_with_a_word(
    free_gib: float,
    error: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    Gpu(monkeypatch, free_gib, error)
    device, told = chosen_device("auto")
    assert device == "cpu"
    assert told.startswith("cpu, since GeForce GTX 960 ")
    assert words in told
    assert words in caplog.text
    with pytest.raises(AvatarError, match="device cuda was asked for") as caught:
        chosen_device("cuda")
    assert words in caught.value.message
    assert chosen_device("cpu") == ("cpu", "cpu")


def test_a_gpu_that_works_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    Gpu(monkeypatch, 3.0, "")
    assert chosen_device("auto") == chosen_device("cuda") == ("cuda", "cuda")


def test_the_machines_own_variables_reach_no_other_python(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "PATH", "SAFEPATH", "IOENCODING", "OPTIMIZE", "WARNINGS", "USERBASE"):
        monkeypatch.setenv(f"PYTHON{name}", "/bent")
    for name in ("USER", "TARGET", "NO_BINARY", "REQUIRE_VIRTUALENV", "NO_DEPS", "PLATFORM"):
        monkeypatch.setenv(f"PIP_{name}", "/bent")
    monkeypatch.setenv("VIRTUAL_ENV", "/bent")
    monkeypatch.setenv("PIP_PROXY", "http://p.invalid")
    monkeypatch.setenv("HTTPS_PROXY", "http://p.invalid")
    clean = machine.clean_environment()
    assert "/bent" not in clean.values()
    bent = [name for name, value in backend_environment().items() if value == "/bent"]
    assert not [name for name in bent if name.startswith("PYTHON")]
    assert clean["PIP_PROXY"] == clean["HTTPS_PROXY"] == "http://p.invalid"

"""The add-on registered in bpy, an empty file for each test, and a backend with a fake network."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
import numpy as np
import pytest
import zmq

import blender_addon
from blender_addon.link import settings
from blender_addon.scene import avatars, properties
from blender_addon.work import session
from shared import messages
from shared.camera import Camera, portrait_intrinsics
from shared.flame import Track
from shared.launcher import LaunchSettings
from tests.blender.fake_head import rig_arrays

ROOT = Path(__file__).resolve().parents[2]
BACKEND_PYTHON = (
    ROOT / ".venv/backend" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
)

_exit_code = [0]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    _exit_code[0] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """bpy 4.5 hangs when its interpreter exits, so we leave without asking it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_exit_code[0])


@pytest.fixture(scope="session", autouse=True)
def addon() -> Iterator[None]:
    """The add-on, enabled from the repository."""
    # pyzmq keeps one thread for ever once a large message has been sent.
    zmq.Frame(bytes(1 << 17), copy=False)
    bpy.context.preferences.addons.new().module = blender_addon.__name__
    blender_addon.register()
    yield
    blender_addon.unregister()


@pytest.fixture(autouse=True)
def empty_file(addon: None) -> None:
    """Each test begins with an empty scene of 24 frames per second."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    session.get().error = None


@pytest.fixture
def rig_data() -> dict[str, np.ndarray]:
    """The made-up head."""
    return rig_arrays()


@pytest.fixture
def avatar_rig(rig_data: dict[str, np.ndarray], tmp_path: Path) -> bpy.types.Object:
    """An avatar in the scene without any backend."""
    cloud = messages.Cloud(
        *(np.zeros((4, n), np.float32) for n in (3, 4, 3)),
        *(np.zeros(shape, np.float32) for shape in ((4,), (4, 3), (4,), (4,))),
    )
    viewmat = np.diag([1.0, -1.0, -1.0, 1.0])
    viewmat[:3, 3] = [0.01, -0.02, 1.8]
    path = tmp_path / "ada.savatar"
    path.write_bytes(b"ada")
    reply = messages.AvatarReply(
        avatar="0123",
        path=str(path),
        counts={"total": 12, "identity": 4, "layers": [8], "kept": 12},
        camera=Camera(viewmat, portrait_intrinsics(512), 512, 512),
        source=Track.from_arkit({"mouthSmileLeft": 0.5}, neck_pose=[[0.1, 0.2, 0.3]]),
        rig=rig_data,
        identity=cloud,
    )
    return avatars.build(bpy.context, reply, "Ada")


@pytest.fixture
def evaluated() -> Callable[[], bpy.types.Depsgraph]:
    """The evaluated dependency graph of now."""
    return lambda: bpy.context.evaluated_depsgraph_get()


def use_backend(monkeypatch: pytest.MonkeyPatch, folder: Path, fault: str = "") -> None:
    """Makes the session start the fake backend."""
    if not BACKEND_PYTHON.exists():
        pytest.skip(f"the backend's environment is missing: {BACKEND_PYTHON}")
    launch = LaunchSettings(
        python=BACKEND_PYTHON,
        root=ROOT,
        user_folder=folder,
        module="tests.blender.fake_backend",
        arguments=("--fault", fault) if fault else (),
    )
    monkeypatch.setattr(settings, "launch_settings", lambda: launch)
    monkeypatch.setattr(settings, "python_path", lambda: BACKEND_PYTHON)
    monkeypatch.setattr(settings, "installed", lambda: True)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A fake backend that runs for all tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        use_backend(patch, tmp_path_factory.mktemp("backend"))
        session.finish(session.get().ensure_ready())
        yield
        session.get().close()


@pytest.fixture
def own_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Call it with a fault to have a backend of this test's own, not started yet."""
    yield lambda fault="": use_backend(monkeypatch, tmp_path / "backend", fault)
    session.get().close()


@pytest.fixture
def portrait(tmp_path: Path) -> Path:
    """An image file as far as the fake network can tell."""
    path = tmp_path / "grace.jpg"
    path.write_bytes(b"the bytes of a portrait")
    return path


@pytest.fixture
def live_rig(running: None, portrait: Path, tmp_path: Path) -> bpy.types.Object:
    """An avatar of the running backend, made by the operator."""
    path = tmp_path / "grace.savatar"
    bpy.ops.splitavatar.create_avatar(filepath=str(portrait), avatar_path=str(path))
    found = properties.active_rig(bpy.context)
    assert found is not None
    return found

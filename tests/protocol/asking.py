"""What the tests here ask of a backend, and how they read its answers."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from shared import messages as m
from shared.client import Client
from shared.errors import AvatarError
from shared.launcher import Launcher

PORTRAIT = np.frombuffer(b"a portrait", np.uint8)
TIME_S = 20.0


def client_of(launcher: Launcher) -> Client:
    assert launcher.client is not None
    return launcher.client


def create(client: Client, folder: Path, job: str = "one") -> Future[Any]:
    """Asks for an avatar of the portrait, saved under the job's name."""
    path = str(folder / f"{job}.savatar")
    return client.request(m.CreateAvatar(image=PORTRAIT, path=path, job=job))


def failure(future: Future[Any]) -> AvatarError:
    """The error that a request has to end with."""
    error = future.exception(TIME_S)
    assert isinstance(error, AvatarError), error
    return error

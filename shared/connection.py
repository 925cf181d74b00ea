"""The connection file: how a client finds a running backend and proves that it may talk to it.

The backend binds loopback ports that the system chooses and then writes this file, readable by
its user only. It holds the client's CURVE secret key, so whoever can read it can connect.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from .errors import AvatarError
from .restricted.damage import TEXT_DAMAGE
from .version import PROTOCOL, VERSION

UPGRADE_REMEDY = (
    "Press Install Backend in the add-on's preferences (or run `python -m backend.install`), "
    "then start the backend again."
)


@dataclass(frozen=True)
class Connection:
    """Everything a client needs to reach one backend process.

    Args:
        work: Endpoint of the work socket (ROUTER), `tcp://127.0.0.1:PORT`.
        control: Endpoint of the control socket (ROUTER).
        events: Endpoint of the event socket (PUB).
        server_key: CURVE public key of the backend, Z85.
        client_public: CURVE public key of the one client the backend admits, Z85.
        client_secret: Its secret key, Z85.
        pid: Process id of the backend.
        device: torch device; the requested one (`auto`, ...) until the backend is ready.
        protocol: Protocol version.
        version: Product version.
    """

    work: str
    control: str
    events: str
    server_key: str
    client_public: str
    client_secret: str
    pid: int
    device: str
    protocol: int = PROTOCOL
    version: str = VERSION

    def save(self, path: Path) -> None:
        """Writes the file with mode 0600, atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
        temporary.unlink(missing_ok=True)
        # O_EXCL: nobody can have prepared this name as a link to elsewhere.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(asdict(self), stream, indent=1)
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: Path) -> Connection:
        """Reads the file.

        Raises:
            AvatarError: `backend_died` without a file or with the file of a process that is
                gone, `bad_file` for other content, `protocol_mismatch` for another version.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise AvatarError(
                "backend_died", f"There is no connection file {path}.", "Start the backend."
            ) from error
        except TEXT_DAMAGE as error:
            raise _bad_file(path, str(error)) from error
        check_protocol(content.get("protocol") if isinstance(content, dict) else None, "backend")
        connection = cls._checked(path, content)
        if not pid_alive(connection.pid):
            raise AvatarError(
                "backend_died",
                f"The backend of {path} is not running any more.",
                "Start the backend.",
            )
        return connection

    @classmethod
    def _checked(cls, path: Path, content: dict[str, Any]) -> Connection:
        kinds = {f.name: int if f.name in ("pid", "protocol") else str for f in fields(cls)}
        for name, kind in kinds.items():
            if type(content.get(name)) is not kind:
                raise _bad_file(path, f"key {name!r}: found {content.get(name)!r}")
        if not 0 < content["pid"] < 1 << 31:
            raise _bad_file(path, f"key 'pid': found {content['pid']}")
        return cls(**{name: content[name] for name in kinds})


def check_protocol(found: Any, side: str) -> None:
    """Refuses a peer of another protocol version.

    Args:
        found: The peer's version.
        side: `backend` or `client`: which peer has `found`.

    Raises:
        AvatarError: `protocol_mismatch`, naming the fix.
    """
    if found != PROTOCOL:
        raise AvatarError(
            "protocol_mismatch",
            f"The {side} speaks protocol {found}; expected {PROTOCOL} (version {VERSION}).",
            UPGRADE_REMEDY,
        )


def connection_path(folder: Path) -> Path:
    """The connection file of the backend that this process starts."""
    return folder / f"connection-{os.getpid()}.json"


def sweep_connections(folder: Path) -> None:
    """Removes connection files, and with them keys, whose parent process is gone."""
    for path in folder.glob("connection-*.json"):
        parent = path.stem.rpartition("-")[2]
        if parent.isdigit() and not pid_alive(int(parent)):
            path.unlink(missing_ok=True)


def pid_alive(pid: int) -> bool:
    """Whether a process of this id exists."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _pid_alive_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _pid_alive_windows(pid: int) -> bool:
    # os.kill(pid, 0) would terminate the process there.
    import ctypes

    query_limited_information, still_active = 0x1000, 259
    kernel32 = ctypes.windll.kernel32  # type: ignore[attr-defined]
    kernel32.OpenProcess.restype = ctypes.c_void_p
    handle = kernel32.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong()
    known = kernel32.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(code))
    kernel32.CloseHandle(ctypes.c_void_p(handle))
    return bool(known) and code.value == still_active


def _bad_file(path: Path, problem: str) -> AvatarError:
    return AvatarError(
        "bad_file", f"{path} is not a connection file: {problem}.", "Start the backend again."
    )

"""The embedded Redis: starts it with append-only persistence on a private socket."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from imgapp.adapters.embedded.folders import (
    claim_server_folder,
    open_log,
    server_user,
    socket_folder,
)
from imgapp.adapters.embedded.programs import redis_server
from imgapp.adapters.processes import (
    end_in_steps,
    end_processes,
    processes_in,
    spawn,
    wait_until,
)
from imgapp.errors import QueueUnavailable

_SOCKET = "redis.sock"
_READY_SECONDS = 30.0
# What Reflex's state manager asks for: keyspace events of strings, sets, deletions and expiries.
_KEYSPACE_EVENTS = "K$sgxe"


@dataclass
class Redis:
    """A Redis server that keeps everything in `folder`."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    _socket: Path = field(init=False)

    def __post_init__(self) -> None:
        claim_server_folder(self.folder)
        self._socket = socket_folder(self.folder, _SOCKET) / _SOCKET

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket))}"

    def start(self) -> Redis:
        """End what a killed run left, then start and wait until it answers."""
        names = ("redis-server", "valkey-server")
        gentle = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 2.0))
        end_processes(processes_in(self.folder, names), gentle)
        user = server_user()
        with open_log(self.folder / "log") as log:
            self.process = spawn(
                [redis_server(self.folder / "programs"), *self._options()],
                user=user.spawn_uid,
                group=user.spawn_gid,
                cwd=self.folder,
                env={"LC_ALL": "C"},
                stdout=log,
            )
        if not wait_until(self._is_settled, _READY_SECONDS) or not self.is_ready():
            self.stop()
            raise QueueUnavailable(
                f"The embedded Redis did not start; its log is {self.folder / 'log'}"
            )
        return self

    def _options(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            # Times a second that it looks after itself: ten would be most of what it does all day.
            "hz": "1",
            "notify-keyspace-events": _KEYSPACE_EVENTS,
            "loglevel": "warning",
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    def is_ready(self) -> bool:
        """Whether it answers, which it does only once its data is loaded."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(self._socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    def _is_settled(self) -> bool:
        return self.is_ready() or self.process is None or self.process.poll() is not None

    def stop(self) -> None:
        """A clean shutdown; killed if that takes more than 5 s."""
        if self.process is None:
            return
        end_in_steps(self.process, (signal.SIGTERM, 5.0), (signal.SIGKILL, 2.0))
        self.process = None


def start_redis(folder: Path) -> Redis:
    """Start the server of `folder`."""
    return Redis(folder).start()

"""PgBouncer, of Debian, before the PostgreSQL of the tests: a pool of few connections."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import chown, which

from sqlalchemy.engine import make_url

from tests.support.running import free_port, takes_connections
from tests.support.waiting import eventually

_CONFIGURATION = """
[databases]
* = host={host}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = 3
max_client_conn = 200
"""


def missing() -> str | None:
    """Why PgBouncer cannot be run here, or None."""
    return None if which("pgbouncer") else "needs PgBouncer (Debian: pgbouncer)"


@contextmanager
def pgbouncer(*urls: str, mode: str = "transaction") -> Iterator[list[str]]:
    """The same URLs, through a pooler that shares three connections of each user among all."""
    parsed = [make_url(url) for url in urls]
    host, port = str(parsed[0].query["host"]), free_port()
    # It refuses to run as root, and must get to the server's socket.
    user = pwd.getpwuid(os.stat(host).st_uid)
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        (folder / "users").write_text("".join(f'"{u.username}" "{u.password}"\n' for u in parsed))
        (folder / "ini").write_text(
            _CONFIGURATION.format(host=host, port=port, folder=folder, mode=mode)
        )
        if os.geteuid() == 0:
            for path in (folder, *folder.iterdir()):
                chown(path, user.pw_uid)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                ["pgbouncer", folder / "ini"],
                user=user.pw_uid if os.geteuid() == 0 else None,
                stdout=log,
                stderr=log,
            )
        try:
            eventually(lambda: takes_connections(port) or process.poll() is not None)
            assert process.poll() is None, (folder / "log").read_text()
            yield [
                u.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
                for u in parsed
            ]
        finally:
            process.kill()
            process.wait()

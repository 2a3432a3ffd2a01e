"""The embedded PostgreSQL: starts the server of a wheel on a private socket, with two roles."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil

from imgapp.adapters.embedded.folders import (
    claim_server_folder,
    open_log,
    server_user,
    socket_folder,
)
from imgapp.adapters.embedded.programs import postgres_bin
from imgapp.adapters.embedded.secrets import keep_secret
from imgapp.adapters.processes import (
    end_in_steps,
    end_processes,
    processes_in,
    spawn,
    wait_until,
)
from imgapp.errors import DatabaseUnavailable

_SOCKET = ".s.PGSQL.5432"
_READY_SECONDS = 60.0  # crash recovery of a busy library may take a while

# Small: a library of one household, on a machine that has other things to do.
_CONFIGURATION = """\
listen_addresses = ''
max_connections = 100
shared_buffers = 32MB
work_mem = 8MB
maintenance_work_mem = 64MB
wal_level = minimal
max_wal_senders = 0
max_logical_replication_workers = 0
max_wal_size = 256MB
max_worker_processes = 2
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
autovacuum_worker_slots = 2
autovacuum_max_workers = 2
io_method = sync
jit = off
huge_pages = off
random_page_cost = 1.1
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_line_prefix = '%m [%p] '
"""

# The administrator of the cluster has no password: the servers' own user and root are let in by
# the identity that the kernel reports for the socket.
_ACCESS = """\
local all postgres peer map=administrator
local imgapp imgapp_owner,imgapp_app scram-sha-256
"""

_ROLES = """\
CREATE ROLE imgapp_owner LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS PASSWORD '{owner}';
CREATE ROLE imgapp_app LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{app}';
{extensions}
CREATE DATABASE imgapp OWNER imgapp_owner;
REVOKE ALL ON DATABASE imgapp FROM PUBLIC;
GRANT CONNECT ON DATABASE imgapp TO imgapp_app;
"""

# Only the administrator may make it. In a cluster that is being made, it is in the template.
_EXTENSIONS = "CREATE EXTENSION IF NOT EXISTS vector;"


@dataclass
class Postgres:
    """A PostgreSQL server that keeps everything in `folder`."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    _socket_dir: Path = field(init=False)
    _passwords: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        claim_server_folder(self.folder)
        self._socket_dir = socket_folder(self.folder, _SOCKET)
        self._passwords = _read_passwords(self.folder / "passwords.json")

    @property
    def app_url(self) -> str:
        """For the application's role."""
        return self._url("imgapp_app", self._passwords["app"])

    @property
    def owner_url(self) -> str:
        """For the role that owns the tables and runs migrations."""
        return self._url("imgapp_owner", self._passwords["owner"])

    @property
    def administrator_url(self) -> str:
        """For the cluster's superuser; only the servers' own user and root are let in."""
        return f"postgresql+psycopg://postgres@/imgapp?host={quote(str(self._socket_dir))}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _url(self, role: str, password: str) -> str:
        return f"postgresql+psycopg://{role}:{password}@/imgapp?host={quote(str(self._socket_dir))}"

    def start(self) -> Postgres:
        """End what a killed run left, then start and wait until connections are accepted."""
        _end_leftovers(self.data, self._socket_dir)
        binaries = postgres_bin(self.folder / "programs")
        if not self.data.exists():
            _make_cluster(self.folder, self.data, binaries, self._passwords)
        elif not _extensions_note(self.folder).exists():
            _add_extensions(self.folder, self.data, binaries)
        _write_configuration(self.data)
        user = server_user()
        with open_log(self.folder / "log") as log:
            self.process = spawn(
                [binaries / "postgres", "-D", self.data, "-k", self._socket_dir],
                death_signal=signal.SIGINT,
                user=user.spawn_uid,
                group=user.spawn_gid,
                cwd=self.folder,
                env=_environment(),
                stdout=log,
            )
        if not wait_until(self._is_settled, _READY_SECONDS) or not self.is_ready():
            self.stop()
            raise DatabaseUnavailable(
                f"The embedded PostgreSQL did not start: {_last_line(self.folder / 'log')}"
            )
        return self

    def is_ready(self) -> bool:
        """Whether it says that it accepts connections."""
        with contextlib.suppress(OSError, IndexError):
            return (self.data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        return False

    def _is_settled(self) -> bool:
        return self.is_ready() or self.process is None or self.process.poll() is not None

    def stop(self) -> None:
        """A fast, clean shutdown; harsher if that takes more than 5 s."""
        if self.process is None:
            return
        end_in_steps(
            self.process, (signal.SIGINT, 5.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 2.0)
        )
        self.process = None


def start_postgres(folder: Path) -> Postgres:
    """Start the server of `folder`, making cluster, roles and database the first time."""
    return Postgres(folder).start()


def _read_passwords(path: Path) -> dict[str, str]:
    """The roles' passwords, generated once, readable for nobody else."""
    fresh = {role: secrets.token_urlsafe(32) for role in ("owner", "app")}
    return dict(json.loads(keep_secret(path, json.dumps(fresh))))


def _make_cluster(folder: Path, data: Path, binaries: Path, passwords: dict[str, str]) -> None:
    """Make cluster, roles and database aside, and put them in place in one step."""
    scratch = folder / "data.new"
    shutil.rmtree(scratch, ignore_errors=True)
    initdb = [str(binaries / "initdb"), "-D", str(scratch), "-U", "postgres", "--auth=reject"]
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
    _run_as_server([*initdb, *locale, "--builtin-locale=C.UTF-8"], folder)
    # Single-user mode: nobody can connect to a cluster that is half made.
    single = [str(binaries / "postgres"), "--single", "-D", str(scratch), "template1"]
    extensions = _EXTENSIONS if _has_extensions(binaries) else ""
    _run_as_server(single, folder, _ROLES.format(**passwords, extensions=extensions))
    _extensions_note(folder).touch()
    scratch.rename(data)


def _add_extensions(folder: Path, data: Path, binaries: Path) -> None:
    """For a cluster of a version that had none."""
    if _has_extensions(binaries):
        single = [str(binaries / "postgres"), "--single", "-D", str(data), "imgapp"]
        _run_as_server(single, folder, _EXTENSIONS)
    _extensions_note(folder).touch()


def _has_extensions(binaries: Path) -> bool:
    return (binaries.parent / "share" / "postgresql" / "extension" / "vector.control").exists()


def _extensions_note(folder: Path) -> Path:
    """Whose presence says that it is done; it would take a moment at each start."""
    return folder / "extensions"


def _run_as_server(command: list[str], folder: Path, text: str = "") -> None:
    user = server_user()
    done = subprocess.run(
        command,
        input=text,
        user=user.spawn_uid,
        group=user.spawn_gid,
        extra_groups=[] if user.is_other else None,
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    # Single-user mode goes on after a failed statement and exits with 0.
    if done.returncode != 0 or "ERROR:" in done.stderr:
        complaint = next((s for s in done.stderr.splitlines() if "rror" in s), done.stderr.strip())
        raise DatabaseUnavailable(f"The embedded PostgreSQL could not be set up: {complaint}")


def _write_configuration(data: Path) -> None:
    """Ours on top of initdb's defaults, written at each start so that an upgrade changes it."""
    (data / "postgresql.auto.conf").write_text(_CONFIGURATION)
    (data / "pg_hba.conf").write_text(_ACCESS)
    names = {psutil.Process().username(), "root"}
    user = server_user()
    if user.is_other:
        names.add("imgapp")
    (data / "pg_ident.conf").write_text(
        "".join(f'administrator "{name}" postgres\n' for name in sorted(names))
    )


def _environment() -> dict[str, str]:
    """Nothing of ours: PGDATA, PGHOST and the secrets of the web process do not belong there."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _end_leftovers(data: Path, socket_dir: Path) -> None:
    """End servers of a killed run and remove their lock files.

    PostgreSQL trusts a lock file whose process id is in use, and after a restart of a container
    that id may be anybody's.
    """
    gentle = ((signal.SIGINT, 5.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 2.0))
    end_processes(processes_in(data, ["postgres"]), gentle)
    for stale in (data / "postmaster.pid", socket_dir / f"{_SOCKET}.lock", socket_dir / _SOCKET):
        stale.unlink(missing_ok=True)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    fatal = [line for line in lines if "FATAL" in line or "error" in line.lower()]
    return (fatal or lines or ["it wrote nothing to its log"])[-1]

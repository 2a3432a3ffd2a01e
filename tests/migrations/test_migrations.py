"""Migrations: run by whom, again, at once, and on which servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from imgapp.adapters import db, migrations, roles
from imgapp.cli.doctor import check_database, check_migrations, check_role
from imgapp.errors import ConfigurationError
from imgapp.settings import get_settings
from tests.migrations.conftest import Server

ROOT = Path(__file__).parents[2]
ALEMBIC = Config(ROOT / "alembic.ini")


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


def test_they_may_run_again(empty: Server) -> None:
    db.migrate()
    before = empty.catalog()
    db.migrate()
    db.check()
    assert empty.catalog() == before


def test_they_only_go_forward(empty: Server) -> None:
    db.migrate()
    script = ScriptDirectory(str(migrations.FOLDER))
    for revision in script.walk_revisions():
        with pytest.raises(ConfigurationError, match=r"only go forward.*restore a backup"):
            revision.module.downgrade()


def test_commands_of_alembic_look_and_do_not_move(empty: Server) -> None:
    with pytest.raises(SystemExit, match="Run `imgapp migrate`"):
        command.upgrade(ALEMBIC, "head")
    assert leftovers(empty) == []
    db.migrate()
    command.current(ALEMBIC)
    with pytest.raises(SystemExit, match="Run `imgapp migrate`"):
        command.stamp(ALEMBIC, "base")


def test_the_tables_are_those_of_the_models(empty: Server) -> None:
    db.migrate()
    command.check(ALEMBIC)


@pytest.mark.long
def test_two_machines_that_migrate_at_once_both_succeed(empty: Server) -> None:
    command = [sys.executable, "-c"]
    code = "from imgapp.adapters import db; db.migrate()"

    def machine(_: int) -> int:
        return subprocess.run([*command, code], cwd=ROOT, env=dict(os.environ)).returncode

    with ThreadPoolExecutor(2) as machines:
        assert list(machines.map(machine, range(2))) == [0, 0]
    db.check()


def test_two_databases_of_a_server_share_the_role_of_the_functions(
    empty: Server, set_env: Callable[..., None]
) -> None:
    db.migrate()
    empty.run("CREATE DATABASE others OWNER the_owner")
    set_env(
        DATABASE_URL=empty.url("the_app", "others"),
        IMGAPP_MIGRATE_DATABASE_URL=empty.url("the_owner", "others"),
    )
    db.migrate()
    count = "SELECT imgapp_user_count()"
    for database in ("pictures", "others"):
        assert empty.run(count, role="the_app", database=database) == [(0,)]


def test_an_owner_who_may_not_make_roles_is_told_what_to_run(empty: Server) -> None:
    empty.run("ALTER ROLE the_owner NOCREATEROLE")
    with pytest.raises(ConfigurationError, match="may not make roles") as refusal:
        db.migrate()
    told = str(refusal.value).split("run: ")[1]
    for statement in filter(None, map(str.strip, told.split(";"))):
        empty.run(statement, database="pictures")
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


@pytest.mark.long
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


@pytest.mark.long
def test_without_a_role_of_their_own_migrations_run_as_the_application(
    empty: Server, set_env: Callable[..., None]
) -> None:
    set_env(DATABASE_URL=empty.url("the_owner", "pictures"), IMGAPP_MIGRATE_DATABASE_URL=None)
    assert db.owner_url(get_settings()).username == "the_owner"
    db.migrate()
    db.check()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_does_not_take_every_language_is_refused(
    empty: Server, set_env: Callable[..., None], encoding: str
) -> None:
    empty.run(
        f"CREATE DATABASE others OWNER the_owner ENCODING '{encoding}' LOCALE 'C'"
        " TEMPLATE template0"
    )
    set_env(
        DATABASE_URL=empty.url("the_app", "others"),
        IMGAPP_MIGRATE_DATABASE_URL=empty.url("the_owner", "others"),
    )
    for look in (db.migrate, lambda: check_database(get_settings())):
        with pytest.raises(ConfigurationError, match=f"encoding {encoding}, and imgapp needs UTF8"):
            look()


def test_the_roles_and_the_database_of_the_page_are_all_that_is_needed(
    empty: Server, set_env: Callable[..., None]
) -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    blocks = re.findall(r"```sql\n(.*?)```", page, re.S)
    [block] = [one for one in blocks if "CREATE ROLE" in one]
    names = {"_owner": "_owner_2", "_app": "_app_2", "DATABASE imgapp": "DATABASE others"}
    for theirs, ours in names.items():
        block = block.replace(theirs, ours)
    try:
        for statement in filter(None, map(str.strip, block.split(";"))):
            empty.run(statement)
        set_env(
            DATABASE_URL=empty.url("imgapp_app_2", "others"),
            IMGAPP_MIGRATE_DATABASE_URL=empty.url("imgapp_owner_2", "others"),
        )
        db.migrate()
        db.check()
        assert check_role(get_settings()) == "imgapp_app_2 is bound by row-level security"
        assert check_migrations(get_settings()).startswith("at revision")
    finally:
        db.dispose()
        empty.run("DROP DATABASE IF EXISTS others WITH (FORCE)")
        for name in ("imgapp_owner_2", "imgapp_app_2"):
            empty.run(f"DROP OWNED BY {name}")
            empty.run(f"DROP ROLE {name}")

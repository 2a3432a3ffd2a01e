"""Schema migrations: a new database from `alembic/sql/`, an older one by `alembic/versions/`.

`alembic/sql/` is the schema as it is now, by domain. `tables.sql` (tables, indexes, policies,
grants, triggers) is run once, on an empty database, which then is at the newest revision. All other
files hold functions. They are run again whenever they have changed, after the migrations, so a
function stands in its file alone, and no migration repeats it.

A migration is the delta from what `tables.sql` said before, for databases that have that already.
It also drops functions that are gone, or that PostgreSQL would not replace (other parameters,
another result); and one that needs a new function while it runs makes it itself. Tests compare both
ways (`tests/migrations/`).

`meaning/tables.sql` stands apart: it needs pgvector, and is run as soon as the database has that. A
migration that changes those tables has to ask whether they are there.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, NoReturn

import sqlalchemy as sa
from alembic import op
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import URL, Connection

from imgapp.adapters import pgvector, roles
from imgapp.errors import ConfigurationError

FOLDER = Path(__file__).parents[2] / "alembic"
BEFORE_FIRST = "0018"
"""Where databases were before the first release: the first revision takes them from there."""
_LOCK = 0x696D_6761  # "imga"
_PLACEHOLDER = re.compile(r"(?<!:):(app|user_id|vector)\b")
_USER_ID = "NULLIF(current_setting('app.user_id', true), '')::uuid"
"""Not a function: each statement under a policy would take the longer to plan."""
_MEANING = Path("sql/meaning/tables.sql")
_DOMAINS = (
    "accounts", "common", "installation", "library", "events", "analysis", "texts", "batches",
    "queue", "spending", "storage", "uploads", "webhooks",
)  # fmt: skip
"""In the order of their tables: those that others point to come first."""


def migrate(owner: URL, application: URL, folder: Path = FOLDER) -> None:
    """Make the schema, or bring it to the newest revision. Raises ConfigurationError."""
    with _engine(owner).begin() as connection:
        check_encoding(connection)
        # A second machine waits here, and then finds nothing left to do.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        script = ScriptDirectory(str(folder))
        current = _known_revision(connection, script)
        vector = pgvector.missing_tables(connection)
        is_newest = current == script.get_current_head() and _has_functions(connection, folder)
        if is_newest and vector is None:
            return
        app = roles.application_role(connection, application)
        with roles.system_role(connection):
            if current is None:
                _create(connection, folder, app)
                MigrationContext.configure(connection).stamp(script, "head")
            elif not is_newest:
                _upgrade(connection, script, app)
                _run_functions(connection, folder, app)
            if vector is not None:
                _execute(connection, (folder / _MEANING).read_text(), app, vector)
            _note_functions(connection, folder)


def check_encoding(connection: Connection) -> None:
    """Raise ConfigurationError unless the database takes every language (Unicode)."""
    encoding = connection.exec_driver_sql("SELECT getdatabaseencoding()::text").scalar_one()
    if encoding != "UTF8":
        raise ConfigurationError(
            f"The database has the encoding {encoding}, and imgapp needs UTF8. As an administrator"
            " of the server, make another one: CREATE DATABASE imgapp OWNER imgapp_owner ENCODING"
            " 'UTF8' TEMPLATE template0;"
        )


def check(owner: URL, folder: Path = FOLDER) -> str:
    """The revision of a database that is as this version needs it. Raises ConfigurationError."""
    script = ScriptDirectory(str(folder))
    with _engine(owner).connect() as connection:
        current, newest = _known_revision(connection, script), script.get_current_head()
        if current != newest:
            found = f"The database is at revision {current or 'none'}, not at {newest}"
        elif not _has_functions(connection, folder):
            found = "The functions in the database are of another version"
        else:
            return current or ""
    raise ConfigurationError(f"{found}: run `imgapp migrate` (`imgapp up` does it by itself).")


def _engine(owner: URL) -> sa.Engine:
    # What is prepared would stay behind with a pooler, for the next client to stumble over.
    options = {"prepare_threshold": None, "client_encoding": "utf8"}
    return sa.create_engine(owner, poolclass=sa.NullPool, connect_args=options)


def check_as_application(application: URL, folder: Path = FOLDER) -> str:
    """As `check`, for a role that may not read the revision: by what the owner has noted of it."""
    with _engine(application).connect() as connection:
        if _has_functions(connection, folder):
            return str(ScriptDirectory(str(folder)).get_current_head())
    raise ConfigurationError(
        "The database is not as this version of imgapp needs it: run `imgapp migrate` of this"
        " version with IMGAPP_MIGRATE_DATABASE_URL."
    )


def execute(sql: str) -> None:
    """For migrations: run SQL, in which `:app` is the application's role, and `:user_id` the person
    of the transaction."""
    _execute(op.get_bind(), sql, op.get_context().opts["app"])


def downgrade() -> NoReturn:
    """What migrations have for Alembic's way back. Raises ConfigurationError."""
    raise ConfigurationError(
        "Migrations only go forward: to go back to an older version, restore a backup."
    )


def _known_revision(connection: Connection, script: ScriptDirectory) -> str | None:
    current = MigrationContext.configure(connection).get_current_revision()
    if current in (None, BEFORE_FIRST, *(one.revision for one in script.walk_revisions())):
        return current
    if str(current) < BEFORE_FIRST:
        raise ConfigurationError(
            f"The database is at revision {current}, of long before version 0.1.0. Run `imgapp"
            f" migrate` of the last build before 0.1.0 first, which brings it to {BEFORE_FIRST},"
            " and then that of this version."
        )
    raise ConfigurationError(
        f"The database is at revision {current}, which this version of imgapp does not know: a"
        " newer one has migrated it. Run that version, or restore a backup from before."
    )


def _create(connection: Connection, folder: Path, app: str) -> None:
    # Functions name tables in their bodies, and tables name functions: one has to come first.
    _execute(connection, "SET LOCAL check_function_bodies = off", app)
    _run_functions(connection, folder, app)
    for domain in _DOMAINS:
        _execute(connection, (folder / "sql" / domain / "tables.sql").read_text(), app)
    _execute(connection, "SET LOCAL check_function_bodies = on", app)


def _upgrade(connection: Connection, script: ScriptDirectory, app: str) -> None:
    def steps(current: Any, _: MigrationContext) -> Any:
        return script._upgrade_revs("head", current)

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, app=app)
        # For Alembic, a database of before the first revision is at none.
        connection.exec_driver_sql(
            "DELETE FROM alembic_version WHERE version_num = %s", (BEFORE_FIRST,)
        )
        environment.run_migrations()


def _functions(folder: Path) -> str:
    files = [path for path in sorted(folder.glob("sql/*/*.sql")) if path.name != "tables.sql"]
    return "\n".join(path.read_text() for path in (*files, folder / "sql" / "hand_over.sql"))


def _run_functions(connection: Connection, folder: Path, app: str) -> None:
    _execute(connection, _functions(folder), app)


def _digest(folder: Path) -> str:
    newest = ScriptDirectory(str(folder)).get_current_head()
    return hashlib.sha256(f"{newest}\n{_functions(folder)}".encode()).hexdigest()


def _has_functions(connection: Connection, folder: Path) -> bool:
    noted = connection.exec_driver_sql(
        "SELECT obj_description(to_regclass('alembic_version'), 'pg_class')"
    )
    return bool(noted.scalar_one() == f"functions {_digest(folder)}")


def _note_functions(connection: Connection, folder: Path) -> None:
    note = f"COMMENT ON TABLE alembic_version IS 'functions {_digest(folder)}'"
    connection.exec_driver_sql(note)


def _execute(connection: Connection, sql: str, app: str, vector: str = "") -> None:
    values = {"app": app, "user_id": _USER_ID, "vector": vector}
    sql = _PLACEHOLDER.sub(lambda found: values[found[1]], sql)
    # Percent signs and other colons stand for themselves.
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True})

"""Database roles: makes the application's and that of the definer functions, in a migration."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError

from imgapp.errors import ConfigurationError

SYSTEM = "imgapp_system"

_OPERATOR_SQL = (
    f"CREATE ROLE {SYSTEM} NOLOGIN NOBYPASSRLS; GRANT {SYSTEM} TO {{owner}};"
    f" GRANT CREATE, USAGE ON SCHEMA public TO {SYSTEM};"
)


def application_role(connection: Connection, url: URL) -> str:
    """The quoted name of the application's role. Raises ConfigurationError if it is not fit."""
    name = url.username or os.environ.get("PGUSER") or getpass.getuser()
    role = _role(connection, name)
    if role is None:
        raise ConfigurationError(
            f"The database has no role {name!r}, which DATABASE_URL names. As an administrator of"
            f" the database, run: CREATE ROLE {_quoted(connection, name)} LOGIN PASSWORD '...';"
        )
    if role.rolsuper or role.rolbypassrls:
        raise ConfigurationError(
            f"DATABASE_URL connects as {name!r}, which row-level security does not bind, so that"
            " people would see each other's pictures. Give the application an ordinary role and"
            " put the owner's into IMGAPP_MIGRATE_DATABASE_URL."
        )
    return _quoted(connection, name)


@contextmanager
def system_role(connection: Connection) -> Iterator[None]:
    """Make the role of the definer functions if needed, and act for it within the block.

    Raises ConfigurationError with what an administrator has to run where the owner may not.
    """
    role = _role(connection, SYSTEM)
    if role is None:
        _attempt(connection, f"CREATE ROLE {SYSTEM} NOLOGIN NOBYPASSRLS")
    elif role.rolsuper or role.rolbypassrls or role.rolcanlogin:
        raise ConfigurationError(
            f"The database role {SYSTEM} has too many rights. As an administrator of the database,"
            f" run: ALTER ROLE {SYSTEM} NOSUPERUSER NOLOGIN NOBYPASSRLS;"
        )
    undo = []
    if not _acts_for_system(connection):
        options = " WITH INHERIT TRUE, SET TRUE" if _version(connection) >= 160000 else ""
        _attempt(connection, f"GRANT {SYSTEM} TO CURRENT_USER{options}")
        undo.append(f"REVOKE {SYSTEM} FROM CURRENT_USER")
    if not _scalar(connection, f"has_schema_privilege('{SYSTEM}', 'public', 'CREATE')"):
        # Only for as long as functions are handed over to it.
        _attempt(connection, f"GRANT CREATE ON SCHEMA public TO {SYSTEM}")
        undo.append(f"REVOKE CREATE ON SCHEMA public FROM {SYSTEM}")
    if not _scalar(connection, f"has_schema_privilege('{SYSTEM}', 'public', 'CREATE')"):
        raise _not_allowed(connection)
    yield
    for statement in reversed(undo):
        connection.exec_driver_sql(statement)


def _attempt(connection: Connection, statement: str) -> None:
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in ("42501", "0LP01"):
            raise
        raise _not_allowed(connection) from error


def _not_allowed(connection: Connection) -> ConfigurationError:
    owner = _quoted(connection, str(_scalar(connection, "current_user")))
    return ConfigurationError(
        "The owner's database role may not make roles. As an administrator of the database, run: "
        + _OPERATOR_SQL.format(owner=owner)
    )


def _acts_for_system(connection: Connection) -> bool:
    if _version(connection) >= 160000:
        return bool(
            _scalar(
                connection,
                f"pg_has_role('{SYSTEM}', 'SET') AND pg_has_role('{SYSTEM}', 'USAGE')",
            )
        )
    return bool(_scalar(connection, f"pg_has_role('{SYSTEM}', 'MEMBER')"))


def _role(connection: Connection, name: str) -> sa.Row[tuple[bool, bool, bool]] | None:
    return connection.execute(
        sa.text("SELECT rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = :name"),
        {"name": name},
    ).one_or_none()


def _version(connection: Connection) -> int:
    return int(str(_scalar(connection, "current_setting('server_version_num')")))


def _scalar(connection: Connection, expression: str) -> object:
    return connection.execute(sa.text(f"SELECT {expression}")).scalar_one()


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)

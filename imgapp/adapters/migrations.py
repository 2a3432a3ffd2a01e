"""Migration helpers: run SQL files, hand functions over to the system role (Alembic)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from imgapp.adapters import db, roles
from imgapp.settings import get_settings

_SQL = Path(__file__).parents[2] / "alembic" / "sql"


def application() -> str:
    """The quoted role of the application. Raises ConfigurationError if it is not fit."""
    return roles.application_role(op.get_bind(), db.application_url(get_settings()))


def execute(sql: str) -> None:
    """Run SQL as it stands, percent signs and colons included."""
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})


def run_file(name: str) -> None:
    """Run `alembic/sql/NAME.sql`, in which `:app` is the application's role."""
    execute((_SQL / f"{name}.sql").read_text().replace(":app", application()))


def hand_over(functions: Iterable[str]) -> None:
    """Give functions to the role that looks across people, and let only the application call them.

    Runs within `roles.system_role`.
    """
    functions = list(functions)
    let_call(functions)
    for signature in _signatures(functions):
        execute(f"ALTER FUNCTION {signature} OWNER TO {roles.SYSTEM}")


def let_call(functions: Iterable[str]) -> None:
    """Let only the application and that role call functions, which stay those of the owner."""
    app = application()
    for signature in _signatures(functions):
        execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
        execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {app}, {roles.SYSTEM}")


def drop_functions(functions: Iterable[str]) -> None:
    """Drop functions by their names. Runs within `roles.system_role`."""
    for signature in _signatures(functions):
        execute(f"DROP FUNCTION {signature}")


def _signatures(functions: Iterable[str]) -> list[str]:
    rows = op.get_bind().execute(
        sa.text(
            "SELECT oid::regprocedure::text FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace AND proname = ANY(:names)"
        ),
        {"names": list(functions)},
    )
    return list(rows.scalars())

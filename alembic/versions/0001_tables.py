"""The tables, row-level security, and the functions that look across people."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from imgapp.adapters import db, roles
from imgapp.settings import get_settings

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql" / revision

# Run by whoever calls them; imgapp_system owns all others.
PLAIN_FUNCTIONS = ["imgapp_search_document", "imgapp_search_query"]
TABLES = ["idempotency_keys", "image_analyses", "images", "tokens", "sessions", "users"]


def upgrade() -> None:
    connection = op.get_bind()
    app = roles.application_role(connection, db.application_url(get_settings()))
    for name in ("tables", "search_column"):
        _run(name)
    with roles.system_role(connection):
        _run("policies", app)
        for name in ("people", "queue", "search"):
            _run(name)
        for function, signature in _functions():
            _execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
            _execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {app}, {roles.SYSTEM}")
            if function not in PLAIN_FUNCTIONS:
                _execute(f"ALTER FUNCTION {signature} OWNER TO {roles.SYSTEM}")


def downgrade() -> None:
    connection = op.get_bind()
    app = roles.application_role(connection, db.application_url(get_settings()))
    with roles.system_role(connection):
        _execute("ALTER TABLE images DROP COLUMN search")
        for _, signature in _functions():
            _execute(f"DROP FUNCTION {signature}")
        for table in TABLES:
            _execute(f"DROP TABLE {table} CASCADE")
        _execute(f"REVOKE USAGE ON SCHEMA public FROM {app}, {roles.SYSTEM}")
    roles.drop_system_role(connection)


def _functions() -> list[tuple[str, str]]:
    """Name and signature of every function of ours."""
    rows = op.get_bind().execute(
        sa.text(
            "SELECT proname, oid::regprocedure::text FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'imgapp\\_%'"
        )
    )
    return [(row.proname, row.oid) for row in rows]


def _run(name: str, app: str = "") -> None:
    _execute((SQL / f"{name}.sql").read_text().replace(":app", app))


def _execute(sql: str) -> None:
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})

"""Accounts of which nobody has shown that their address is theirs."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from imgapp.adapters import db, roles
from imgapp.settings import get_settings

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql" / revision
FUNCTION = "imgapp_mark_self_registered(uuid)"


def upgrade() -> None:
    app = roles.application_role(op.get_bind(), db.application_url(get_settings()))
    with roles.system_role(op.get_bind()):
        _execute((SQL / "self_registered.sql").read_text().replace(":app", app))
        _execute(f"REVOKE EXECUTE ON FUNCTION {FUNCTION} FROM PUBLIC")
        _execute(f"GRANT EXECUTE ON FUNCTION {FUNCTION} TO {app}, {roles.SYSTEM}")
        _execute(f"ALTER FUNCTION {FUNCTION} OWNER TO {roles.SYSTEM}")


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        _execute(f"DROP FUNCTION {FUNCTION}")
    _execute("ALTER TABLE users DROP COLUMN self_registered")


def _execute(sql: str) -> None:
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})

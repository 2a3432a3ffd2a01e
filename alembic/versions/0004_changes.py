"""The time of every change of a picture, and what was removed, for programs that catch up."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from imgapp.adapters import db, roles
from imgapp.settings import get_settings

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql" / revision


def upgrade() -> None:
    app = roles.application_role(op.get_bind(), db.application_url(get_settings()))
    with roles.system_role(op.get_bind()):
        _execute((SQL / "changes.sql").read_text().replace(":app", app))
        for function in ("imgapp_note_deletions()", "imgapp_touch_image()"):
            _execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
            _execute(f"GRANT EXECUTE ON FUNCTION {function} TO {app}, {roles.SYSTEM}")
            _execute(f"ALTER FUNCTION {function} OWNER TO {roles.SYSTEM}")


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        for trigger in ("images_touched", "images_deletions"):
            _execute(f"DROP TRIGGER {trigger} ON images")
        for function in ("imgapp_note_deletions()", "imgapp_touch_image()"):
            _execute(f"DROP FUNCTION {function}")
    _execute("DROP TABLE image_deletions")
    _execute("DROP INDEX images_changes")


def _execute(sql: str) -> None:
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})

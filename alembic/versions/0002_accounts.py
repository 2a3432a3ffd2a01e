"""Accounts: deletion, quotas and usage, identities of single sign-on, and the audit trail."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from imgapp.adapters import db, roles
from imgapp.settings import get_settings

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"

REPLACED = {
    "people": ["imgapp_user_count", "imgapp_create_user", "imgapp_sign_in", "imgapp_session",
               "imgapp_session_by_id", "imgapp_token"],
    "queue": ["imgapp_claim_image", "imgapp_renew_lease", "imgapp_sweep", "imgapp_due_count",
              "imgapp_purge_trash"],
}  # fmt: skip
"""Functions of 0001, by the file they are in: downgrading runs these files again."""

ADDED = [
    "imgapp_audit", "imgapp_audit_events", "imgapp_count_usage", "imgapp_delete_person",
    "imgapp_first_admin", "imgapp_identity", "imgapp_is_admin", "imgapp_is_last_admin",
    "imgapp_people", "imgapp_purge_deleted_images", "imgapp_purge_deleted_person",
    "imgapp_require_admin", "imgapp_set_password", "imgapp_trim_audit", "imgapp_update_person",
]  # fmt: skip
USER_COLUMNS = [
    "quota_bytes", "quota_images", "deleting_at", "last_seen_at", "password_changed_at",
    "password_is_temporary",
]  # fmt: skip


def upgrade() -> None:
    app = roles.application_role(op.get_bind(), db.application_url(get_settings()))
    _run("0002/tables")
    _count_what_is_there()
    with roles.system_role(op.get_bind()):
        _run("0002/policies", app)
        for name in ("usage", "people", "queue", "audit"):
            _run(f"0002/{name}")
        _hand_over(ADDED, app)


def downgrade() -> None:
    app = roles.application_role(op.get_bind(), db.application_url(get_settings()))
    with roles.system_role(op.get_bind()):
        for trigger in ("images_usage_added", "images_usage_removed"):
            _execute(f"DROP TRIGGER {trigger} ON images")
        for signature in _signatures(ADDED):
            _execute(f"DROP FUNCTION {signature}")
        for name, functions in REPLACED.items():
            for signature in _signatures(functions):
                _execute(f"DROP FUNCTION {signature}")
            _run(f"0001/{name}")
            _hand_over(functions, app)
        for table in ("audit_events", "storage_usage", "identities"):
            _execute(f"DROP TABLE {table}")
        _execute("DROP POLICY system_ends ON sessions")
        _execute(f"REVOKE DELETE ON sessions, tokens, users FROM {roles.SYSTEM}")
        for granted in ("SELECT (created_at)", "UPDATE (disabled_at, is_admin, password_hash)"):
            _execute(f"REVOKE {granted} ON users FROM {roles.SYSTEM}")
        _execute("ALTER TABLE sessions DROP COLUMN auth_method")
        for column in USER_COLUMNS:
            _execute(f"ALTER TABLE users DROP COLUMN {column}")


def _count_what_is_there() -> None:
    # As the owner, who otherwise sees no row either.
    _execute("ALTER TABLE images NO FORCE ROW LEVEL SECURITY")
    _execute(
        "INSERT INTO storage_usage (user_id, images, bytes)"
        " SELECT user_id, count(*), sum(file_size) FROM images GROUP BY user_id"
    )
    _execute("ALTER TABLE images FORCE ROW LEVEL SECURITY")


def _hand_over(functions: list[str], app: str) -> None:
    for signature in _signatures(functions):
        _execute(f"REVOKE EXECUTE ON FUNCTION {signature} FROM PUBLIC")
        _execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {app}, {roles.SYSTEM}")
        _execute(f"ALTER FUNCTION {signature} OWNER TO {roles.SYSTEM}")


def _signatures(functions: list[str]) -> list[str]:
    rows = op.get_bind().execute(
        sa.text(
            "SELECT oid::regprocedure::text FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace AND proname = ANY(:names)"
        ),
        {"names": functions},
    )
    return list(rows.scalars())


def _run(name: str, app: str = "") -> None:
    _execute((SQL / f"{name}.sql").read_text().replace(":app", app))


def _execute(sql: str) -> None:
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})

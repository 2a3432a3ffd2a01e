"""Accounts: deletion, quotas and usage, identities of single sign-on, and the audit trail."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, hand_over, run_file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

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
    run_file("0002/tables")
    _count_what_is_there()
    with roles.system_role(op.get_bind()):
        run_file("0002/policies")
        for name in ("usage", "people", "queue", "audit"):
            run_file(f"0002/{name}")
        hand_over(ADDED)


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        for trigger in ("images_usage_added", "images_usage_removed"):
            execute(f"DROP TRIGGER {trigger} ON images")
        drop_functions(ADDED)
        for name, functions in REPLACED.items():
            drop_functions(functions)
            run_file(f"0001/{name}")
            hand_over(functions)
        for table in ("audit_events", "storage_usage", "identities"):
            execute(f"DROP TABLE {table}")
        execute("DROP POLICY system_ends ON sessions")
        execute(f"REVOKE DELETE ON sessions, tokens, users FROM {roles.SYSTEM}")
        for granted in ("SELECT (created_at)", "UPDATE (disabled_at, is_admin, password_hash)"):
            execute(f"REVOKE {granted} ON users FROM {roles.SYSTEM}")
        execute("ALTER TABLE sessions DROP COLUMN auth_method")
        for column in USER_COLUMNS:
            execute(f"ALTER TABLE users DROP COLUMN {column}")


def _count_what_is_there() -> None:
    # As the owner, who otherwise sees no row either.
    execute("ALTER TABLE images NO FORCE ROW LEVEL SECURITY")
    execute(
        "INSERT INTO storage_usage (user_id, images, bytes)"
        " SELECT user_id, count(*), sum(file_size) FROM images GROUP BY user_id"
    )
    execute("ALTER TABLE images FORCE ROW LEVEL SECURITY")

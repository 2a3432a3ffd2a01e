"""Lists of a hundred thousand pictures, and what the metrics measure."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, hand_over, run_file

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SEARCH = "imgapp_search_images(text, text, text, timestamptz, uuid, integer)"
FUNCTIONS = ["imgapp_count_listed", "imgapp_count_usage", "imgapp_metrics"]


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0009/lists")
        run_file("0009/metrics")
        hand_over(FUNCTIONS)
    _count_what_is_there()


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        for trigger in ("images_usage_listed", "images_usage_added", "images_usage_removed"):
            execute(f"DROP TRIGGER {trigger} ON images")
        drop_functions(FUNCTIONS)
        run_file("0002/usage")
        hand_over(["imgapp_count_usage"])
        execute(f"ALTER FUNCTION {SEARCH} ROWS 1000")
    execute(f"REVOKE SELECT (queued_at) ON images FROM {roles.SYSTEM}")
    execute("ALTER TABLE storage_usage DROP COLUMN listed")
    execute("DROP INDEX images_by_status")
    execute("DROP INDEX images_gallery")
    execute("CREATE INDEX images_gallery ON images (user_id, uploaded_at DESC, id DESC)")


def _count_what_is_there() -> None:
    # As the owner, who otherwise sees no row either.
    for table in ("images", "storage_usage"):
        execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    execute(
        "UPDATE storage_usage u SET listed ="
        " (SELECT count(*) FROM images i WHERE i.user_id = u.user_id AND i.deleted_at IS NULL)"
    )
    for table in ("images", "storage_usage"):
        execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")

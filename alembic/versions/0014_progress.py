"""How far the queue is, for everybody and for administrators."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, hand_over, run_file

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FUNCTIONS = [
    "imgapp_note_progress",
    "imgapp_pictures_ahead",
    "imgapp_queue",
    "imgapp_retry_failed",
]


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0014/progress")
        run_file("0014/queue")
        hand_over(FUNCTIONS)


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        drop_functions(FUNCTIONS)
    execute("DROP TABLE progress")
    execute("DROP INDEX images_finished, images_failed")
    execute(
        "REVOKE SELECT (started_at, completed_at, error_code),"
        f" UPDATE (priority, queued_at, attempts) ON images FROM {roles.SYSTEM}"
    )

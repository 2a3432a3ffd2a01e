"""The time of every change of a picture, and what was removed, for programs that catch up."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, hand_over, run_file

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FUNCTIONS = ["imgapp_note_deletions", "imgapp_touch_image"]


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0004/changes")
        hand_over(FUNCTIONS)


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        for trigger in ("images_touched", "images_deletions"):
            execute(f"DROP TRIGGER {trigger} ON images")
        drop_functions(FUNCTIONS)
    execute("DROP TABLE image_deletions")
    execute("DROP INDEX images_changes")

"""The files of pictures that were removed, until they are gone from the store."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import application, drop_functions, execute, hand_over, run_file

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FUNCTIONS = [
    "imgapp_due_removals", "imgapp_end_removals", "imgapp_images_elsewhere",
    "imgapp_note_removals", "imgapp_storage_overview",
]  # fmt: skip


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0005/removals")
        run_file("0005/people")
        hand_over(FUNCTIONS)


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        execute("DROP TRIGGER images_removals ON images")
        run_file("0005/before")
        drop_functions(FUNCTIONS)
    execute("DROP TABLE store_removals")
    execute(f"REVOKE SELECT (file_size) ON images FROM {roles.SYSTEM}")
    execute(f"REVOKE UPDATE (s3_bucket) ON images FROM {application()}")

"""Uploads that go straight to the bucket: what was promised, and how far it is."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, hand_over, run_file

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FUNCTIONS = ["imgapp_expired_uploads", "imgapp_known_uploads", "imgapp_unfinished_uploads"]


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0007/direct_uploads")
        hand_over(FUNCTIONS)


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        drop_functions(FUNCTIONS)
    execute("DROP TABLE direct_uploads")

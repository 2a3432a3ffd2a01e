"""Accounts of which nobody has shown that their address is theirs."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, hand_over, run_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FUNCTIONS = ["imgapp_mark_self_registered"]


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0003/self_registered")
        hand_over(FUNCTIONS)


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        drop_functions(FUNCTIONS)
    execute("ALTER TABLE users DROP COLUMN self_registered")

"""Webhooks, and what is to be sent to them."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, hand_over, run_file

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FUNCTIONS = [
    "imgapp_claim_delivery", "imgapp_due_deliveries", "imgapp_note_deliveries",
    "imgapp_sweep_deliveries", "imgapp_trim_deliveries",
]  # fmt: skip


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0006/webhooks")
        run_file("0006/deliveries")
        hand_over(FUNCTIONS)


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        execute("DROP TRIGGER images_deliveries ON images")
        drop_functions(FUNCTIONS)
    execute("DROP TABLE webhook_deliveries")
    execute("DROP TABLE webhooks")

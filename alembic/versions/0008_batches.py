"""Batches of pictures that a program sends, or has fetched."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, hand_over, run_file

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

FUNCTIONS = [
    "imgapp_claim_fetch",
    "imgapp_count_batch_items",
    "imgapp_purge_batches",
    "imgapp_recount_batch_items",
    "imgapp_sweep_fetches",
]


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0008/batches")
        run_file("0008/fetching")
        hand_over(FUNCTIONS)


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        for trigger in ("batch_items_added", "batch_items_changed"):
            execute(f"DROP TRIGGER {trigger} ON batch_items")
        drop_functions(FUNCTIONS)
    for table in ("fetch_rests", "batch_items", "batches"):
        execute(f"DROP TABLE {table}")

"""What analyses cost, and how much they may."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, hand_over, run_file

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CHANGED = ["imgapp_claim_image", "imgapp_note_waits", "imgapp_renew_lease"]
ADDED = [
    "imgapp_allowance",
    "imgapp_call_cost",
    "imgapp_forget_over_budget",
    "imgapp_keep_usage",
    "imgapp_left",
    "imgapp_month",
    "imgapp_recent_calls",
    "imgapp_reserve",
    "imgapp_set_aside",
    "imgapp_set_budget",
    "imgapp_spend",
    "imgapp_spending",
    "imgapp_spending_people",
    "imgapp_spending_rows",
]
BESIDE = [
    "imgapp_due_count",
    "imgapp_lane_model",
    "imgapp_may_probe",
    "imgapp_sweep",
    "imgapp_waits_because",
]
"""They are in the same files as those that were there before."""


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        for name in ("tables", "spending", "budgets", "claim", "waits"):
            run_file(f"0012/{name}")
        hand_over([*CHANGED, *ADDED])


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        execute("DROP TRIGGER installation_budgets ON installation")
        for table in ("model_calls", "usage_removed", "usage_months"):
            execute(f"DROP TABLE {table}")
        drop_functions([*ADDED, *CHANGED, *BESIDE])
        for name in ("claim", "waits"):
            run_file(f"0010/{name}")
        hand_over([*CHANGED, *BESIDE])

"""How fast, how much at once and whether at all pictures are analysed, and what people prefer."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, hand_over, run_file

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

REPLACED = ["imgapp_claim_image", "imgapp_due_count"]
"""Their parameters are others now."""
CHANGED = ["imgapp_renew_lease", "imgapp_sweep"]
ADDED = [
    "imgapp_change_installation",
    "imgapp_lane_model",
    "imgapp_may_probe",
    "imgapp_note_pause",
    "imgapp_note_waits",
    "imgapp_provider_answered",
    "imgapp_provider_failed",
    "imgapp_set_lane",
    "imgapp_waits_because",
]


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        drop_functions(REPLACED)
        for name in ("tables", "breaker", "claim", "waits"):
            run_file(f"0010/{name}")
        hand_over([*REPLACED, *CHANGED, *ADDED])


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        for trigger in ("images_lane", "images_touched"):
            execute(f"DROP TRIGGER {trigger} ON images")
        for table in ("provider_state", "preferences", "installation"):
            execute(f"DROP TABLE {table}")
        drop_functions([*REPLACED, *ADDED])
        run_file("0010/before")
        run_file("0002/queue")
        hand_over([*REPLACED, *CHANGED])

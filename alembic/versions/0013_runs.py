"""Analyses of many pictures again, and where a text came from."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import drop_functions, execute, hand_over, run_file

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

FUNCTIONS = ["imgapp_note_run_item", "imgapp_open_runs", "imgapp_purge_runs"]


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0013/runs")
        hand_over(FUNCTIONS)


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        for trigger in ("images_run", "images_chosen"):
            execute(f"DROP TRIGGER {trigger} ON images")
        drop_functions(FUNCTIONS)
        run_file("0013/before")
    for table in ("run_items", "runs"):
        execute(f"DROP TABLE {table}")
    execute("DROP INDEX image_analyses_by_model")
    execute("ALTER TABLE images DROP COLUMN choices")
    execute(
        "ALTER TABLE image_analyses DROP COLUMN detail, DROP COLUMN asked,"
        " DROP COLUMN reused_from, DROP COLUMN run_id"
    )

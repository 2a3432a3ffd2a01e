"""What models are asked, in versions; trials of it; and what batches are for."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import application, drop_functions, execute, hand_over, run_file

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

FUNCTIONS = ["imgapp_add_installation_prompt"]


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0011/prompts")
        hand_over(FUNCTIONS)


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        drop_functions(FUNCTIONS)
    for table in ("prompt_trials", "installation_prompts", "prompts"):
        execute(f"DROP TABLE {table}")
    execute("ALTER TABLE batches DROP COLUMN context")
    execute(f"REVOKE UPDATE (name) ON batches FROM {application()}")

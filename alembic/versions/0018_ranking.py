"""The best match first takes no longer where very many match."""

from __future__ import annotations

from alembic import op

from imgapp.adapters import roles
from imgapp.adapters.migrations import run_file

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0018/ranking")


def downgrade() -> None:
    with roles.system_role(op.get_bind()):
        run_file("0018/before")

"""A few pixels of each picture, to be seen before its thumbnail."""

from __future__ import annotations

from imgapp.adapters.migrations import execute

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute(
        "ALTER TABLE images ADD COLUMN placeholder text"
        " CONSTRAINT images_placeholder_check CHECK (length(placeholder) <= 200)"
    )


def downgrade() -> None:
    execute("ALTER TABLE images DROP COLUMN placeholder")

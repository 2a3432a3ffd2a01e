"""${message}: what it changes of the tables."""

from __future__ import annotations

from imgapp.adapters.migrations import downgrade, execute  # noqa: F401

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    execute("")

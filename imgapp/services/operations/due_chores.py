"""Due chores: asks the database which of a worker's chores have something to do (one query)."""

from __future__ import annotations

from typing import Literal

from imgapp.adapters import db
from imgapp.settings import get_settings

DueChore = Literal[
    "queue",
    "progress",
    "deleted people",
    "removals",
    "direct uploads",
    "deliveries",
    "fetches",
    "runs",
    "texts",
    "models",
    "embeddings",
]


def due_chores() -> frozenset[DueChore]:
    """Those that would find something to do now. Raises DatabaseUnavailable."""
    local = get_settings().pictures_dir.is_dir()
    return frozenset(db.look_up("imgapp_due_chores", local).names)

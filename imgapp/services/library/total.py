"""The number of a person's pictures without the trash, which the database keeps at each change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

TOTAL = "SELECT listed FROM storage_usage"
"""As the person; in a transaction of theirs, or in one exchange with others (`db.read`)."""


def total_of(rows: Sequence[Any]) -> int:
    """From what `TOTAL` finds: there is no row before the first picture."""
    return int(rows[0].listed) if rows else 0

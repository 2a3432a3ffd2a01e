"""The trash: what was deleted stays for a month and is then removed for good."""

from __future__ import annotations

from sqlalchemy import text

from imgapp.adapters.db import transaction
from imgapp.adapters.storage import get_store

DAYS_KEPT = 30
_AT_ONCE = 50
_PURGE = text("SELECT s3_key FROM imgapp_purge_trash(make_interval(days => :days), :limit)")


def purge_trash() -> int:
    """Remove pictures whose month is over, with their files; returns how many.

    Raises DatabaseUnavailable, StoreUnavailable.
    """
    removed = 0
    while (some := _purge_some()) > 0:
        removed += some
    return removed


def _purge_some() -> int:
    with transaction() as session:
        keys = list(session.execute(_PURGE, {"days": DAYS_KEPT, "limit": _AT_ONCE}).scalars())
        # Before the commit: rows whose files could not be removed stay, and are tried again.
        for key in keys:
            get_store().delete_prefix(key.rpartition("/")[0] + "/")
    return len(keys)

"""Retries from a page: queue many pictures again without making the page wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from imgapp.services.common.thread_pools import in_bulk
from imgapp.ui.shell.reason_words import pictures

log = logging.getLogger(__name__)

PATIENCE = 3.0
"""Seconds; a tab takes no other event meanwhile."""

_going_on: set[asyncio.Task[int]] = set()


async def queue_again(retry: Callable[[], int]) -> str:
    """Queue what failed; what to say of it. Raises what the service raises."""
    task = asyncio.create_task(in_bulk(retry))
    done, _ = await asyncio.wait({task}, timeout=PATIENCE)
    if not done:
        _going_on.add(task)
        task.add_done_callback(_ended)
        return "They are being queued again, thousands at a time."
    count = task.result()
    if not count:
        return "Nothing of this has failed any more."
    return f"{pictures(count)} {'waits' if count == 1 else 'wait'} again."


def _ended(task: asyncio.Task[int]) -> None:
    _going_on.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("retry_broke", exc_info=error)

"""Upload bodies: hand the bytes of a request on in large pieces, as they come (streaming)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fastapi import Request
from starlette.exceptions import HTTPException

from imgapp.services.common.thread_pools import in_io

IDLE_SECONDS = 30.0
"""A client that sends nothing for so long is given up."""

_PIECE = 384 * 1024
"""Each goes to another thread and back."""


async def read_body(request: Request, take: Callable[[bytes], None], most: int) -> None:
    """Give all of the body to `take`, which may block; at most `most` bytes.

    Raises ClientDisconnect, what `take` raises, 408 and 413.
    """
    pieces: list[bytes] = []
    held = received = 0
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(IDLE_SECONDS) as patience:
            async for chunk in request.stream():
                pieces.append(chunk)
                held += len(chunk)
                received += len(chunk)
                if received > most:
                    raise HTTPException(413, "The request is too large: send fewer files at once")
                if held >= _PIECE or not chunk:
                    patience.reschedule(None)
                    await in_io(take, b"".join(pieces))
                    pieces, held = [], 0
                patience.reschedule(loop.time() + IDLE_SECONDS)
    except TimeoutError:
        raise HTTPException(408, "The upload stood still for too long") from None

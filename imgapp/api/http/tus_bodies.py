"""tus bodies: receive the bytes of one request; whatever ends it, what arrived is kept."""

from __future__ import annotations

import asyncio

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from imgapp.errors import FileTooLarge
from imgapp.services.common.thread_pools import in_io
from imgapp.services.uploads.tus_uploads import Receiver

IDLE_SECONDS = 30.0
"""A client that sends nothing for so long is given up."""
_PIECE = 256 * 1024
_LOOK_SECONDS = 0.25


async def receive(request: Request, receiver: Receiver) -> None:
    """Append the body.

    Raises ClientDisconnect, StoreUnavailable; 408, 413, and 423 when the client came back.
    """
    pieces: list[bytes] = []
    held = 0
    loop = asyncio.get_running_loop()
    watch: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(IDLE_SECONDS) as patience:
            watch = asyncio.create_task(_give_way(receiver, patience))
            async for chunk in request.stream():
                pieces.append(chunk)
                held += len(chunk)
                if held >= _PIECE:
                    taken, pieces, held = pieces, [], 0
                    await _write(receiver, taken)
                if not receiver.is_wanted:
                    patience.reschedule(loop.time() + IDLE_SECONDS)
    except TimeoutError:
        await _write(receiver, pieces)
        if receiver.is_wanted:
            raise HTTPException(423, "Another request goes on with this upload") from None
        raise HTTPException(408, "The upload stood still for too long") from None
    except ClientDisconnect:
        await _write(receiver, pieces)
        raise
    finally:
        if watch is not None:
            watch.cancel()
    await _write(receiver, pieces)


async def _write(receiver: Receiver, pieces: list[bytes]) -> None:
    if pieces:
        try:
            # Not given up half-way: what is written is what the next request goes on from.
            await asyncio.shield(in_io(receiver.write, b"".join(pieces)))
        except FileTooLarge as error:
            raise HTTPException(413, error.detail) from None


async def _give_way(receiver: Receiver, patience: asyncio.Timeout) -> None:
    # Another process says so, with a file.
    while not receiver.is_wanted:  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_SECONDS)
    patience.reschedule(0)

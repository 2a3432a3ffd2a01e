"""`GET /api/events`: server-sent events (WHATWG HTML, 9.2) of the caller's own pictures."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.types import Receive, Scope, Send

from imgapp.api.http.auth import current_viewer, require_read
from imgapp.api.http.problems import documented
from imgapp.errors import (
    Forbidden,
    NotSignedIn,
    RateLimited,
    ServiceUnavailable,
    ShuttingDown,
)
from imgapp.models import Viewer
from imgapp.services.common import metrics
from imgapp.services.events.change_feed import DELETED, RESET, ImageChange
from imgapp.services.events.streams import LOOK_AGAIN_SECONDS, Stream

log = logging.getLogger(__name__)

router = APIRouter(tags=["events"])

MEDIA_TYPE = "text/event-stream"
HEARTBEAT_SECONDS = LOOK_AGAIN_SECONDS
CHECK_SECONDS = 1.0
"""Whether the caller may still listen is asked so often."""
SEND_SECONDS = 10.0
"""A client that takes nothing for so long is given up; it comes back and catches up."""
RETRY_MILLISECONDS = 2000
_PAUSE_SECONDS = 1.0
"""While the database does not answer."""

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # For proxies that would collect what we send (nginx).
    (b"x-accel-buffering", b"no"),
]
_EXAMPLE = (
    "event: image_described\n"
    "id: AAZWZ0mKQkABmi9efEF7HJ1TLwpuG4xEo1V8Yt0pJb2n9Qw3rS6mdA\n"
    'data: {"id": "019a2f5e-7c41-7b1c-9d53-2f0a6e1b8c44", "status": "completed", …}\n\n'
)
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=200,
        description="The id of the last event you have; browsers send it by themselves",
    ),
]


@router.get(
    "/api/events",
    response_class=Response,
    responses={
        **documented("invalid_event_id", "queue_unavailable"),
        200: {
            "description": "A stream that does not end",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
    },
)
async def stream_events(
    request: Request,
    viewer: Annotated[Viewer, Depends(require_read)],
    last_event_id: LastEventId = None,
) -> Response:
    """What happens to your pictures, as it happens (server-sent events).

    `event` says where the picture is now: `image_queued`, `image_claimed`, `image_described`,
    `image_failed`, with the picture itself as `data`; or `image_deleted`, with its `id` alone,
    also when it went to the trash. Changes close to one another come as one event, with the
    picture as it is. After `Last-Event-ID` the stream begins with what changed since, so that
    nothing is missed; some may come twice. `reset` says that you were away for longer than 30
    days: read the list again. A comment comes every 15 seconds when nothing happens.
    """
    return EventResponse(request, Stream(viewer.user_id, last_event_id or None))


class EventResponse(Response):
    """Sends a person's stream until the client leaves or may not listen any more."""

    def __init__(self, request: Request, stream: Stream) -> None:
        super().__init__(media_type=MEDIA_TYPE)
        self._request, self._stream = request, stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        # Refusals come before the first byte, and are problem documents.
        async with self._stream:
            with metrics.EVENT_STREAMS.track_inprogress():
                await self._stream_to(receive, send)

    async def _stream_to(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        # Tasks of their own: a server need not run requests as tasks that can be cancelled.
        sending = asyncio.create_task(self._send_all(send))
        leaving = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            ended = await asyncio.gather(sending, leaving, return_exceptions=True)
        if isinstance(ended[0], Exception):
            raise ended[0]

    async def _send_all(self, send: Send) -> None:
        try:
            async for text in self._texts():
                async with asyncio.timeout(SEND_SECONDS):
                    await _send_part(send, text)
        except TimeoutError:
            log.info("slow_listener_dropped")
            return
        except ShuttingDown:
            log.debug("stream_ended_with_the_process")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _texts(self) -> AsyncIterator[str]:
        stream = self._stream
        # An id, with or without data, is where to go on should nothing more arrive.
        reset = f"event: {RESET}\ndata: {{}}\n" if stream.missed else ""
        yield f"retry: {RETRY_MILLISECONDS}\nid: {stream.id}\n{reset}\n"
        checked = said = time.monotonic()
        while True:
            try:
                if time.monotonic() - checked >= CHECK_SECONDS:
                    if not await self._may_listen():
                        return
                    checked = time.monotonic()
                if changes := await stream.read():
                    yield "".join(map(_event, changes))
                    said = time.monotonic()
            except ServiceUnavailable:
                log.warning("changes_not_read")
                await asyncio.sleep(_PAUSE_SECONDS)
            quiet = time.monotonic() - said
            if quiet >= HEARTBEAT_SECONDS:
                yield ": still here\n\n"
                said = time.monotonic()
            else:
                await stream.wait(HEARTBEAT_SECONDS - quiet)

    async def _may_listen(self) -> bool:
        """Whether session or token are still good. Raises ServiceUnavailable."""
        try:
            await require_read(await current_viewer(self._request))
        except (NotSignedIn, Forbidden):
            return False
        except RateLimited:
            pass  # known, and busy
        return True


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_part(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _event(change: ImageChange) -> str:
    if change.kind == DELETED:
        data = json.dumps({"id": str(change.image_id)})
    else:
        assert change.image is not None
        data = change.image.model_dump_json()
    return f"event: {change.kind}\nid: {change.id}\ndata: {data}\n\n"

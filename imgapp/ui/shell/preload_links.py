"""Preload links: name the first pictures in the answer to `/`, before any script (Link header)."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgapp.errors import ImgappError
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library import listing
from imgapp.ui.shell.viewer_context import viewer_of

PICTURES = 12
"""About what fits on a first screen."""
MOST_BYTES = 2_500
"""Proxies accept headers of 4 kB in all."""


class PreloadLinks:
    """ASGI wrapper: adds `Link: <thumbnail>; rel=preload` (RFC 8288) for the newest pictures."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            return await self.app(scope, receive, send)
        viewer = await viewer_of(HTTPConnection(scope))
        link = preload_link(await _thumbnails(viewer.user_id)) if viewer else ""

        async def send_with_link(message: Message) -> None:
            if (
                message["type"] == "http.response.start"
                and message["status"] in (200, 304)
                and link
            ):
                headers = MutableHeaders(scope=message)
                headers["Link"] = link
                # The page is the same for everybody, this header is not.
                headers["Cache-Control"] = "private, no-cache"
            await send(message)

        return await self.app(scope, receive, send_with_link)


async def _thumbnails(user_id: UUID) -> list[str]:
    try:
        page = await in_db(listing.list_images, user_id, limit=PICTURES)
    except ImgappError:
        return []
    return [image.urls.thumbnail for image in page.items]


def preload_link(urls: Iterable[str]) -> str:
    """The value of a Link header for as many of the pictures as fit; empty for none."""
    link = ""
    for url in urls:
        one = f"<{url}>;rel=preload;as=image;fetchpriority=low"
        longer = f"{link},{one}" if link else one
        if len(longer) > MOST_BYTES:
            break
        link = longer
    return link

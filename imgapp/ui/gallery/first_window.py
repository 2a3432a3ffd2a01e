"""The first window: puts the newest pictures into the answer to `/`, before any script (ASGI).

They stand where the grid puts them (`assets/gallery/first-window.js`), until the grid is live and
takes their place. Until then a picture is a link to its own address. What makes the page live is
asked for once those on the screen are painted: before, it would take the processor from them.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from uuid import UUID

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from imgapp.errors import ImgappError
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library import card_rows
from imgapp.services.library.image_query import ImageQuery
from imgapp.ui.shell.cards import SEE_THROUGH, Card, card_of
from imgapp.ui.shell.viewer_context import viewer_of

PICTURES = 60
"""As many as the grid mounts."""
EAGER = 30
"""About what fits on a large screen: asked for before the page is laid out."""

SKELETON = (
    '<ul class="grid skeleton" aria-hidden="true">'
    + '<li class="card"><div class="picture"></div><div class="coming"><span></span><span></span>'
    "</div></li>" * 12 + "</ul>"
)
"""What stands there where no picture is sent with the page."""

# Nothing is drawn before each picture is in its place.
_WINDOW = 'data-testid="grid" data-first-window=""'
_HEAD = '<script type="module" blocking="render" src="/assets/first-window.js"></script></head>'
# What `first-window.js` imports is asked for at once; all other modules when it says so.
_LATER = {
    re.compile(r'<link rel="modulepreload"(?! href="/assets/layout-)'): '<link rel="later"',
    re.compile(r'<script type="module" async="">'): '<script type="later">',
}


class FirstWindow:
    """ASGI wrapper: answers `GET /` with the page and the first of the caller's pictures in it."""

    def __init__(self, app: ASGIApp, page: Path) -> None:
        self.app = app
        self._page = page.read_text() if page.exists() else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/"
        viewer = await viewer_of(HTTPConnection(scope)) if is_page and self._page else None
        if viewer is None:
            return await self.app(scope, receive, send)
        wanted = ImageQuery.from_query(scope["query_string"].decode("latin-1"))
        cards = [] if wanted.to_query() else await _first_cards(viewer.user_id, wanted)
        answer = _answer(with_cards(self._page, cards), Headers(scope=scope))
        return await answer(scope, receive, send)


async def _first_cards(user_id: UUID, wanted: ImageQuery) -> list[Card]:
    try:
        rows, _ = await in_db(card_rows.read_first, user_id, wanted, PICTURES)
    except ImgappError:
        return []
    return [card_of(row) for row in rows]


def _answer(page: str, asked: Headers) -> HTMLResponse:
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    body = page.encode()
    if "gzip" in asked.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = gzip.compress(body, 5), "gzip"
    return HTMLResponse(body, headers=headers)


def with_cards(page: str, cards: Sequence[Card]) -> str:
    """The page with these cards in the place of its skeleton."""
    if not cards:
        return page
    drawn = "".join(_drawn(card, at) for at, card in enumerate(cards))
    window = f'<div class="days" {_WINDOW}><ul class="grid" hidden="">{drawn}</ul></div>'
    page = page.replace(SKELETON, window, 1).replace("</head>", _HEAD, 1)
    for now, later in _LATER.items():
        page = now.sub(later, page)
    return page


def _drawn(card: Card, at: int) -> str:
    """A card as `picture_card` draws it, its text still to come."""
    alt = card.alt_text or ("" if card.decorative else f"Not described yet: {card.filename}")
    picture = {
        "src": card.thumb,
        "alt": alt,
        "loading": "eager" if at < EAGER else "lazy",
        "lang": card.language if card.alt_text else "",
        "class": SEE_THROUGH if card.transparent else "",
    }
    about = {
        "data-testid": "card",
        "data-image-id": card.id,
        "data-status": card.status,
        "data-width": card.width,
        "data-height": card.height,
        "data-uploaded": card.uploaded_at,
        "data-placeholder": card.placeholder,
    }
    name = f'<span class="sr-only">{escape(card.filename)}</span>' if card.decorative else ""
    return (
        f'<li class="card" {_attributes(about)}>'
        f'<a class="picture" href="/?picture={card.id}"><img {_attributes(picture)}>{name}</a>'
        '<div class="card-text"><div class="coming"><span></span><span></span></div></div></li>'
    )


def _attributes(values: Mapping[str, object]) -> str:
    return " ".join(f'{name}="{escape(str(value))}"' for name, value in values.items())

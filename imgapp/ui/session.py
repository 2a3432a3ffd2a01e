"""Who is calling: binds every tab to a session, and checks that session on every event.

Three pieces, from the outside in:

- `PageGate` answers a signed-out request for a page with a redirect to the sign-in form.
- `SocketBinding` refuses websockets of other origins, looks the cookie up when one opens, takes the
  cookie out of the headers (Reflex stores them with the state) and puts the session's id in its
  place. It also puts that id in front of the tab's token, so the state of a tab is stored under the
  session that made it: whoever signs in next in the same tab gets a state of their own.
- `SessionCheck` runs before every event, hydration included, and stops it when the session is gone.
  (`session_watch` closes open tabs whose session ended, whether or not they send anything.)

Handlers ask `current_viewer()`. Nothing that the browser sends says who somebody is.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import UUID

import reflex as rx
from reflex.state import (
    BaseState,
    FrontendEventExceptionState,
    OnLoadInternalState,
    StateUpdate,
    UpdateVarsInternalState,
)
from reflex_base.event import Event
from reflex_base.event.context import EventContext
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from imgapp.errors import NotSignedIn, ServiceUnavailable
from imgapp.models import Viewer
from imgapp.services.accounts import registration, safe_redirects, sessions
from imgapp.services.common import audit_trail
from imgapp.services.common.thread_pools import in_db
from imgapp.settings import get_settings

SESSION_HEADER = "x-imgapp-session"
SIGNED_OUT = "signed-out"
"""In place of the session's id, in the token of a tab without one."""
SIGNED_OUT_PAGES = frozenset({"/sign-in", "/sign-up", "/welcome"})

# What a tab without a session may call: the events with which Reflex itself starts a page.
BOOT_EVENTS = frozenset(
    {
        f"{rx.State.get_full_name()}.hydrate",
        f"{rx.State.get_full_name()}.hydrate_and_load",
        f"{OnLoadInternalState.get_full_name()}.on_load_internal",
    }
)
# What Reflex puts into every app and nobody may call here: it sets vars by their name.
_NOBODYS_EVENTS = frozenset({f"{UpdateVarsInternalState.get_full_name()}.update_vars_internal"})
_NOBODYS_HANDLER = ".setvar"
# A page that breaks in the browser would be reloaded with `eval`, which our policy forbids.
FrontendEventExceptionState.auto_reload_on_errors = []

_CHECKED_FOR = 0.5
"""Seconds for which a session that was found alive is not looked up again."""

_viewer: ContextVar[Viewer | None] = ContextVar("viewer", default=None)


def current_viewer() -> Viewer:
    """Who sent the event being handled. Raises NotSignedIn."""
    viewer = _viewer.get()
    if viewer is None:
        raise NotSignedIn
    return viewer


class Tabs:
    """The tabs connected to this process, by person.

    `on_first` runs before the first tab of a person loads.
    """

    def __init__(self) -> None:
        self._tokens: dict[UUID, set[str]] = defaultdict(set)
        self.on_first: Callable[[UUID], Awaitable[None]] | None = None

    async def add(self, user_id: UUID, token: str) -> None:
        known = self._tokens.get(user_id)
        if known is not None and token in known:
            return
        if not known and self.on_first is not None:
            await self.on_first(user_id)
        self._tokens[user_id].add(token)

    def of(self, user_id: UUID) -> list[str]:
        return list(self._tokens.get(user_id, ()))

    def people(self) -> list[UUID]:
        return list(self._tokens)

    def keep(self, connected: set[str]) -> list[UUID]:
        """Forget the tabs that are gone; the people who have none left here."""
        for tokens in self._tokens.values():
            tokens &= connected
        left = [user for user, tokens in self._tokens.items() if not tokens]
        for user in left:
            del self._tokens[user]
        return left


tabs = Tabs()


class SessionCheck(rx.Middleware):
    """Stops every event whose session is not alive, before its handler and before hydration."""

    def __init__(self) -> None:
        self._alive: dict[UUID, tuple[float, Viewer]] = {}

    async def preprocess(
        self,
        app: rx.App,  # noqa: ARG002
        state: BaseState,
        event: Event,
    ) -> StateUpdate | None:
        """None to go on with the event; else the answer in its place."""
        _viewer.set(None)
        if event.name in _NOBODYS_EVENTS or event.name.endswith(_NOBODYS_HANDLER):
            return StateUpdate()
        context = EventContext.get()
        session_id = _session_of(context.router_data or event.router_data)
        viewer = await self._viewer_of(session_id) if session_id else None
        if viewer is not None:
            _viewer.set(viewer)
            audit_trail.set_source(*_source_of(context.router_data or event.router_data))
            await tabs.add(viewer.user_id, context.token)
            return None
        if session_id is None and event.name in BOOT_EVENTS:
            return None
        return await _signed_out(state)

    def forget(self, session_id: UUID) -> None:
        """Look this session up again the next time."""
        self._alive.pop(session_id, None)

    async def _viewer_of(self, session_id: UUID) -> Viewer | None:
        checked, viewer = self._alive.get(session_id, (0.0, None))
        if viewer is not None and time.monotonic() - checked < _CHECKED_FOR:
            return viewer
        viewer = await in_db(sessions.viewer_of_session, session_id)
        if viewer is None:
            self._alive.pop(session_id, None)
        else:
            if len(self._alive) > 10_000:
                self._alive.clear()
            self._alive[session_id] = (time.monotonic(), viewer)
        return viewer


session_check = SessionCheck()


async def _signed_out(state: BaseState) -> StateUpdate:
    """Empty everything that this tab shows and send it to the sign-in page."""
    root = state._get_root_state()
    for cls in rx.State.get_substates():
        (await root.get_state(cls)).reset()
    delta = await root._get_resolved_delta()
    root._clean()
    return StateUpdate(delta=delta, events=to_sign_in())


def to_sign_in() -> list[Event]:
    """The events that lead a tab to the sign-in page."""
    return Event.from_event_type(rx.redirect("/sign-in"))


def _source_of(router_data: dict[str, Any]) -> tuple[str, str]:
    headers = router_data.get("headers", {})
    return str(router_data.get("ip", "")), str(headers.get("user-agent", ""))


def _session_of(router_data: dict[str, Any]) -> UUID | None:
    value = router_data.get("headers", {}).get(SESSION_HEADER)
    return UUID(value) if value else None


class SocketBinding:
    """ASGI wrapper: a websocket comes from our origin and carries its session's id, no cookie."""

    def __init__(self, app: ASGIApp, path: str = "/_event") -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("websocket", "http") and scope["path"].startswith(self.path):
            if not _from_our_origin(scope):
                return await _refuse(scope, receive, send)
            scope = await self._bound(scope)
        return await self.app(scope, receive, send)

    async def _bound(self, scope: Scope) -> Scope:
        viewer = await viewer_of(HTTPConnection(scope))
        session = str(viewer.session_id) if viewer else ""
        secret = {b"cookie", b"authorization", SESSION_HEADER.encode()}
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in secret]
        if session:
            headers.append((SESSION_HEADER.encode(), session.encode()))
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if "token" in query:
            # The browser chooses its token; only the last part is its to choose.
            tab = re.sub(r"[^A-Za-z0-9-]", "", query["token"][0].rsplit("~", 1)[-1])[:64]
            query["token"] = [f"{session or SIGNED_OUT}~{tab}"]
        bound = urlencode(query, doseq=True).encode()
        return {**scope, "headers": headers, "query_string": bound}


def _from_our_origin(scope: Scope) -> bool:
    # Browsers always name the origin of a websocket; programs that do not act for themselves.
    origins = [value for name, value in scope["headers"] if name.lower() == b"origin"]
    ours = get_settings().allowed_origins
    return all(origin.decode("latin-1") in ours for origin in origins)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        return await PlainTextResponse("Forbidden", 403)(scope, receive, send)
    await receive()
    return await send({"type": "websocket.close", "code": 1008})


class PageGate:
    """ASGI wrapper: signed out, a page answers 303 to `/sign-in`; signed in, `/sign-in` to `/`.

    Where somebody wanted to go stands in the address of the form (`next`), and leads there.
    """

    def __init__(self, app: ASGIApp, pages: frozenset[str]) -> None:
        self.app = app
        self.pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").rstrip("/") or "/"
        if path not in self.pages or scope.get("method") not in ("GET", "HEAD"):
            return await self.app(scope, receive, send)
        target = await self._elsewhere(path, scope)
        if target is not None:
            headers = {"Cache-Control": "no-store"}
            return await RedirectResponse(target, 303, headers=headers)(scope, receive, send)
        # Pages are built as folders; asked for without the slash, they would redirect to it.
        folder = path.rstrip("/") + "/"
        scope = {**scope, "path": folder, "raw_path": folder.encode()}
        return await self.app(scope, receive, send)

    async def _elsewhere(self, path: str, scope: Scope) -> str | None:
        try:
            viewer = await viewer_of(HTTPConnection(scope))
            if path not in SIGNED_OUT_PAGES:
                return None if viewer else _sign_in_for(path, scope)
            if viewer is not None:
                return safe_redirects.own_path(HTTPConnection(scope).query_params.get("next", "/"))
            first = not await in_db(registration.has_users)
        except ServiceUnavailable:
            return None if path in SIGNED_OUT_PAGES else _sign_in_for(path, scope)
        if path == "/sign-up" and not first and get_settings().signup == "closed":
            return "/sign-in#closed"
        if first != (path == "/welcome"):
            return "/welcome" if first else "/sign-in" if path == "/welcome" else None
        return None


def _sign_in_for(path: str, scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return safe_redirects.with_next("/sign-in", f"{path}?{query}" if query else path)


async def viewer_of(connection: HTTPConnection) -> Viewer | None:
    """Who the session cookie of a request or websocket belongs to."""
    cookie = connection.cookies.get(get_settings().session_cookie)
    return await in_db(sessions.viewer_of_cookie, cookie) if cookie else None

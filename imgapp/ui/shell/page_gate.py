"""Requests for pages: redirect to the sign-in form or away from it (ASGI)."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from imgapp.errors import ServiceUnavailable
from imgapp.services.accounts import registration, safe_redirects
from imgapp.services.common.thread_pools import in_db
from imgapp.settings import get_settings
from imgapp.ui.shell.viewer_context import viewer_of

SIGNED_OUT_PAGES = frozenset({"/sign-in", "/sign-up", "/welcome"})


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

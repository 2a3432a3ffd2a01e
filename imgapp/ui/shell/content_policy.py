"""The Content-Security-Policy of the pages (CSP level 3): no script runs but what we built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgapp.services.common.thread_pools import in_db
from imgapp.services.library import file_links
from imgapp.services.uploads import s3_cors
from imgapp.settings import Settings, get_settings

OTHER_PATHS = "*"
_NO_DOCUMENTS = ("text/javascript", "text/css", "font/")
"""What comes with every page and is never one: there a policy says nothing (CSP level 3, 4.2)."""


def page_policy(
    script_hashes: Iterable[str],
    settings: Settings,
    picture_origin: str | None,
    upload_origin: str | None = None,
) -> str:
    """The policy of a page with inline scripts of these hashes."""
    sockets = [origin.replace("http", "ws", 1) for origin in settings.allowed_origins]
    directives = {
        "default-src": ["'none'"],
        "script-src": ["'self'", *(f"'{digest}'" for digest in script_hashes)],
        # The grid places its pictures, and React its measures, with style attributes.
        "style-src": ["'self'", "'unsafe-inline'"],
        # blob: and data: are pictures that are being uploaded, and icons.
        "img-src": ["'self'", "blob:", "data:", *([picture_origin] if picture_origin else [])],
        "font-src": ["'self'"],
        "connect-src": ["'self'", *sockets, *([upload_origin] if upload_origin else [])],
        "manifest-src": ["'self'"],
        # Signing out of single sign-on leads from our form to the provider.
        "form-action": ["'self'", *([_origin(issuer)] if (issuer := settings.oidc_issuer) else [])],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(" ".join([name, *values]) for name, values in directives.items())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class ContentPolicy:
    """ASGI wrapper: gives every page its policy. `hashes` are those of inline scripts, by path."""

    def __init__(self, app: ASGIApp, hashes: Mapping[str, list[str]]) -> None:
        self.app = app
        self.hashes = hashes
        self._known: dict[str | None, dict[str, str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        policies = self._policies(await upload_origin())
        policy = policies.get(scope["path"].rstrip("/") or "/", policies[OTHER_PATHS])

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if not headers.get("content-type", "").startswith(_NO_DOCUMENTS):
                    headers["Content-Security-Policy"] = policy
            await send(message)

        return await self.app(scope, receive, send_with_policy)

    def _policies(self, upload_origin: str | None) -> dict[str, str]:
        # Not when the application is put together: commands do that without a store.
        if upload_origin not in self._known:
            settings, origin = get_settings(), file_links.store_origin()
            hashes: dict[str, list[str]] = {OTHER_PATHS: [], **self.hashes}
            self._known[upload_origin] = {
                path: page_policy(found, settings, origin, upload_origin)
                for path, found in hashes.items()
            }
        return self._known[upload_origin]


async def upload_origin() -> str | None:
    """Where pages may send files besides here; waits once for the bucket's first answer."""
    if s3_cors.known():
        return s3_cors.page_origin()
    return await in_db(s3_cors.page_origin)

"""tus header fields: parse and write those of resumable uploads (tus 1.0.0).

https://tus.io/protocols/resumable-upload: the core, and the extensions creation,
creation-with-upload, termination and expiration.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from email.utils import format_datetime

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgapp.errors import InvalidRequest
from imgapp.settings import get_settings

PREFIX = "/api/tus"
VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,expiration"
MEDIA_TYPE = "application/offset+octet-stream"

_MOST_METADATA = 4_000
_UNNAMED = "upload"


class TusHeaders:
    """Names the version in every answer below `PREFIX`; `OPTIONS` says what is spoken here."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_tus_path(scope["path"]):
            return await self.app(scope, receive, send)

        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Tus-Resumable"] = VERSION
                if scope["method"] == "OPTIONS" or message["status"] == 412:
                    headers["Tus-Version"] = VERSION
                if scope["method"] == "OPTIONS":
                    headers["Tus-Extension"] = EXTENSIONS
                    headers["Tus-Max-Size"] = str(get_settings().max_upload_bytes)
            await send(message)

        return await self.app(scope, receive, send_with_version)


def is_tus_path(path: str) -> bool:
    """Whether uploads in pieces are served there."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def check_version(request: Request) -> None:
    """Raise 412 unless the client speaks the version that is spoken here."""
    if request.headers.get("tus-resumable") != VERSION:
        raise HTTPException(412, f"Send Tus-Resumable: {VERSION}")


def check_body(request: Request) -> None:
    """Raise 415 unless the body is bytes of a file as they are."""
    if request.headers.get("content-type") != MEDIA_TYPE:
        raise HTTPException(415, f"Send Content-Type: {MEDIA_TYPE}")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "Compressed bodies are not taken")


def number(request: Request, name: str) -> int:
    """A count of bytes in a header field. Raises InvalidRequest."""
    given = request.headers.get(name, "")
    if not (given.isascii() and given.isdecimal() and len(given) <= 15):
        raise InvalidRequest(f"Send {name}, a number of bytes.")
    return int(given)


def content_length(request: Request) -> int | None:
    """Bytes of the body, as far as that is said."""
    given = request.headers.get("content-length", "")
    return int(given) if given.isascii() and given.isdecimal() else None


def filename_of(metadata: str) -> str:
    """The file's name, as Upload-Metadata says it. Raises InvalidRequest."""
    if len(metadata) > _MOST_METADATA:
        raise InvalidRequest("Upload-Metadata is too long.")
    named: dict[str, str] = {}
    for pair in filter(None, map(str.strip, metadata.split(","))):
        key, _, value = pair.partition(" ")
        try:
            named[key] = base64.b64decode(value.strip(), validate=True).decode()
        except (ValueError, binascii.Error):
            raise InvalidRequest(
                "Upload-Metadata is pairs of a key and a Base64 value, separated by commas."
            ) from None
    return named.get("filename") or named.get("name") or _UNNAMED


def http_date(moment: datetime) -> str:
    """As RFC 9110, 5.6.7 writes it."""
    return format_datetime(moment, usegmt=True)

"""Outbound HTTP: requests what people name, webhooks and pictures by address (SSRF-safe client).

What such a URL leads to is not to be trusted. Its name is looked up here, and the connection goes
to the very address that was checked; the time, the size and the redirects of an answer are limited.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

import httpx2

from imgapp.adapters.outbound_addresses import resolve
from imgapp.adapters.ssrf_guard import CheckedTransport
from imgapp.errors import OutboundFailed, OutboundRefused

MAX_URL = 2_000
"""Characters."""
_MAX_REDIRECT = 8_000
"""Characters: addresses that servers sign for a while are long."""
MAX_REDIRECTS = 5
FETCH_SECONDS = 60.0
CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 15.0
"""Nobody sends nothing for so long."""
_PIECE = 64 * 1024
_HOST = re.compile(rb"[A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_USER_AGENT = "imgapp"
_REDIRECTS = (301, 302, 303, 307, 308)
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Response:
    """What a receiver answered; its body is never read. `retry_after` is in seconds."""

    status: int
    retry_after: float | None


@dataclass(frozen=True)
class Fetched:
    """What is known of a file that was fetched; its bytes went to whoever asked."""

    filename: str
    content_type: str
    final_url: str
    size: int


def check_url(url: str, longest: int = MAX_URL) -> str:
    """The URL as it is used. Raises OutboundRefused (`invalid_url`); no name is looked up."""
    try:
        parsed = httpx2.URL(url.strip()).copy_with(fragment=None)
    except (httpx2.InvalidURL, ValueError, TypeError):
        raise OutboundRefused("This is not a URL", code="invalid_url") from None
    if parsed.scheme not in ("http", "https"):
        raise OutboundRefused("The URL must begin with https:// or http://", code="invalid_url")
    if not _HOST.fullmatch(parsed.raw_host) or not 0 < _port(parsed) < 65_536:
        raise OutboundRefused("The URL names no server", code="invalid_url")
    if parsed.userinfo:
        raise OutboundRefused("The URL must not hold a user name or password", code="invalid_url")
    if len(str(parsed)) > longest:
        raise OutboundRefused(f"The URL is longer than {longest} characters", code="invalid_url")
    return str(parsed)


def check_reachable(url: str, timeout: float = CONNECT_SECONDS) -> str:
    """The URL as it is used; its host is looked up too. Raises OutboundRefused, OutboundFailed."""
    parsed = httpx2.URL(check_url(url))
    resolve(parsed.host, _port(parsed), timeout)
    return str(parsed)


def post(url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Response:
    """Send a body; redirects are not followed. Raises OutboundRefused, OutboundFailed.

    All of it takes `timeout` seconds at most. Any status is an answer.
    """
    with _answered("POST", check_url(url), time.monotonic() + timeout, headers, body) as answer:
        return Response(answer.status_code, _retry_after(answer))


def fetch(
    url: str,
    max_bytes: int,
    write: Callable[[bytes], object],
    *,
    timeout: float = FETCH_SECONDS,
    offset: int = 0,
) -> Fetched:
    """Get a file and hand its bytes to `write`, piece by piece; a few redirects are followed.

    With an `offset` only the bytes from there on come, `max_bytes` of them at most; a server that
    sends the whole file all the same is `no_ranges`, and nothing is written.

    Raises OutboundRefused, and OutboundFailed, whose `lasts` says whether trying again is of use
    and whose `retry_after` is what the server asked for.
    """
    deadline = time.monotonic() + timeout
    place = check_url(url)
    headers = {"Accept": "image/*, */*;q=0.5"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    for _ in range(MAX_REDIRECTS + 1):
        with _answered("GET", place, deadline, headers) as answer:
            target = answer.headers.get("location")
            if answer.status_code not in _REDIRECTS or target is None:
                return _receive(answer, place, max_bytes, write, offset)
        place = _follow(place, target)
    raise OutboundFailed("The server redirects again and again", code="too_many_redirects")


def _receive(
    answer: httpx2.Response,
    url: str,
    max_bytes: int,
    write: Callable[[bytes], object],
    offset: int,
) -> Fetched:
    status, headers = answer.status_code, answer.headers
    begins = headers.get("content-range", "").startswith(f"bytes {offset}-")
    if status == 200 and offset:
        raise OutboundFailed("The server sends whole files only", code="no_ranges")
    if status != (206 if offset else 200) or (offset and not begins):
        raise OutboundFailed(
            f"The server answered {status}",
            code="http_error",
            lasts=status not in _TRANSIENT,
            http_status=status,
            retry_after=_retry_after(answer),
        )
    if headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        raise OutboundFailed("The server compresses what it sends unasked", code="bad_answer")
    said = headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said[:20]) > max_bytes:
        raise _too_large(max_bytes)
    size = 0
    for piece in answer.iter_raw(_PIECE):
        size += len(piece)
        if size > max_bytes:
            raise _too_large(max_bytes)
        write(piece)
    return Fetched(
        _filename(headers.get("content-disposition", ""), url),
        headers.get("content-type", "")[:200],
        url,
        size,
    )


def _too_large(max_bytes: int) -> OutboundFailed:
    return OutboundFailed(f"The file is larger than {max_bytes} bytes", code="too_large")


def _follow(place: str, target: str) -> str:
    try:
        return check_url(str(httpx2.URL(place).join(target)), _MAX_REDIRECT)
    except httpx2.InvalidURL:
        raise OutboundFailed("The server redirects to no URL", code="bad_answer") from None


def _filename(disposition: str, url: str) -> str:
    """The name that the server gives (RFC 6266) or the last part of the path; may be empty."""
    message = Message()
    message["Content-Disposition"] = disposition.replace("\r", " ").replace("\n", " ")
    named = message.get_filename() if disposition else None
    return (named or unquote(httpx2.URL(url).path.rpartition("/")[2]))[:255]


def _retry_after(answer: httpx2.Response) -> float | None:
    """Seconds until the server wants to be asked again (RFC 9110, 10.2.3), or None."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        when = parsedate_to_datetime(said)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max((when - datetime.now(UTC)).total_seconds(), 0.0)


@contextmanager
def _answered(
    method: str,
    url: str,
    deadline: float,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> Iterator[httpx2.Response]:
    """The head of an answer, on a connection of its own; vendor errors become ours."""
    given = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **headers}
    patience = httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    with (
        _translated(deadline),
        httpx2.Client(
            transport=CheckedTransport(deadline), timeout=patience, trust_env=False
        ) as client,
        client.stream(method, url, headers=given, content=body, follow_redirects=False) as answer,
    ):
        yield answer


@contextmanager
def _translated(deadline: float) -> Iterator[None]:
    try:
        yield
    except httpx2.TimeoutException as error:
        late = "in time" if time.monotonic() >= deadline else "for too long"
        raise OutboundFailed(
            f"The server did not answer {late}", code="timeout", lasts=False
        ) from error
    except httpx2.ConnectError as error:
        if _caused_by(error, ssl.SSLCertVerificationError):
            raise OutboundFailed(
                "The server's certificate is not valid for this address", code="bad_certificate"
            ) from error
        raise OutboundFailed(
            "The server could not be reached", code="unreachable", lasts=False
        ) from error
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
        raise OutboundFailed(
            "The server broke the connection off or did not speak HTTP",
            code="bad_answer",
            lasts=False,
        ) from error


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def _port(url: httpx2.URL) -> int:
    return url.port if url.port is not None else (443 if url.scheme == "https" else 80)

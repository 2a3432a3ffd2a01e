"""The provider's HTTP client: follows no redirect, and waits for no endless answer."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.auth import encode_client_secret_basic

from imgapp.errors import ProviderUnavailable, SignInRefused
from imgapp.settings import get_settings

CONNECT_SECONDS = 3.0
READ_SECONDS = 5.0
TOTAL_SECONDS = 10.0
MAX_BYTES = 1024 * 1024


class Client(OAuth2Client):  # type: ignore[misc]
    """Authlib's client; every answer is read whole, within `TOTAL_SECONDS` and `MAX_BYTES`."""

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        deadline = time.monotonic() + TOTAL_SECONDS
        answer = super().send(request, **{**options, "stream": True})
        try:
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise ProviderUnavailable("The provider compresses its answers unasked")
            body = b""
            for chunk in answer.iter_raw():
                body += chunk
                if len(body) > MAX_BYTES or time.monotonic() > deadline:
                    raise ProviderUnavailable("The provider's answer does not end")
        finally:
            answer.close()
        return httpx2.Response(
            answer.status_code,
            headers={"content-type": answer.headers.get("content-type", "")},
            content=body,
            request=request,
        )


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Reading the certificates of authorities takes longer than a request on this machine."""
    return httpx2.create_ssl_context()


@contextmanager
def connected(**options: Any) -> Iterator[Client]:
    """A client as the provider knows it; vendor errors become ours."""
    settings = get_settings()
    secret = settings.oidc_client_secret
    client = Client(
        client_id=settings.oidc_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        scope="openid email",
        code_challenge_method="S256",
        timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=False,
        verify=_tls(),
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        **options,
    )
    client.register_client_auth_method(("client_secret_basic", _encoded_basic))
    try:
        with client:
            yield client
    except OAuthError as error:
        said = "".join(c for c in f"{error.error}"[:100] if c.isprintable())
        raise SignInRefused(code="provider_refused", reason=said) from error
    except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError) as error:
        raise ProviderUnavailable from error


def get_json(client: Client, url: str, **headers: str) -> dict[str, Any]:
    """The JSON object at `url`. Raises ProviderUnavailable."""
    answer = client.request("GET", url, headers=headers, withhold_token=True)
    if answer.status_code != 200:
        raise ProviderUnavailable(f"The provider answered {answer.status_code} for {url}")
    try:
        document = json.loads(answer.content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ProviderUnavailable(f"The provider's answer for {url} is not a JSON object")
    return document


class _Encoded:
    """Id and secret as RFC 6749, 2.3.1 wants them: form-encoded before they are joined."""

    def __init__(self, client: Any) -> None:
        self.client_id = quote(client.client_id, safe="")
        self.client_secret = quote(client.client_secret or "", safe="")


def _encoded_basic(client: Any, method: str, uri: str, headers: Any, body: Any) -> Any:
    return encode_client_secret_basic(_Encoded(client), method, uri, headers, body)

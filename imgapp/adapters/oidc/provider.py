"""The provider's metadata: fetches it with its keys and keeps both (discovery, JWKS)."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from authlib.oidc.discovery import get_well_known_url
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import JWKRegistry, Key

from imgapp.adapters.oidc.client import connected, get_json
from imgapp.errors import ConfigurationError, ProviderUnavailable, SignInRefused
from imgapp.settings import get_settings

log = logging.getLogger(__name__)
T = TypeVar("T")

FRESH_SECONDS = 600.0
USABLE_SECONDS = 3600.0
"""How long what was fetched is used while it cannot be fetched again."""
RETRY_SECONDS = 5.0
ANEW_SECONDS = 60.0
"""Keys are fetched for the sake of an unknown key id at most so often."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


class Cached(Generic[T]):
    """Something that is fetched, and kept while it is fresh."""

    def __init__(self, fetch: Callable[[], T], clock: Callable[[], float]) -> None:
        self._fetch, self._clock = fetch, clock
        self._lock = threading.Lock()
        self._value: T | None = None
        self._failure = ""
        self._fetched = self._tried = self._asked_anew = float("-inf")

    def get(self, *, anew: bool = False) -> T:
        """The value. With `anew`, fetched again unless that was done a moment ago.

        Nobody waits for somebody else's request as long as there is a value. Raises
        ProviderUnavailable.
        """
        value = self._value
        if not self._lock.acquire(blocking=value is None):
            assert value is not None
            return value
        try:
            return self._get(self._clock(), anew)
        finally:
            self._lock.release()

    def _get(self, moment: float, anew: bool) -> T:
        tried_just_now = moment - self._tried < RETRY_SECONDS
        if anew and moment - self._asked_anew >= ANEW_SECONDS:
            self._asked_anew = moment
        elif self._value is None:
            if tried_just_now:
                raise ProviderUnavailable(self._failure)
        elif moment - self._fetched < FRESH_SECONDS or tried_just_now:
            return self._value
        self._tried = moment
        try:
            self._value = self._fetch()
        except ProviderUnavailable as error:
            self._failure = error.detail
            log.warning("provider_unavailable", extra={"detail": error.detail})
            if self._value is None or moment - self._fetched > USABLE_SECONDS:
                raise
        else:
            self._fetched = moment
        return self._value


class Provider:
    """One OpenID provider, known by its issuer."""

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self._metadata = Cached(self._fetch_metadata, clock)
        self._keys = Cached(self._fetch_keys, clock)

    def metadata(self) -> dict[str, Any]:
        """Its discovery document (OpenID Connect Discovery 1.0). Raises ProviderUnavailable."""
        return self._metadata.get()

    def endpoint(self, name: str) -> str | None:
        """The address of an optional endpoint."""
        value = self.metadata().get(name)
        return value if isinstance(value, str) and self._may_be_used(value) else None

    def key_for(self, header: dict[str, Any]) -> Key:
        """The key that a token with this header is signed with.

        Raises SignInRefused, ProviderUnavailable.
        """
        key = _pick(self._keys.get(), header) or _pick(self._keys.get(anew=True), header)
        if key is None:
            raise SignInRefused(reason="unknown key")
        return key

    def check(self) -> None:
        """Raises ProviderUnavailable unless it can be asked now."""
        self._fetch_metadata()
        self._fetch_keys()

    def _fetch_metadata(self) -> dict[str, Any]:
        with connected() as client:
            found = get_json(client, get_well_known_url(self.issuer, external=True))
        if found.get("issuer") != self.issuer:
            raise ProviderUnavailable(
                f"The provider says that its issuer is {found.get('issuer')!r}; IMGAPP_OIDC_ISSUER "
                f"has to be exactly that (it is {self.issuer!r})"
            )
        for name in _ENDPOINTS:
            if not isinstance(found.get(name), str) or not self._may_be_used(found[name]):
                raise ProviderUnavailable(f"The provider names no {name} that can be used")
        return found

    def _fetch_keys(self) -> list[Key]:
        with connected() as client:
            found = get_json(client, self.metadata()["jwks_uri"]).get("keys")
        keys = [_import(key) for key in found] if isinstance(found, list) else []
        if not any(keys):
            raise ProviderUnavailable("The provider publishes no key that can be used")
        return [key for key in keys if key is not None]

    def _may_be_used(self, url: str) -> bool:
        """Encrypted, unless the issuer itself is on this machine and is not."""
        parts = urlsplit(url)
        allowed = {"https", urlsplit(self.issuer).scheme}
        return parts.scheme in allowed and bool(parts.hostname)


@lru_cache(maxsize=1)
def get_provider() -> Provider:
    """The configured one. Raises ConfigurationError."""
    issuer = get_settings().oidc_issuer
    if issuer is None:
        raise ConfigurationError("IMGAPP_OIDC_ISSUER is not set")
    return Provider(issuer)


def _import(published: Any) -> Key | None:
    """A key to check signatures with; None for any other (RFC 7517, 5: those are ignored)."""
    if not isinstance(published, dict) or published.get("kty") not in _KEY_TYPES.values():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SecurityWarning)
            return JWKRegistry.import_key(published)
    except (JoseError, SecurityWarning, ValueError, TypeError, KeyError):
        return None


def _pick(keys: list[Key], header: dict[str, Any]) -> Key | None:
    kid, alg = header.get("kid"), str(header.get("alg"))
    fitting = [
        key
        for key in keys
        if key.key_type == _KEY_TYPES.get(alg[:2])
        and key.get("use") in (None, "sig")
        and key.alg in (None, alg)
        and (kid is None or key.kid == kid)
    ]
    # Without a key id it must be clear which one is meant (OpenID Connect Core 1.0, 10.1).
    return fitting[0] if fitting and (kid is not None or len(fitting) == 1) else None

"""Signed tokens: verifies ID tokens and access tokens of the provider (JWT)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from imgapp.adapters.oidc.provider import Provider
from imgapp.errors import SignInRefused

ALGORITHMS = (
    *(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)),
    "EdDSA",
)
"""Asymmetric only: with a shared secret, whoever knows the client's secret could sign."""
LEEWAY_SECONDS = 60
MAX_TOKEN = 16 * 1024  # characters
MAX_SUBJECT = 255  # OpenID Connect Core 1.0, 2

_ACCESS_TOKEN_TYPES = ("at+jwt", "application/at+jwt")  # RFC 9068, 2.1


@dataclass(frozen=True)
class AccessClaims:
    """Whom an access token speaks for, and what for."""

    issuer: str
    subject: str
    scopes: frozenset[str]


def verify_id_token(
    provider: Provider, token: str, *, client_id: str, nonce: str, access_token: str | None
) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core 1.0, 3.1.3.7).

    Raises SignInRefused, ProviderUnavailable.
    """
    signed = _decode(provider, token)
    options = {name: {"essential": True} for name in ("sub", "exp", "iat", "nonce")}
    options["iss"] = _exactly(provider.issuer)
    options["aud"] = _exactly(client_id)
    claims = CodeIDToken(
        signed.claims,
        signed.header,
        options,
        {"nonce": nonce, "client_id": client_id, "access_token": access_token},
    )
    try:
        claims.validate(leeway=LEEWAY_SECONDS)
    except (JoseError, TypeError, ValueError, AttributeError) as error:
        raise _refused(error) from error
    _subject_of(claims)
    return dict(claims)


def verify_access_token(provider: Provider, token: str, *, audience: str) -> AccessClaims:
    """Whom an access token speaks for (RFC 9068, 4). Raises SignInRefused, ProviderUnavailable."""
    signed = _decode(provider, token)
    claims = signed.claims
    options = {name: {"essential": True} for name in ("sub", "exp")}
    options["iss"] = _exactly(provider.issuer)
    options["aud"] = _exactly(audience)
    try:
        JWTClaimsRegistry(None, LEEWAY_SECONDS, **options).validate(claims)  # type: ignore[arg-type]
    except (JoseError, TypeError, ValueError) as error:
        raise _refused(error) from error
    given = claims.get("scope", claims.get("scp"))
    if not _is_access_token(signed.header, claims, given):
        raise SignInRefused(reason="not an access token")
    scopes = given.split() if isinstance(given, str) else given or []
    return AccessClaims(
        provider.issuer, _subject_of(claims), frozenset(s for s in scopes if isinstance(s, str))
    )


def _is_access_token(header: dict[str, Any], claims: dict[str, Any], scope: Any) -> bool:
    """An ID token may have the same audience; it is for the client, and opens nothing."""
    kind = header.get("typ")
    if isinstance(kind, str) and kind.lower() in _ACCESS_TOKEN_TYPES:
        return True
    # Not every provider marks them: Keycloak says so in a claim, Entra and others by the scope.
    ordinary = kind is None or (isinstance(kind, str) and kind.lower() == "jwt")
    return (
        ordinary
        and isinstance(scope, (str, list))
        and claims.get("typ", "Bearer") == "Bearer"
        and "at_hash" not in claims
    )


def _decode(provider: Provider, token: str) -> jwt.Token:
    if not isinstance(token, str) or len(token) > MAX_TOKEN:
        raise SignInRefused(reason="no token")
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        return jwt.decode(
            token, key=lambda signed: provider.key_for(signed.headers()), registry=registry
        )
    except (JoseError, TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise _refused(error) from error


def _subject_of(claims: dict[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or "\0" in subject:
        raise SignInRefused(reason="sub")
    return subject


def _exactly(value: str) -> dict[str, Any]:
    return {"essential": True, "value": value}


def _refused(error: Exception) -> SignInRefused:
    if isinstance(error, ClaimError):
        return SignInRefused(reason=error.claim)
    return SignInRefused(reason=error.error if isinstance(error, JoseError) else "malformed")

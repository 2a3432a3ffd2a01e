"""OpenID Connect: signs people in with one provider, authorization code flow with PKCE (Authlib).

Nothing of the provider's tokens is kept: what matters of them is who signed in.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import Any

from authlib.common.urls import add_params_to_uri

from imgapp.adapters.oidc.client import connected, get_json
from imgapp.adapters.oidc.provider import get_provider
from imgapp.adapters.oidc.tokens import AccessClaims, verify_id_token
from imgapp.adapters.oidc.tokens import verify_access_token as _verify_access_token
from imgapp.errors import SignInRefused
from imgapp.settings import get_settings


@dataclass(frozen=True)
class AuthorizationRequest:
    """What binds the answer to the question; `code_verifier` never reaches the browser."""

    state: str
    nonce: str
    code_verifier: str

    def as_dict(self) -> dict[str, str]:
        """For keeping until the answer comes."""
        return asdict(self)


@dataclass(frozen=True)
class Claimant:
    """Who signed in at the provider."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool


def new_flow() -> AuthorizationRequest:
    """A flow that nobody can guess."""
    return AuthorizationRequest(*(secrets.token_urlsafe(32) for _ in range(3)))


def authorization_url(flow: AuthorizationRequest, redirect_uri: str) -> str:
    """Where the browser goes to sign in. Raises ProviderUnavailable."""
    endpoint = get_provider().metadata()["authorization_endpoint"]
    with connected(redirect_uri=redirect_uri) as client:
        url, _ = client.create_authorization_url(
            endpoint, state=flow.state, code_verifier=flow.code_verifier, nonce=flow.nonce
        )
    return str(url)


def check_sender(issuer: str | None) -> None:
    """Refuse an answer of another provider (RFC 9207). Raises SignInRefused."""
    known = get_provider()
    required = known.metadata().get("authorization_response_iss_parameter_supported") is True
    if (required or issuer is not None) and issuer != known.issuer:
        raise SignInRefused(reason="iss parameter")


def redeem(code: str, flow: AuthorizationRequest, redirect_uri: str) -> Claimant:
    """Exchange a code for who signed in. Raises SignInRefused, ProviderUnavailable."""
    known, settings = get_provider(), get_settings()
    client_id = settings.oidc_client_id or ""
    with connected(
        redirect_uri=redirect_uri, token_endpoint_auth_method=_auth_method(known.metadata())
    ) as client:
        try:
            answer = client.fetch_token(
                known.metadata()["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=flow.code_verifier,
            )
        except (ValueError, TypeError, AttributeError) as error:
            raise SignInRefused(reason="token answer") from error
    access_token = answer.get("access_token")
    access_token = access_token if isinstance(access_token, str) else None
    claims = verify_id_token(
        known,
        answer.get("id_token"),
        client_id=client_id,
        nonce=flow.nonce,
        access_token=access_token,
    )
    if access_token and not _says_email(claims):
        claims = _userinfo(access_token, claims["sub"]) or claims | {"email_verified": False}
    email = claims.get("email")
    return Claimant(
        known.issuer,
        claims["sub"],
        email if isinstance(email, str) else None,
        _is_verified(claims),
    )


def verify_access_token(token: str) -> AccessClaims:
    """Whom one of the provider's access tokens speaks for.

    Raises SignInRefused, ProviderUnavailable.
    """
    audience = get_settings().oidc_audience
    if audience is None:
        raise SignInRefused(reason="no audience is configured")
    return _verify_access_token(get_provider(), token, audience=audience)


def end_session_url(return_to: str) -> str | None:
    """Where the browser goes to sign out at the provider too, if it has such a page.

    OpenID Connect RP-Initiated Logout 1.0, without `id_token_hint`: the provider asks the person.
    Raises ProviderUnavailable.
    """
    endpoint = get_provider().endpoint("end_session_endpoint")
    if endpoint is None:
        return None
    query = {"client_id": get_settings().oidc_client_id, "post_logout_redirect_uri": return_to}
    return str(add_params_to_uri(endpoint, query))


def check() -> None:
    """Raises ProviderUnavailable unless discovery document and keys can be had now."""
    get_provider().check()


def reset() -> None:
    """Forget what the provider said, for a process whose settings changed."""
    get_provider.cache_clear()


def _auth_method(metadata: dict[str, Any]) -> str:
    if get_settings().oidc_client_secret is None:
        return "none"
    offered = metadata.get("token_endpoint_auth_methods_supported")
    if isinstance(offered, list) and "client_secret_basic" not in offered:
        return "client_secret_post"
    return "client_secret_basic"


def _says_email(claims: dict[str, Any]) -> bool:
    return "email" in claims and ("email_verified" in claims or "xms_edov" in claims)


def _userinfo(access_token: str, subject: str) -> dict[str, Any] | None:
    """The claims of the userinfo endpoint, if it speaks of the same person."""
    endpoint = get_provider().endpoint("userinfo_endpoint")
    if endpoint is None:
        return None
    with connected() as client:
        claims = get_json(client, endpoint, Authorization=f"Bearer {access_token}")
    if claims.get("sub") != subject:
        raise SignInRefused(reason="userinfo sub")
    return claims


def _is_verified(claims: dict[str, Any]) -> bool:
    """Whether the provider vouches for the address.

    `xms_edov` is what Entra has for it: the owner of the domain was verified.
    """
    said = claims.get("email_verified", claims.get("xms_edov"))
    return said is True or said == "true"


__all__ = [
    "AccessClaims",
    "Claimant",
    "Flow",
    "authorization_url",
    "check",
    "check_sender",
    "end_session_url",
    "new_flow",
    "redeem",
    "reset",
    "verify_access_token",
]

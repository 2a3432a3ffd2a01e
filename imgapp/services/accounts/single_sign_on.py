"""Single sign-on: signs people in through the provider, accepts its access tokens (OIDC)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from imgapp.adapters import db, oidc, one_time_values
from imgapp.errors import NotSignedIn, SignInRefused
from imgapp.models import Scope, UserSession, Viewer
from imgapp.services.accounts import identities, sessions
from imgapp.services.accounts.registration import has_users
from imgapp.services.accounts.safe_redirects import own_path
from imgapp.services.accounts.sessions import SignedIn, hash_secret
from imgapp.services.common import audit_trail, rate_limits
from imgapp.services.common.audit_trail import AuditKind
from imgapp.settings import get_settings

CALLBACK = "/api/single-sign-on/callback"
FLOW_SECONDS = 600
WRITE_SCOPE = "imgapp.write"
"""What a provider's access token has to name for more than reading."""

_PER_SECONDS = 900.0
_STARTS, _FAILURES = 600, 100
"""From one address."""


@dataclass(frozen=True)
class SignInStart:
    """`url` is the provider's page; `browser` is for a cookie, and `state` for its name."""

    url: str
    state: str
    browser: str


@dataclass(frozen=True)
class SignInEnd:
    signed_in: SignedIn
    next_path: str


def start(next_path: str = "/") -> SignInStart:
    """Begin a sign-in. Raises SignInRefused (`first_account`), RateLimited, ServiceUnavailable."""
    address = audit_trail.current_source().address
    rate_limits.hit("single_sign_on", address, limit=_STARTS, per_seconds=_PER_SECONDS)
    if not has_users():
        raise SignInRefused("The first account is made here", code="first_account")
    flow, browser = oidc.new_flow(), secrets.token_urlsafe(32)
    url = oidc.authorization_url(flow, _redirect_uri())
    kept = {"flow": flow.as_dict(), "browser": hash_secret(browser), "next": own_path(next_path)}
    one_time_values.put(flow.state, json.dumps(kept).encode(), seconds=FLOW_SECONDS)
    return SignInStart(url, flow.state, browser)


def finish(answer: Mapping[str, str], browser: str, *, user_agent: str, address: str) -> SignInEnd:
    """Turn the provider's answer into a session, or tell the audit trail why not.

    Raises SignInRefused, RateLimited, ServiceUnavailable.
    """
    rate_limits.check("single_sign_on_failed", address, limit=_FAILURES, per_seconds=_PER_SECONDS)
    try:
        kept = _take_flow(answer.get("state", ""), browser)
        claimant = _claimant(answer, oidc.AuthorizationRequest(**kept["flow"]))
        user_id = identities.person_of(claimant)
        signed_in = _start_session(user_id, user_agent=user_agent, address=address)
    except SignInRefused as refused:
        audit_trail.record(
            AuditKind.SIGN_IN_FAILED, None, method="oidc", code=refused.code, reason=refused.reason
        )
        rate_limits.hit("single_sign_on_failed", address, limit=_FAILURES, per_seconds=_PER_SECONDS)
        raise
    return SignInEnd(signed_in, kept["next"])


def viewer_of_access_token(token: str) -> Viewer | None:
    """Whom one of the provider's access tokens speaks for, or None. It may read, and write if its
    scopes say so. Raises ProviderUnavailable."""
    if get_settings().oidc_audience is None:
        return None
    try:
        claims = oidc.verify_access_token(token)
    except SignInRefused:
        return None
    known = identities.find(claims.issuer, claims.subject)
    if known is None or known.disabled:
        return None
    audit_trail.note_token_use(known.user_id, known.identity_id)
    scopes = {Scope.READ} | ({Scope.WRITE} if WRITE_SCOPE in claims.scopes else set())
    return Viewer(
        user_id=known.user_id,
        email=known.email,
        is_admin=known.is_admin,
        token_id=known.identity_id,
        scopes=frozenset(scopes),
    )


def signed_in_there(viewer: Viewer) -> bool:
    """Whether the viewer's session began at the provider."""
    query = sa.select(col(UserSession.auth_method)).where(col(UserSession.id) == viewer.session_id)
    with db.transaction(viewer.user_id) as session:
        return session.execute(query).scalar_one_or_none() == "oidc"


def sign_out_url() -> str | None:
    """The provider's page to sign out, if it has one. Raises ProviderUnavailable."""
    if not get_settings().single_sign_on:
        return None
    return oidc.end_session_url(f"{get_settings().origin}/sign-in")


def _redirect_uri() -> str:
    return get_settings().origin + CALLBACK


def _take_flow(state: str, browser: str) -> dict[str, Any]:
    """What was kept for this answer: once, and for the browser that asked only."""
    raw = one_time_values.take(state) if state else None
    if raw is None:
        raise SignInRefused(code="sign_in_expired", reason="state")
    kept: dict[str, Any] = json.loads(raw)
    if not secrets.compare_digest(kept["browser"], hash_secret(browser)):
        raise SignInRefused(code="sign_in_expired", reason="browser")
    return kept


def _claimant(answer: Mapping[str, str], flow: oidc.AuthorizationRequest) -> oidc.Claimant:
    oidc.check_sender(answer.get("iss"))
    error = answer.get("error")
    if error is not None:
        code = "sign_in_cancelled" if error == "access_denied" else "provider_refused"
        raise SignInRefused(code=code, reason="".join(filter(str.isprintable, error[:100])))
    if not answer.get("code"):
        raise SignInRefused(reason="no code")
    return oidc.redeem(answer["code"], flow, _redirect_uri())


def _start_session(user_id: UUID, *, user_agent: str, address: str) -> SignedIn:
    try:
        return sessions.start_session(
            user_id, user_agent=user_agent, address=address, auth_method="oidc"
        )
    except SignInRefused:
        raise
    except NotSignedIn as error:
        raise SignInRefused(code="account_disabled", reason="disabled") from error

"""What a sign-in provider may say, and what is refused however it is signed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import pytest
from joserfc.jwk import OctKey, RSAKey

from imgapp.adapters import oidc
from imgapp.adapters.oidc import client, provider
from imgapp.errors import ConfigurationError, ProviderUnavailable, SignInRefused
from tests.support.hostile_provider import (
    AUDIENCE,
    CLIENT_ID,
    CLIENT_SECRET,
    REMOVED,
    HostileProvider,
    elliptic_key,
    query_of,
    rsa_key,
)

HERE = "http://localhost:8000/api/single-sign-on/callback"


@pytest.fixture
def idp(set_env: Callable[..., None]) -> Iterator[HostileProvider]:
    with HostileProvider() as running:
        set_env(**running.settings)
        oidc.reset()
        yield running
    oidc.reset()


def sign_in(idp: HostileProvider, flow: oidc.AuthorizationRequest | None = None) -> oidc.Claimant:
    flow = flow or oidc.new_flow()
    back = idp.authorize(oidc.authorization_url(flow, HERE))
    return oidc.redeem(back["code"], flow, HERE)


def refusal(idp: HostileProvider) -> str:
    with pytest.raises(SignInRefused) as refused:
        sign_in(idp)
    return refused.value.reason


def test_a_good_answer_says_who_signed_in(idp: HostileProvider) -> None:
    assert sign_in(idp) == oidc.Claimant(idp.issuer, "sub-alice", "alice@example.org", True)


def test_the_question_carries_what_binds_the_answer_and_not_the_verifier(
    idp: HostileProvider,
) -> None:
    flow = oidc.new_flow()
    url = oidc.authorization_url(flow, HERE)
    asked = query_of(url)
    assert url.startswith(f"{idp.issuer}/authorize?")
    assert asked["tenant"] == "1"
    assert (asked["state"], asked["nonce"]) == (flow.state, flow.nonce)
    assert asked["redirect_uri"] == HERE
    assert asked["code_challenge_method"] == "S256"
    assert flow.code_verifier not in url
    assert len({*flow.as_dict().values(), *oidc.new_flow().as_dict().values()}) == 6


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"iss": REMOVED}, "iss"),
        ({"aud": "another client"}, "aud"),
        ({"aud": [CLIENT_ID, "another client"]}, "azp"),
        ({"aud": [CLIENT_ID, "another client"], "azp": "another client"}, "azp"),
        ({"azp": "another client"}, "azp"),
        ({"aud": REMOVED}, "aud"),
        ({"aud": {"imgapp": 1}}, "aud"),
        ({"exp": int(time.time()) - 3600}, "exp"),
        ({"exp": REMOVED}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": int(time.time()) + 3600}, "iat"),
        ({"iat": REMOVED}, "iat"),
        ({"nbf": int(time.time()) + 3600}, "nbf"),
        ({"nonce": "another one"}, "nonce"),
        ({"nonce": REMOVED}, "nonce"),
        ({"nonce": ["a", "b"]}, "nonce"),
        ({"sub": REMOVED}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"sub": "a\0b"}, "sub"),
        ({"at_hash": "wrong"}, "at_hash"),
        ({"at_hash": 7}, "at_hash"),
    ],
)
def test_an_id_token_that_says_something_else_is_refused(
    idp: HostileProvider, claims: dict[str, Any], reason: str
) -> None:
    idp.claims = claims
    assert reason in refusal(idp).split(",")


def test_clocks_may_differ_by_a_minute(idp: HostileProvider) -> None:
    moment = int(time.time())
    idp.claims = {"exp": moment - 50, "iat": moment + 50, "nbf": moment + 50}
    assert sign_in(idp).subject == "sub-alice"
    idp.claims = {"exp": moment - 70}
    assert refusal(idp) == "exp"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "none"}, "unsupported_algorithm"),
        ({"alg": "RS384", "kid": "three"}, "unknown key"),
        ({"kid": REMOVED}, "unknown key"),
    ],
)
def test_a_header_that_names_no_key_of_the_provider_is_refused(
    idp: HostileProvider, header: dict[str, Any], reason: str
) -> None:
    idp.header = header
    assert refusal(idp) == reason


def test_the_signature_of_somebody_else_is_refused(idp: HostileProvider) -> None:
    idp.key = RSAKey.generate_key(2048, {"kid": "one"})
    assert refusal(idp) == "bad_signature"


def test_a_key_in_the_header_of_the_token_is_not_believed(idp: HostileProvider) -> None:
    own = RSAKey.generate_key(2048, {"kid": "one"})
    idp.key, idp.header = own, {"jwk": {"kty": "oct", "k": "eA"}}
    assert refusal(idp) in ("bad_signature", "exceeded_size")


def test_a_published_key_is_no_shared_secret(idp: HostileProvider) -> None:
    idp.secret = rsa_key("one").as_pem(private=False)
    assert refusal(idp) == "unsupported_algorithm"


def test_the_clients_secret_signs_nothing(idp: HostileProvider) -> None:
    shared = OctKey.import_key(CLIENT_SECRET, {"kid": "one"}).as_dict(private=True)
    idp.keys = [shared, rsa_key("one").as_dict(private=False)]
    idp.secret = CLIENT_SECRET.encode()
    assert refusal(idp) == "unsupported_algorithm"


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c", "e30.e30.e30", "ey" * 20_000, "a.b.c.d.e", "\x00.\xff."]
)
def test_what_is_no_token_is_refused(idp: HostileProvider, token: str) -> None:
    idp.id_token = token
    idp.claims = {"iss": "whatever"}  # "" falls back to a signed one
    assert refusal(idp)


@pytest.mark.parametrize(
    "answer",
    [
        (200, b""),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"id_token": 7}'),
        (200, b'{"id_token": "a.b.c", "access_token": {}}'),
        (200, b'{"id_token": "a.b.c", "expires_in": "soon"}'),
        (400, b'{"error": "invalid_grant"}'),
        (400, b'{"error": {"a": "\\u0000"}}'),
        (401, b'{"error": "invalid_client"}'),
    ],
)
def test_a_token_answer_without_a_token_is_refused(
    idp: HostileProvider, answer: tuple[int, bytes]
) -> None:
    idp.token_answer = answer
    assert "\0" not in refusal(idp)


@pytest.mark.parametrize(
    "answer", [(500, b"{}"), (503, b"busy"), (404, b"no"), (200, b"x" * 2_000_000)]
)
def test_a_provider_that_cannot_answer_is_down(
    idp: HostileProvider, answer: tuple[int, bytes]
) -> None:
    idp.token_answer = answer
    with pytest.raises(ProviderUnavailable):
        sign_in(idp)


def test_a_code_is_good_once(idp: HostileProvider) -> None:
    flow = oidc.new_flow()
    back = idp.authorize(oidc.authorization_url(flow, HERE))
    oidc.redeem(back["code"], flow, HERE)
    with pytest.raises(SignInRefused) as refused:
        oidc.redeem(back["code"], flow, HERE)
    assert (refused.value.code, refused.value.reason) == ("provider_refused", "invalid_grant")


def test_a_code_of_another_flow_is_refused(idp: HostileProvider) -> None:
    stolen = idp.authorize(oidc.authorization_url(oidc.new_flow(), HERE))
    with pytest.raises(SignInRefused) as refused:
        oidc.redeem(stolen["code"], oidc.new_flow(), HERE)
    assert refused.value.reason == "invalid_grant"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_the_client_proves_itself_as_the_provider_wants(idp: HostileProvider, method: str) -> None:
    idp.metadata = {"token_endpoint_auth_methods_supported": [method]}
    assert sign_in(idp).subject == "sub-alice"


def test_a_public_client_has_no_secret(idp: HostileProvider, set_env: Callable[..., None]) -> None:
    idp.metadata = {"token_endpoint_auth_methods_supported": ["none"]}
    set_env(IMGAPP_OIDC_CLIENT_SECRET=None)
    assert sign_in(idp).subject == "sub-alice"


@pytest.mark.parametrize(
    ("verified", "believed"),
    [(True, True), ("true", True), (False, False), ("false", False), (1, False), (None, False)],
)
def test_an_address_is_verified_when_the_provider_says_so(
    idp: HostileProvider, verified: Any, believed: bool
) -> None:
    idp.person.email_verified = verified
    assert sign_in(idp).email_verified is believed


def test_entra_says_it_in_a_claim_of_its_own(idp: HostileProvider) -> None:
    idp.claims = {"email_verified": REMOVED, "xms_edov": True}
    assert sign_in(idp).email_verified is True
    idp.claims = {"email_verified": False, "xms_edov": True}
    assert sign_in(idp).email_verified is False


def test_userinfo_is_asked_for_an_address_that_the_id_token_leaves_out(
    idp: HostileProvider,
) -> None:
    idp.claims = {"email": REMOVED, "email_verified": REMOVED}
    assert sign_in(idp) == oidc.Claimant(idp.issuer, "sub-alice", "alice@example.org", True)


def test_userinfo_about_somebody_else_is_refused(idp: HostileProvider) -> None:
    idp.claims = {"email": REMOVED}
    idp.userinfo = {"sub": "sub-mallory"}
    assert refusal(idp) == "userinfo sub"


def test_one_source_does_not_vouch_for_the_address_of_the_other(idp: HostileProvider) -> None:
    idp.claims = {"email_verified": REMOVED}
    idp.userinfo = {"email": "other@example.org", "email_verified": True}
    assert sign_in(idp).email == "other@example.org"
    oidc.reset()
    idp.metadata = {"userinfo_endpoint": None}
    assert sign_in(idp) == oidc.Claimant(idp.issuer, "sub-alice", "alice@example.org", False)


@pytest.mark.parametrize("email", [REMOVED, None, 7, ["a@example.org"]])
def test_an_address_that_is_none_is_unknown(idp: HostileProvider, email: Any) -> None:
    idp.claims = {"email": email}
    idp.person.email = None
    assert sign_in(idp).email is None


def test_the_issuer_has_to_be_exactly_the_configured_one(
    idp: HostileProvider, set_env: Callable[..., None]
) -> None:
    idp.metadata = {"issuer": idp.issuer + "/"}
    with pytest.raises(ProviderUnavailable, match="IMGAPP_OIDC_ISSUER has to be exactly that"):
        oidc.authorization_url(oidc.new_flow(), HERE)
    set_env(IMGAPP_OIDC_ISSUER=idp.issuer + "/")
    oidc.reset()
    assert oidc.authorization_url(oidc.new_flow(), HERE)


@pytest.mark.parametrize(
    "metadata",
    [
        {"token_endpoint": None},
        {"token_endpoint": "ftp://127.0.0.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": 7},
    ],
)
def test_endpoints_that_are_no_addresses_are_not_used(
    idp: HostileProvider, metadata: dict[str, Any]
) -> None:
    idp.metadata = metadata
    with pytest.raises(ProviderUnavailable, match="names no"):
        oidc.authorization_url(oidc.new_flow(), HERE)


def test_an_https_issuer_names_no_http_endpoints() -> None:
    known = provider.Provider("https://login.example.org")
    assert known._may_be_used("https://keys.example.org/jwks")
    assert not known._may_be_used("http://login.example.org/jwks")


def test_keys_that_nobody_can_use_are_left_out(idp: HostileProvider) -> None:
    weak = {"kty": "RSA", "kid": "weak", "n": "AQAB" * 20, "e": "AQAB"}
    new = {"kty": "AKP", "kid": "pq", "alg": "ML-DSA-44", "pub": "AAAA"}
    good = rsa_key("one").as_dict(private=False)
    idp.keys = [weak, new, {"kty": "EC"}, 7, good]  # type: ignore[list-item]
    assert sign_in(idp).subject == "sub-alice"
    oidc.reset()
    idp.keys = [weak, new, {**good, "use": "enc"}]
    assert refusal(idp) == "unknown key"
    oidc.reset()
    idp.keys = [new]
    with pytest.raises(ProviderUnavailable, match="no key"):
        sign_in(idp)


def test_elliptic_curves_are_as_good(idp: HostileProvider) -> None:
    idp.key = elliptic_key("ec")
    idp.keys = [idp.key.as_dict(private=False)]
    idp.header = {"alg": "ES256", "kid": "ec"}
    assert sign_in(idp).subject == "sub-alice"


def test_a_new_key_is_fetched_when_it_is_first_used_and_at_most_once_a_minute(
    idp: HostileProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [1000.0]
    known = provider.Provider(idp.issuer, clock=lambda: moment[0])
    monkeypatch.setattr(oidc, "get_provider", lru_cache(lambda: known))
    assert sign_in(idp).subject == "sub-alice"
    idp.key, idp.header = rsa_key("new"), {"kid": "new"}
    idp.keys = [rsa_key("new").as_dict(private=False)]
    assert sign_in(idp).subject == "sub-alice"
    assert idp.paths.count("/jwks") == 2
    idp.key, idp.header = rsa_key("newer"), {"kid": "newer"}
    for _ in range(5):
        assert refusal(idp) == "unknown key"
    idp.keys = [rsa_key("newer").as_dict(private=False)]
    assert refusal(idp) == "unknown key"
    assert idp.paths.count("/jwks") == 2
    moment[0] += 61
    assert sign_in(idp).subject == "sub-alice"
    assert idp.paths.count("/jwks") == 3
    assert idp.paths.count("/.well-known/openid-configuration") == 1


def test_what_was_fetched_serves_while_the_provider_is_down(idp: HostileProvider) -> None:
    moment = [1000.0]
    known = provider.Provider(idp.issuer, clock=lambda: moment[0])
    before = known.metadata()
    idp.stop()
    moment[0] += provider.FRESH_SECONDS + 1
    assert known.metadata() == before
    moment[0] += provider.USABLE_SECONDS
    with pytest.raises(ProviderUnavailable):
        known.metadata()


def test_a_provider_that_is_down_is_said_to_be(idp: HostileProvider) -> None:
    idp.stop()
    with pytest.raises(ProviderUnavailable):
        oidc.authorization_url(oidc.new_flow(), HERE)
    with pytest.raises(ProviderUnavailable):
        oidc.check()


def test_the_check_asks_the_provider_anew(idp: HostileProvider) -> None:
    oidc.check()
    idp.keys = []
    with pytest.raises(ProviderUnavailable, match="no key"):
        oidc.check()


def test_a_redirect_is_not_followed(idp: HostileProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idp, "answer", lambda *_: (302, b"{}"))
    with pytest.raises(ProviderUnavailable, match="answered 302"):
        oidc.check()


def test_an_answer_that_trickles_is_given_up(
    idp: HostileProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TOTAL_SECONDS", -1.0)
    with pytest.raises(ProviderUnavailable, match="does not end"):
        oidc.check()


def test_an_answer_comes_from_the_provider_that_was_asked(idp: HostileProvider) -> None:
    oidc.check_sender(None)
    oidc.check_sender(idp.issuer)
    with pytest.raises(SignInRefused):
        oidc.check_sender("https://evil.example")
    oidc.reset()
    idp.metadata = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(SignInRefused):
        oidc.check_sender(None)


def test_the_page_to_sign_out_at_the_provider(idp: HostileProvider) -> None:
    url = oidc.end_session_url("http://localhost:8000/sign-in") or ""
    assert url.startswith(f"{idp.issuer}/logout?")
    assert query_of(url) == {
        "client_id": CLIENT_ID,
        "post_logout_redirect_uri": "http://localhost:8000/sign-in",
    }
    oidc.reset()
    idp.metadata = {"end_session_endpoint": "javascript:alert(1)"}
    assert oidc.end_session_url("http://localhost:8000/sign-in") is None


def test_an_access_token_says_whom_it_speaks_for(idp: HostileProvider) -> None:
    claims = oidc.verify_access_token(idp.access_token({"scope": "imgapp.read imgapp.write"}))
    assert (claims.issuer, claims.subject) == (idp.issuer, "sub-alice")
    assert claims.scopes == {"imgapp.read", "imgapp.write"}


@pytest.mark.parametrize(
    ("typ", "claims", "scopes"),
    [
        ("at+jwt", {"scope": REMOVED}, set()),
        ("application/at+jwt", {}, {"imgapp.read"}),
        ("JWT", {"typ": "Bearer"}, {"imgapp.read"}),  # Keycloak
        ("JWT", {"scope": REMOVED, "scp": "imgapp.write"}, {"imgapp.write"}),  # Entra
        (None, {"scope": ["imgapp.read", 7]}, {"imgapp.read"}),
        ("at+jwt", {"aud": ["another", AUDIENCE]}, {"imgapp.read"}),
    ],
)
def test_access_tokens_look_a_little_different_everywhere(
    idp: HostileProvider, typ: str | None, claims: dict[str, Any], scopes: set[str]
) -> None:
    assert oidc.verify_access_token(idp.access_token(claims, typ=typ)).scopes == scopes


@pytest.mark.parametrize(
    ("typ", "claims", "reason"),
    [
        ("at+jwt", {"iss": "https://evil.example"}, "iss"),
        ("at+jwt", {"aud": "another service"}, "aud"),
        ("at+jwt", {"aud": CLIENT_ID}, "aud"),
        ("at+jwt", {"aud": REMOVED}, "aud"),
        ("at+jwt", {"exp": int(time.time()) - 3600}, "exp"),
        ("at+jwt", {"exp": REMOVED}, "exp"),
        ("at+jwt", {"nbf": int(time.time()) + 3600}, "nbf"),
        ("at+jwt", {"sub": REMOVED}, "sub"),
        ("at+jwt", {"sub": ["a"]}, "sub"),
        ("JWT", {"scope": REMOVED}, "not an access token"),
        ("JWT", {"typ": "ID"}, "not an access token"),
        ("JWT", {"at_hash": "x"}, "not an access token"),
        ("logout+jwt", {}, "not an access token"),
        ("dpop+jwt", {}, "not an access token"),
    ],
)
def test_an_access_token_for_something_else_is_refused(
    idp: HostileProvider, typ: str, claims: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SignInRefused) as refused:
        oidc.verify_access_token(idp.access_token(claims, typ=typ))
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "header",
    [{"alg": "none"}, {"kid": "three"}, {"kid": REMOVED}, {"crit": ["b64"], "b64": False}],
)
def test_an_access_token_that_nobody_signed_is_refused(
    idp: HostileProvider, header: dict[str, Any]
) -> None:
    idp.header = header
    with pytest.raises(SignInRefused):
        oidc.verify_access_token(idp.access_token())


def test_without_an_audience_no_access_token_is_taken(
    idp: HostileProvider, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_OIDC_AUDIENCE=None)
    with pytest.raises(SignInRefused):
        oidc.verify_access_token(idp.access_token())


def test_without_settings_there_is_no_provider(set_env: Callable[..., None]) -> None:
    oidc.reset()
    with pytest.raises(ConfigurationError, match="IMGAPP_OIDC_ISSUER"):
        oidc.check()


def test_nothing_secret_stands_in_what_is_raised(idp: HostileProvider) -> None:
    idp.claims = {"nonce": "another one"}
    flow = oidc.new_flow()
    with pytest.raises(SignInRefused) as refused:
        sign_in(idp, flow)
    said = json.dumps([refused.value.detail, refused.value.reason, str(refused.value)])
    assert not any(secret in said for secret in flow.as_dict().values())

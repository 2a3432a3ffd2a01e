"""The configurations of reverse proxies in docs/operating.md, in front of a real installation."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image as PillowImage

from tests.support.proxies import PROGRAMS, documented, missing, proxy
from tests.support.running import EMAIL, PASSWORD, App, free_port, running_app

METRICS_TOKEN = "a token for Prometheus, and for nobody else"
GUESSER, OTHER = "127.0.0.2", "127.0.0.3"


@dataclass(frozen=True)
class Site:
    """An installation and the port where people reach it."""

    app: App
    port: int

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def client(self, address: str = OTHER) -> httpx.Client:
        """A client at another address than the proxy's."""
        transport = httpx.HTTPTransport(local_address=address, verify=untrusting())
        return httpx.Client(
            base_url=self.url, transport=transport, headers={"Origin": self.url}, timeout=60
        )


def untrusting() -> ssl.SSLContext:
    """The certificates are those of the test."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    port = free_port()
    with running_app(
        IMGAPP_PUBLIC_URL=f"https://localhost:{port}",
        # The clients of these tests are on loopback as well, and are not believed.
        IMGAPP_TRUSTED_PROXIES="127.0.0.1, ::1",
        IMGAPP_METRICS_TOKEN=METRICS_TOKEN,
        IMGAPP_WEB_PROCESSES="1",
    ) as app:
        yield Site(app, port)


@pytest.fixture(params=PROGRAMS)
def proxied(request: pytest.FixtureRequest) -> Iterator[Site]:
    if reason := missing(request.param):
        pytest.skip(reason)
    site = request.getfixturevalue("site")
    with proxy(request.param, site.port, int(site.app.url.rpartition(":")[2])):
        yield site


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Noise, which no format makes small: more than a proxy lets through by default."""
    noise = np.random.default_rng().integers(0, 256, (2200, 2200, 3), dtype=np.uint8)
    path = tmp_path / "large.png"
    PillowImage.fromarray(noise).save(path, compress_level=0)
    assert path.stat().st_size > 12e6
    return path


def sign_in(client: httpx.Client, email: str, password: str, **headers: str) -> str:
    form = {"email": email, "password": password}
    return client.post("/api/sign-in", data=form, headers=headers).headers["location"]


@pytest.mark.long
def test_what_the_page_says_works(proxied: Site, large: Path) -> None:
    """One test, as the servers take a while to start."""
    with proxied.client() as client:
        check_pages(client)
        cookies = check_sign_in(client)
        check_websocket(proxied, cookies)
        check_upload(client, proxied.app.token, large)
        check_metrics(client, proxied.app)
    check_addresses(proxied)


def check_pages(client: httpx.Client) -> None:
    assert client.get("/").status_code == 303
    page = client.get("/sign-in")
    assert (page.status_code, page.headers["content-type"][:9]) == (200, "text/html")
    # A slash in a part of a path stays what it is.
    assert client.get("/api/images/a%2Fb").status_code in (401, 404, 422)


def check_sign_in(client: httpx.Client) -> dict[str, str]:
    assert sign_in(client, EMAIL, PASSWORD) == "/"
    return {cookie.name: cookie.value or "" for cookie in client.cookies.jar}


def check_websocket(site: Site, cookies: dict[str, str]) -> None:
    """The handshake of RFC 6455, and the beginning of what Engine.IO sends first."""
    connection = http.client.HTTPSConnection(
        "localhost", site.port, context=untrusting(), timeout=60
    )
    with closing(connection):
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Origin": site.url,
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
        }
        connection.request("GET", "/_event/?EIO=4&transport=websocket&token=a-tab", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 101
        assert b'0{"sid"' in answer.fp.read(20)


def check_upload(client: httpx.Client, token: str, path: Path) -> None:
    with path.open("rb") as file:
        answer = client.post(
            "/api/upload",
            files={"files": (path.name, file)},
            headers={"Authorization": f"Bearer {token}"},
        )
    assert answer.status_code == 202, answer.text
    assert answer.json()["images"][0]["file_size"] == path.stat().st_size


def check_metrics(client: httpx.Client, app: App) -> None:
    client.cookies.clear()
    assert client.get("/metrics").status_code == 401
    authorized = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    assert client.get("/metrics", headers=authorized).status_code == 200
    assert httpx.get(f"{app.url}/metrics").status_code == 401


def check_addresses(site: Site) -> None:
    """Who guesses is locked out, and nobody else, whatever they say of where they are."""
    email = f"someone-{free_port()}@example.org"
    site.app.add_person(email)
    with site.client(GUESSER) as guesser, site.client(OTHER) as other:
        for number in range(10):
            forged = {"X-Forwarded-For": f"198.51.100.{number}"}
            assert sign_in(guesser, email, "a guess that is wrong", **forged) != "/"
        assert sign_in(guesser, email, PASSWORD) == "/sign-in#limited"
        assert sign_in(other, email, PASSWORD) == "/"


def test_no_configuration_is_left_out() -> None:
    for kind in PROGRAMS:
        assert "pictures.example.org" in documented(kind) or kind == "haproxy"
        assert "127.0.0.1:8000" in documented(kind)

"""The address that limits and the audit trail go by."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from imgapp.api.http import client_address
from imgapp.api.http.client_address import Sources
from imgapp.errors import ConfigurationError
from imgapp.services.common import audit_trail
from imgapp.settings import get_settings

PROXY, CALLER = "10.0.0.7", "203.0.113.9"


async def tell(scope: Scope, receive: Receive, send: Send) -> None:
    client = Request(scope).client
    assert client is not None
    assert audit_trail.current_source().address == client.host
    await PlainTextResponse(client.host)(scope, receive, send)


def seen_from(host: str, *forwarded: str) -> str:
    client = TestClient(Sources(tell), client=(host, 50_000))
    return client.get("/", headers=[("x-forwarded-for", line) for line in forwarded]).text


@pytest.mark.parametrize(
    ("host", "forwarded", "address"),
    [
        (CALLER, [], CALLER),
        (CALLER, ["198.51.100.7"], CALLER),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", [CALLER], CALLER),
        ("::1", [CALLER], CALLER),
        ("::ffff:127.0.0.1", [CALLER], CALLER),
        (PROXY, [CALLER], CALLER),
        (PROXY, [f"198.51.100.7, {CALLER}"], CALLER),
        (PROXY, ["198.51.100.7", CALLER], CALLER),
        (PROXY, [f"{CALLER}, {PROXY}"], CALLER),
        (PROXY, ["2001:db8::1"], "2001:db8::1"),
        (PROXY, [f"{CALLER}, nonsense"], PROXY),
        (PROXY, [""], PROXY),
    ],
)
def test_only_proxies_of_ours_say_who_calls(set_env, host, forwarded, address) -> None:
    set_env(IMGAPP_TRUSTED_PROXIES="127.0.0.0/8, ::1, 10.0.0.0/24")
    assert seen_from(host, *forwarded) == address


def test_loopback_alone_is_trusted_unless_told_otherwise() -> None:
    assert seen_from("127.0.0.1", CALLER) == CALLER
    assert seen_from(PROXY, CALLER) == PROXY


def test_what_is_no_network_is_refused(set_env) -> None:
    set_env(IMGAPP_TRUSTED_PROXIES="10.0.0.0/8, proxy.example.org")
    with pytest.raises(ConfigurationError, match=r"IMGAPP_TRUSTED_PROXIES: 'proxy\.example\.org'"):
        get_settings()


def test_guessing_through_a_proxy_locks_the_guesser_out_and_not_the_others(
    alice, client_for
) -> None:
    client = client_for(None)
    right = {"email": alice.email, "password": alice.password}
    wrong = {"email": alice.email, "password": "a guess that is wrong"}
    there = {"x-forwarded-for": CALLER}
    for _ in range(10):
        client.post("/api/sign-in", data=wrong, headers=there)
    answer = client.post("/api/sign-in", data=right, headers=there)
    assert answer.headers["location"] == "/sign-in#limited"
    answer = client.post("/api/sign-in", data=right, headers={"x-forwarded-for": "198.51.100.7"})
    assert answer.headers["location"] == "/"


def test_a_proxy_that_does_not_say_who_calls_is_noted_once(set_env, caplog, monkeypatch) -> None:
    monkeypatch.setattr(client_address, "_warned", False)
    set_env(IMGAPP_PUBLIC_URL="https://pictures.example.org")
    client = TestClient(Sources(tell), client=("127.0.0.1", 50_000))

    def noted(**headers: str) -> int:
        caplog.clear()
        client.get("/", headers={name.replace("_", "-"): text for name, text in headers.items()})
        return caplog.text.count("proxy_names_no_client")

    ours = "https://pictures.example.org"
    assert noted() == 0, "a program on this machine"
    assert noted(origin="http://localhost:8000") == 0
    assert noted(origin=ours, x_forwarded_for=CALLER) == 0
    assert noted(origin=ours) == 1
    assert noted(origin=ours) == 0

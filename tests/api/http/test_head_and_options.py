"""HEAD, OPTIONS and `Allow`, at every address of the API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from imgapp.api.http.openapi import PUBLIC
from tests.api.test_routes import ITEM_ROUTES, ROUTES, address, an_item_of
from tests.conftest import Person, shared_api

ClientFor = Callable[..., TestClient]
METHODS: dict[str, set[str]] = {}
for method, path in ROUTES:
    METHODS.setdefault(path, set()).add(method)
DOCUMENTED = [
    (method.upper(), path)
    for path, operations in shared_api().openapi()["paths"].items()
    for method in operations
    if path not in PUBLIC
]
COMPARED = {"content-type", "content-length", "etag", "cache-control", "location"}
READ = [path for method, path in ROUTES if method == "GET" and "HEAD" not in METHODS[path]]


def test_head_is_get_without_the_body(
    client_for: ClientFor, admin: Person, unhurried: None, subtests: pytest.Subtests
) -> None:
    client = client_for(admin)
    for path in READ:
        with subtests.test(path):
            where = path
            if ("GET", path) in ITEM_ROUTES:
                where = address(path, an_item_of(admin, path))
            head = client.head(where)
            assert head.content == b""
            if path == "/api/events":
                assert head.headers["content-type"].startswith("text/event-stream")
                continue
            get = client.get(where)
            assert head.status_code == get.status_code
            # What is measured changes from one request to the next.
            compared = COMPARED - ({"content-length"} if path == "/metrics" else set())
            assert {n: head.headers.get(n) for n in compared} == {
                n: get.headers.get(n) for n in compared
            }


def test_head_asks_who_is_calling_too(client_for: ClientFor) -> None:
    answer = client_for(None).head("/api/images")
    assert (answer.status_code, answer.content) == (401, b"")


def test_options_and_refusals_name_every_method(
    client_for: ClientFor, subtests: pytest.Subtests
) -> None:
    client = client_for(None)
    for path in sorted(METHODS):
        if METHODS[path] == {"MOUNT"}:
            continue
        item = address(path, "019a2f5e-7c41-7b1c-9d53-2f0a6e1b8c44")
        expected = METHODS[path] | {"OPTIONS"} | ({"HEAD"} if "GET" in METHODS[path] else set())
        with subtests.test(path):
            for method, status in (("OPTIONS", 204), ("TRACE", 405), ("BREW", 405)):
                answer = client.request(method, item)
                assert answer.status_code == status, method
                assert set(answer.headers["allow"].split(", ")) == expected
            if "PUT" not in expected:
                assert client.put(item).json()["code"] == "method_not_allowed"


def test_an_address_that_is_not_there_has_no_methods(client_for: ClientFor) -> None:
    client = client_for(None)
    for method in ("OPTIONS", "HEAD", "PUT", "BREW"):
        assert client.request(method, "/api/nothing").status_code == 404


def test_a_file_is_not_read_to_say_how_long_it_is(
    client_for: ClientFor, alice: Person, picture_file: Callable[..., Path]
) -> None:
    client = client_for(alice)
    path = picture_file("a.jpg")
    sent = client.post("/api/upload", files={"files": (path.name, path.read_bytes())}).json()
    head = client.head(sent["images"][0]["urls"]["original"])
    assert head.headers["content-length"] == str(path.stat().st_size)
    assert head.content == b""


def test_what_a_route_spells_out_is_no_id(client_for: ClientFor, alice: Person) -> None:
    client = client_for(alice)
    for method in ("PATCH", "DELETE", "GET"):
        assert client.request(method, "/api/images/by-hash").status_code == 405


def test_a_parameter_that_no_route_knows_is_refused(
    client_for: ClientFor, admin: Person, unhurried: None, subtests: pytest.Subtests
) -> None:
    client = client_for(admin)
    for method, path in DOCUMENTED:
        with subtests.test(f"{method} {path}"):
            answer = client.request(
                method, address(path, an_item_of(admin, path)), params={"permanet": "true"}
            )
            assert answer.status_code == 422
            assert [(e["parameter"], e["code"]) for e in answer.json()["errors"]] == [
                ("permanet", "extra_forbidden")
            ]


def test_a_parameter_that_comes_twice_is_refused(client_for: ClientFor, alice: Person) -> None:
    answer = client_for(alice).get("/api/images?q=dog&q=cat&limit=1")
    assert answer.status_code == 422
    assert [(e["parameter"], e["code"]) for e in answer.json()["errors"]] == [("q", "given_twice")]


def test_whoever_is_not_signed_in_is_told_that_first(client_for: ClientFor) -> None:
    assert client_for(None).get("/api/images?statuss=failed").status_code == 401

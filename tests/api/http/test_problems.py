from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from imgapp.api import create_api, create_site
from imgapp.api.http import middleware
from imgapp.api.http.json_bodies import json_body
from imgapp.api.http.middleware import MAX_BODY_BYTES
from imgapp.errors import (
    ConfigurationError,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    NotSignedIn,
    RateLimited,
    StoreUnavailable,
)


class Named(BaseModel):
    name: str
    parts: dict[str, int] = {}


@pytest.fixture(scope="module")
def api() -> FastAPI:
    """The API with a few routes that fail in every way."""
    app = create_api()
    errors = {
        "invalid": InvalidRequest("No such colour", code="invalid_colour"),
        "signed-out": NotSignedIn(),
        "forbidden": Forbidden(),
        "missing": NotFound(),
        "conflict": Conflict(),
        "limited": RateLimited(retry_after=1.2),
        "store": StoreUnavailable(),
        "misconfigured": ConfigurationError("password=hunter2"),
        "bug": ZeroDivisionError("password=hunter2"),
    }

    @app.get("/api/test/fail/{how}")
    async def fail(how: str) -> None:
        raise errors[how]

    @app.get("/api/test/half")
    async def half() -> StreamingResponse:
        def body() -> Iterator[bytes]:
            yield b"half an "
            raise ZeroDivisionError

        return StreamingResponse(body())

    @app.post("/api/test/named")
    async def named(body: Annotated[Named, Depends(json_body(Named))]) -> str:
        return body.name

    @app.post("/api/test/upload")
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.get("/api/test/number")
    async def number(n: int) -> int:
        return n

    return app


@pytest.fixture
async def client(api: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(api, client=("203.0.113.9", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


def problem(response: httpx.Response) -> dict[str, object]:
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, object] = response.json()
    assert document["status"] == response.status_code
    assert {"type", "title", "status", "detail", "instance", "code"} <= document.keys()
    return document


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("invalid", 400, "invalid_colour"),
        ("signed-out", 401, "not_signed_in"),
        ("forbidden", 403, "forbidden"),
        ("missing", 404, "not_found"),
        ("conflict", 409, "conflict"),
        ("limited", 429, "rate_limited"),
        ("misconfigured", 500, "internal_error"),
        ("bug", 500, "internal_error"),
        ("store", 503, "store_unavailable"),
    ],
)
async def test_every_error_becomes_a_problem_document(
    client: httpx.AsyncClient, how: str, status: int, code: str
) -> None:
    response = await client.get(f"/api/test/fail/{how}")
    assert response.status_code == status
    assert problem(response)["code"] == code
    assert problem(response)["instance"] == f"/api/test/fail/{how}"


async def test_errors_carry_the_headers_that_their_status_asks_for(
    client: httpx.AsyncClient,
) -> None:
    signed_out = await client.get("/api/test/fail/signed-out")
    assert signed_out.headers["www-authenticate"].startswith("Bearer")
    assert (await client.get("/api/test/fail/limited")).headers["retry-after"] == "2"
    assert int((await client.get("/api/test/fail/store")).headers["retry-after"]) > 0


@pytest.mark.parametrize("how", ["bug", "misconfigured"])
async def test_a_fault_of_ours_leaks_nothing_and_is_logged_with_the_request_id(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    with caplog.at_level(logging.ERROR):
        response = await client.get(f"/api/test/fail/{how}", headers={"X-Request-Id": "abc-1"})
    assert "hunter2" not in response.text
    assert response.headers["x-request-id"] == "abc-1"
    record = next(r for r in caplog.records if r.message == "unhandled_error")
    assert record.__dict__["request_id"] == "abc-1"
    assert record.exc_info


async def test_half_an_answer_is_cut_and_never_looks_whole(client: httpx.AsyncClient) -> None:
    with pytest.raises(ZeroDivisionError):
        await client.get("/api/test/half")


async def test_an_unknown_address_is_a_problem(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/no%20such%7F")
    assert response.status_code == 404
    assert problem(response)["code"] == "not_found"
    assert problem(response)["instance"] == "/api/no%20such%7F"


async def test_a_method_that_is_not_there_is_a_problem(client: httpx.AsyncClient) -> None:
    response = await client.put("/api/health")
    assert response.status_code == 405
    assert problem(response)["code"] == "method_not_allowed"
    assert response.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_a_wrong_body_is_told_value_by_value(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/test/named", json={"name": 1, "parts": {"a/b~": "x"}})
    assert response.status_code == 422
    document = problem(response)
    assert document["code"] == "validation_failed"
    assert isinstance(document["errors"], list)
    pointers = [error["pointer"] for error in document["errors"]]
    assert pointers == ["#/name", "#/parts/a~1b~0"]


async def test_a_wrong_parameter_is_named(client: httpx.AsyncClient) -> None:
    document = problem(await client.get("/api/test/number", params={"n": "many"}))
    assert isinstance(document["errors"], list)
    assert [error["parameter"] for error in document["errors"]] == ["n"]


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b'{"name": "\\ud800"}', b'{"\\ud800": 1}', b"[" * 100_000]
)
async def test_a_body_that_is_not_json_is_a_problem(client: httpx.AsyncClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/api/test/named", content=body, headers=headers)
    assert response.status_code == 422
    assert problem(response)["code"] == "validation_failed"


async def test_a_body_of_another_type_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/test/named", data={"name": "x"})
    assert response.status_code == 415
    assert problem(response)["code"] == "unsupported_media_type"


async def test_a_body_over_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    body = b" " * (MAX_BODY_BYTES + 1)
    response = await client.post("/api/test/named", content=body, headers=headers)
    assert response.status_code == 413
    assert problem(response)["code"] == "request_too_large"


async def test_a_body_of_undeclared_length_is_refused_once_it_is_over_the_limit(
    client: httpx.AsyncClient,
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 20 * MAX_BODY_BYTES:
            sent += 64 * 1024
            yield b" " * 64 * 1024

    response = await client.post("/api/test/upload", content=endless())
    assert response.status_code == 413
    assert sent <= 2 * MAX_BODY_BYTES


async def test_a_body_that_does_not_come_is_given_up(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.2)
    given_up = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"name": '
        await given_up.wait()
        yield b'"x"}'

    headers = {"Content-Type": "application/json"}
    response = await client.post("/api/test/named", content=slow(), headers=headers)
    given_up.set()
    assert response.status_code == 408
    assert problem(response)["code"] == "request_timeout"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
async def test_a_compressed_body_is_refused(client: httpx.AsyncClient, encoding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    response = await client.post("/api/test/named", content=b"{}", headers=headers)
    assert response.status_code == 415
    assert problem(response)["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("1", 200),
        ("2.0", 200),
        ("1e2", 200),
        (str(2**70), 200),
        ("2.5", 422),
        ('"1"', 422),
        ("true", 422),
        ("1e400", 422),
        ("NaN", 422),
        ("null", 422),
        ("1" * 5_000, 422),
    ],
)
async def test_a_value_is_taken_in_its_own_type_only(
    client: httpx.AsyncClient, value: str, status: int
) -> None:
    body = f'{{"name": "x", "parts": {{"a": {value}, "b": 3.0}}}}'
    headers = {"Content-Type": "application/json"}
    response = await client.post("/api/test/named", content=body, headers=headers)
    assert response.status_code == status


async def test_a_body_at_the_limit_is_read(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/test/upload", content=b" " * MAX_BODY_BYTES)
    assert response.json() == MAX_BODY_BYTES


async def test_every_answer_has_a_request_id_of_its_own(client: httpx.AsyncClient) -> None:
    paths = ["/api/no", "/api/test/number?n=1", "/api/test/fail/bug", "/api/docs"]
    ids = [(await client.get(path)).headers["x-request-id"] for path in paths]
    assert len(set(ids)) == len(paths)
    assert all(ids)


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "é", "<script>"])
async def test_an_incoming_request_id_that_is_not_sane_is_replaced(
    client: httpx.AsyncClient, given: str
) -> None:
    headers = {"X-Request-Id": given.encode()}
    response = await client.get("/api/no", headers=headers)
    assert response.headers["x-request-id"] not in ("", given)


async def test_answers_of_the_api_are_framed_by_nobody_and_stored_by_no_cache(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/api/no", "/api/test/number?n=1", "/api/test/fail/bug"):
        headers = (await client.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "same-origin"


async def test_the_site_gives_the_api_its_paths_and_the_pages_all_others() -> None:
    pages = FastAPI(openapi_url=None)

    @pages.get("/{path:path}")
    async def page(path: str) -> str:
        return "page"

    transport = httpx.ASGITransport(create_site(pages))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for path in ("/", "/apiary", "/metricsx", "/sign-in"):
            answer = await client.get(path)
            assert answer.json() == "page"
            assert answer.headers["x-frame-options"] == "DENY"
            assert "cache-control" not in answer.headers
        for path in ("/api", "/api/", "/api/nothing"):
            assert problem(await client.get(path))["code"] == "not_found"
        assert problem(await client.post("/api/health"))["code"] == "method_not_allowed"


async def test_the_docs_page_needs_no_outside_address(client: httpx.AsyncClient) -> None:
    page = await client.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "://" not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for asset in ("assets/swagger-ui-bundle.js", "assets/swagger-ui.css", "start.js"):
        assert f"/api/docs/{asset}" in page.text
        answer = await client.get(f"/api/docs/{asset}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] != "no-store"

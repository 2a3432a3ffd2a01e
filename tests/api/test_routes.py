from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from imgapp.adapters import db
from imgapp.api import is_api_path
from imgapp.models import Image, ImageUse, Scope, new_id
from imgapp.services.accounts import sessions, tokens
from imgapp.services.analysis import runs
from imgapp.services.analysis.run_schemas import NewRun, RunFilter
from imgapp.services.batches import batches
from imgapp.services.batches.schemas import NewBatch
from imgapp.services.uploads import tus_uploads
from tests.conftest import ORIGIN, Person, shared_api
from tests.support.rows import add_image, add_trial, add_upload
from tests.support.webhook_rows import add_webhook

Route = tuple[str, str]

# Answered without sign-in, each for a reason.
PUBLIC: dict[Route, str] = {
    ("GET", "/api/health"): "load balancers ask it",
    ("GET", "/api/sign-in/options"): "the sign-in page asks it",
    ("GET", "/api/openapi.json"): "says nothing of anybody",
    ("HEAD", "/api/openapi.json"): "says nothing of anybody",
    ("GET", "/api/docs"): "says nothing of anybody",
    ("GET", "/api/docs/start.js"): "says nothing of anybody",
    ("MOUNT", "/api/docs/assets"): "the copy of Swagger UI",
    ("GET", "/api/files/{user_id}/{image_id}/{variant}"): "the link is signed",
    ("HEAD", "/api/files/{user_id}/{image_id}/{variant}"): "the link is signed",
}

MISSING = "019a2f5e-7c41-7b1c-9d53-2f0a6e1b8c44"
MALFORMED = [
    "x",
    "1",
    MISSING[:-1],
    f"{{{MISSING}}}",
    MISSING.replace("-", ""),
    "%00",
    "%ff",
    "..x",
]


def routes() -> list[Route]:
    """Every method and path that the API answers."""
    found: list[Route] = []
    for route in iter_route_contexts(shared_api().routes):
        found += [(method, route.path) for method in route.methods or ["MOUNT"]]
    return sorted(found)


ROUTES = routes()
ITEM_ROUTES = [(m, p) for m, p in ROUTES if "_id}" in p and (m, p) not in PUBLIC]
IMAGE_ROUTES = [(m, p) for m, p in ITEM_ROUTES if "{image_id}" in p]


def address(path: str, item_id: object) -> str:
    items = "image|use|token|session|person|batch|upload|webhook|delivery|run|trial"
    return re.sub(rf"\{{({items})_id\}}", str(item_id), path).replace("{language}", "en")


def described(person: Person) -> Image:
    return add_image(person.user_id, alt_text="A dog", alt_text_by="model", language="en")


def add_use(person: Person, image_id: UUID, use: ImageUse) -> None:
    with db.transaction(person.user_id) as session:
        use.image_id, use.user_id = image_id, person.user_id
        session.add(use)


def an_item_of(person: Person, path: str) -> UUID:
    """The id of what the path is about, made for this person."""
    if "{image_id}" in path:
        image_id = described(person).id
        if "{use_id}" in path:
            # Of the same id, as that stands for both in the path.
            use = ImageUse(id=image_id, name="home", language="en", alt_text="Home")
            add_use(person, image_id, use)
        return image_id
    if "{batch_id}" in path:
        return batches.create_batch(person.user_id, NewBatch()).id
    if "{run_id}" in path:
        return runs.create_run(person.user_id, NewRun(filter=RunFilter())).id
    if path.startswith("/api/tus/"):
        return tus_uploads.create(person.user_id, "a.jpg", 10).id
    if "{upload_id}" in path:
        return add_upload(person.user_id).id
    if "{webhook_id}" in path:
        return add_webhook(person.user_id)
    if "{trial_id}" in path:
        return add_trial(person.user_id)
    if "{token_id}" in path:
        return tokens.create_token(person.user_id, "laptop").id
    if "{session_id}" in path:
        started = sessions.start_session(person.user_id, user_agent="", address="")
        assert started.viewer.session_id is not None
        return started.viewer.session_id
    return person.user_id


@pytest.fixture
def stranger(database: None) -> Iterator[TestClient]:
    """Nobody, from another machine."""
    with TestClient(
        shared_api(),
        base_url=ORIGIN,
        headers={"origin": ORIGIN},
        client=("203.0.113.9", 50_000),
        follow_redirects=False,
    ) as client:
        yield client


def test_the_routes_are_found() -> None:
    assert len(IMAGE_ROUTES) >= 6
    assert ("GET", "/metrics") in ROUTES
    assert all(is_api_path(path) for _, path in ROUTES)


def test_every_public_route_is_there() -> None:
    assert set(PUBLIC) <= set(ROUTES)


@pytest.mark.parametrize(
    "request_parts",
    [
        {},
        {"content": b"{", "headers": {"content-type": "application/json"}},
        {"params": {"limit": "many", "permanent": "perhaps", "variant": "huge"}},
        {"headers": {"authorization": "Bearer imgapp_wrong"}},
        {"headers": {"cookie": "imgapp_session=wrong"}},
    ],
    ids=["plain", "broken body", "wrong parameters", "wrong token", "wrong cookie"],
)
def test_nobody_gets_anything_but_the_way_to_sign_in(
    stranger: TestClient, subtests: pytest.Subtests, request_parts: dict[str, Any]
) -> None:
    for method, path in ROUTES:
        if (method, path) in PUBLIC:
            continue
        with subtests.test(f"{method} {path}"):
            stranger.cookies.clear()
            response = stranger.request(method, address(path, MISSING), **request_parts)
            assert response.status_code in (401, 303)
            if response.status_code == 401:
                assert method == "HEAD" or response.json()["code"] == "not_signed_in"
                assert response.headers["www-authenticate"].startswith("Bearer")
            else:
                assert "location" in response.headers
                assert "Max-Age=0" in response.headers.get("set-cookie", "Max-Age=0")


@pytest.mark.parametrize(
    "each",
    [2, pytest.param(len(MALFORMED), marks=pytest.mark.long)],
    ids=["two", "every"],
)
def test_a_malformed_id_is_the_id_of_nothing(
    stranger: TestClient,
    client_for: Callable[..., TestClient],
    alice: Person,
    unhurried: None,
    subtests: pytest.Subtests,
    each: int,
) -> None:
    hers = client_for(alice)
    malformed = itertools.cycle(MALFORMED)
    for method, path in ITEM_ROUTES:
        with subtests.test(f"{method} {path}"):
            for item_id in itertools.islice(malformed, each):
                assert stranger.request(method, address(path, item_id)).status_code == 401
                response = hers.request(method, address(path, item_id))
                assert response.status_code == 404
                assert method == "HEAD" or response.json()["code"] == "not_found"


@pytest.mark.parametrize("body", [b'{"alt_text": "mine"}', b"{", b""], ids=["good", "bad", "no"])
def test_somebody_elses_item_looks_like_a_missing_one(
    client_for: Callable[..., TestClient],
    alice: Person,
    mallory: Person,
    unhurried: None,
    subtests: pytest.Subtests,
    body: bytes,
) -> None:
    client = client_for(mallory)
    headers = {"content-type": "application/json", "x-request-id": "same"}

    def answer(method: str, path: str, item_id: UUID) -> tuple[object, ...]:
        response = client.request(method, address(path, item_id), content=body, headers=headers)
        return (
            response.status_code,
            response.headers.items(),
            response.content.replace(str(item_id).encode(), b"ID"),
        )

    for method, path in ITEM_ROUTES:
        with subtests.test(f"{method} {path}"):
            foreign = answer(method, path, an_item_of(alice, path))
            assert foreign == answer(method, path, new_id())
            assert foreign[0] in (404, 422)
            assert foreign[0] == 404 or (method == "PATCH" and body != b'{"alt_text": "mine"}')


def test_a_token_may_do_what_its_scopes_say(
    stranger: TestClient, alice: Person, unhurried: None, subtests: pytest.Subtests
) -> None:
    del stranger.headers["origin"]  # a program sends none
    token = {scope: tokens.create_token(alice.user_id, scope, [scope]).token for scope in Scope}
    for method, path in IMAGE_ROUTES:
        with subtests.test(f"{method} {path}"):
            image_id = an_item_of(alice, path)
            reads = method == "GET"
            needed, other = (Scope.READ, Scope.WRITE) if reads else (Scope.WRITE, Scope.READ)
            answers = [
                stranger.request(
                    method,
                    address(path, image_id),
                    headers={
                        "authorization": f"Bearer {token[scope]}",
                        "content-type": "application/json",
                    },
                    content=b"{}",
                )
                for scope in (other, needed)
            ]
            assert answers[0].status_code == 403
            assert answers[0].json()["code"] == "missing_scope"
            uses = ("/uses",) if method == "POST" else ()
            says_what_to_take = path == "/api/review/{image_id}/{language}" or (
                path.startswith("/api/images/") and path.endswith(("/restore", "/return", *uses))
            )
            fine = (422,) if says_what_to_take else (200, 202, 204, 307)
            assert answers[1].status_code in fine


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:8001"])
def test_another_sites_page_changes_nothing_with_our_cookie(
    client_for: Callable[..., TestClient], alice: Person, subtests: pytest.Subtests, origin: str
) -> None:
    image, client = add_image(alice.user_id), client_for(alice)
    for method, path in IMAGE_ROUTES:
        if method == "GET":
            continue
        with subtests.test(f"{method} {path}"):
            response = client.request(
                method,
                address(path, image.id),
                headers={"origin": origin},
                json={"alt_text": "evil"},
            )
            assert response.status_code == 403
            assert response.json()["code"] == "origin_not_allowed"


def test_every_documented_operation_says_who_may_call_and_what_errors_look_like() -> None:
    document = shared_api().openapi()
    ids = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            ids.append(operation["operationId"])
            assert operation["description"]
            if (method.upper(), path) in PUBLIC:
                assert operation["security"] == []
                continue
            assert {"token": []} in operation["security"]
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == ["application/problem+json"]
            assert "401" in operation["responses"]
    assert len(ids) == len(set(ids)) >= 9
    refs = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert refs <= set(document["components"]["schemas"])

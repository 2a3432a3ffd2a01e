from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from imgapp.api.http import auth, upload_slots
from imgapp.errors import RateLimited
from imgapp.services.common import rate_limits
from imgapp.settings import Settings, get_settings
from tests.conftest import Person


@pytest.fixture(autouse=True)
def _redis_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "_down_until", 0.0)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch, database: None) -> None:
    """Twenty uploads and fifty other requests at once, and then one a second or less.

    No setting may be as low: however slow the machine is, its requests come faster.
    """
    low = {"uploads_per_second": 20 / 50, "requests_per_second": 1}
    settings = get_settings().model_copy(update=low)
    monkeypatch.setattr(auth, "get_settings", lambda: settings)
    monkeypatch.setattr(auth, "_WINDOW", 50.0)


def upload(client: TestClient) -> int:
    return client.post("/api/upload", files={"files": ("a.txt", b"no picture")}).status_code


def test_answers_say_what_is_left(
    alice: Person, client_for: Callable[..., TestClient], few: None
) -> None:
    answer = client_for(alice).get("/api/images")
    assert answer.headers["ratelimit-policy"] == '"requests";q=50;w=50'
    assert answer.headers["ratelimit"] == '"requests";r=49;t=1'


def test_too_many_requests_are_refused_with_the_time_to_come_back(
    alice: Person, client_for: Callable[..., TestClient], few: None
) -> None:
    client = client_for(alice)
    answers = [client.get("/api/tokens") for _ in range(60)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(answer.status_code == 200 for answer in answers[:50])
    problem = refused[0].json()
    assert refused[0].headers["content-type"] == "application/problem+json"
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].headers["ratelimit"] == '"requests";r=0;t=1'
    assert problem["code"] == "rate_limited"
    assert problem["detail"] == "Too many requests. Try again in 1 second."


def test_one_person_does_not_use_up_what_another_may(
    alice: Person, mallory: Person, client_for: Callable[..., TestClient], few: None
) -> None:
    eager = client_for(mallory)
    assert 429 in [eager.get("/api/tokens").status_code for _ in range(60)]
    assert client_for(alice).get("/api/tokens").headers["ratelimit"] == '"requests";r=49;t=1'


def test_uploads_are_counted_apart(
    alice: Person, client_for: Callable[..., TestClient], few: None
) -> None:
    client = client_for(alice)
    statuses = [upload(client) for _ in range(60)]
    assert statuses[:20] == [422] * 20
    assert 429 in statuses
    assert client.get("/api/images").status_code == 200


def test_without_redis_reading_and_uploading_go_on(
    alice: Person,
    client_for: Callable[..., TestClient],
    few: None,
    set_env: Callable[..., None],
    picture_file: Callable[..., Path],
) -> None:
    client = client_for(alice)
    set_env(REDIS_URL="unix:///nowhere/redis.sock")
    with picture_file().open("rb") as file:
        assert client.post("/api/upload", files={"files": file}).status_code == 202
    assert {client.get("/api/images").status_code for _ in range(60)} == {200}


@pytest.mark.parametrize(
    "too_low", [{"uploads_per_second": 19}, {"requests_per_second": 49}, {"uploads_at_once": 2}]
)
def test_no_limit_can_be_set_too_low_for_the_page(too_low: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Settings(**too_low)


async def test_more_uploads_than_places_wait_for_their_turn(set_env: Callable[..., None]) -> None:
    set_env(IMGAPP_UPLOADS_AT_ONCE="3")
    alice, mallory, under_way, most = uuid4(), uuid4(), 0, 0

    async def upload() -> None:
        nonlocal under_way, most
        async with upload_slots.upload_turn(alice):
            under_way += 1
            most = max(most, under_way)
            async with upload_slots.upload_turn(mallory):
                await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(upload() for _ in range(10)))
    assert most == 3
    assert upload_slots._people == {}


async def test_who_waits_too_long_or_in_too_long_a_row_is_told_so(
    set_env: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_env(IMGAPP_UPLOADS_AT_ONCE="3")
    monkeypatch.setattr(upload_slots, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(upload_slots, "_MOST_WAITING", 1)
    alice, let_go = uuid4(), asyncio.Event()

    async def upload() -> None:
        async with upload_slots.upload_turn(alice):
            await let_go.wait()

    slow = [asyncio.create_task(upload()) for _ in range(3)]
    outcomes = await asyncio.gather(*(upload() for _ in range(10)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {RateLimited}
    assert "More than 3 uploads" in str(outcomes[0])
    let_go.set()
    await asyncio.gather(*slow)
    await upload()

"""Leases outlive what is nobody's fault: a database that is away, a machine that slept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from imgapp.errors import DatabaseUnavailable
from imgapp.models import now
from imgapp.services.analysis import describe
from imgapp.services.queue import leases
from tests.conftest import Person
from tests.support.openai_server import OpenAIServer
from tests.support.waiting import add_picture, analyses_of, change, row_of

NOWHERE = "postgresql://imgapp_app@127.0.0.1:1/imgapp"


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model)
        yield server


@pytest.fixture
def expired(alice: Person) -> UUID:
    """A picture whose lease ran out."""
    image_id = add_picture(alice.user_id)
    assert leases.claim() is not None
    change(alice.user_id, image_id, lease_expires_at=now() - timedelta(seconds=1))
    return image_id


def is_given_back(person: Person, image_id: UUID) -> bool:
    describe.sweep()
    return row_of(person.user_id, image_id).analysis_status == "pending"


def test_a_lease_that_ran_out_is_taken_back(alice: Person, expired: UUID) -> None:
    assert is_given_back(alice, expired)


def test_not_right_after_the_database_was_away(
    alice: Person, expired: UUID, set_env: Callable[..., None], servers: object
) -> None:
    from imgapp.settings import get_settings

    url = get_settings().database_url
    assert url is not None
    set_env(DATABASE_URL=NOWHERE)
    with pytest.raises(DatabaseUnavailable):
        describe.sweep()
    set_env(DATABASE_URL=url.get_secret_value())
    assert not is_given_back(alice, expired)
    leases._spared_until[0] = time.monotonic()
    assert is_given_back(alice, expired)


def test_not_right_after_this_machine_slept(alice: Person, expired: UUID) -> None:
    leases._seen_at[0] = time.time() - 3600
    assert not is_given_back(alice, expired)
    leases._spared_until[0] = time.monotonic()
    assert is_given_back(alice, expired)


def test_an_answer_outlives_a_database_that_is_away(
    alice: Person, model: OpenAIServer, set_env: Callable[..., None]
) -> None:
    from imgapp.settings import get_settings

    url = get_settings().database_url
    assert url is not None
    image_id = add_picture(alice.user_id)
    model.delay = 0.5
    working = threading.Thread(target=describe.run_one)
    working.start()
    model.wait_for_calls(1)
    set_env(DATABASE_URL=NOWHERE)
    working.join(2)
    assert working.is_alive(), "it keeps what the model said"
    set_env(DATABASE_URL=url.get_secret_value())
    working.join(20)
    assert row_of(alice.user_id, image_id).analysis_status == "completed"
    assert len(model.calls) == len(analyses_of(alice.user_id, image_id)) == 1

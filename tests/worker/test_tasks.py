from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from imgapp.adapters import queue
from imgapp.models import new_id
from imgapp.services.queue import leases
from tests.conftest import Person
from tests.support.waiting import add_picture, row_of


@pytest.fixture
def describe_image(database: None) -> Callable[[str, int], None]:
    # The module makes the broker when it is imported, and the broker needs the settings.
    from imgapp.tasks import describe_image

    return describe_image.fn


def test_the_actor_answers_to_what_the_queue_sends(database: None) -> None:
    from imgapp.tasks import describe_image

    assert (describe_image.actor_name, describe_image.queue_name) == (queue.ACTOR, queue.QUEUE)


def test_a_permit_describes_whatever_is_due(
    alice: Person, describe_image: Callable[..., None]
) -> None:
    image_id = add_picture(alice.user_id)
    describe_image(str(new_id()), 0)
    assert row_of(alice.user_id, image_id).analysis_status == "completed"


def test_a_permit_too_many_does_nothing(alice: Person, describe_image: Callable[..., None]) -> None:
    image_id = add_picture(alice.user_id)
    for _ in range(2):
        describe_image(str(image_id), 0)
    assert row_of(alice.user_id, image_id).attempts == 1


def test_a_worker_that_stops_leaves_its_permit_to_another(
    alice: Person, describe_image: Callable[..., None]
) -> None:
    image_id = add_picture(alice.user_id)
    leases.stop()
    try:
        describe_image(str(image_id), 0)
    finally:
        leases.resume()
    assert row_of(alice.user_id, image_id).analysis_status == "pending"
    assert queue.broker().do_qsize(queue.QUEUE) == 1


def test_a_database_that_is_away_costs_the_permit_and_nothing_else(
    alice: Person,
    describe_image: Callable[..., None],
    set_env: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    image_id = add_picture(alice.user_id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", "postgresql://imgapp_app:x@127.0.0.1:1/imgapp")
        set_env()
        with caplog.at_level(logging.WARNING):
            describe_image(str(image_id), 0)
    set_env()
    assert "permit_lost" in caplog.text
    assert row_of(alice.user_id, image_id).analysis_status == "pending"

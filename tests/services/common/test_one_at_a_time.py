from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from imgapp import services
from imgapp.adapters.db import transaction
from imgapp.services.common.one_at_a_time import one_at_a_time
from tests.conftest import Person

Begin = Callable[[Person, str], threading.Event]


@pytest.fixture
def begin(database: None) -> Begin:
    """Does something in a transaction of its own; the event says that its turn came."""

    def run(person: Person, what: str) -> threading.Event:
        came = threading.Event()

        def work() -> None:
            with transaction(person.user_id) as session:
                one_at_a_time(session, person.user_id, what)
                came.set()

        threading.Thread(target=work, daemon=True).start()
        return came

    return run


def test_who_comes_second_waits_and_nobody_else_does(
    alice: Person, mallory: Person, begin: Begin
) -> None:
    with transaction(alice.user_id) as session:
        one_at_a_time(session, alice.user_id, "runs")
        second = begin(alice, "runs")
        assert begin(alice, "prompts").wait(60)
        assert begin(mallory, "runs").wait(60)
        assert not second.is_set()
    assert second.wait(60)


def test_it_is_said_in_one_place() -> None:
    (folder,) = services.__path__
    waiting = [p.name for p in Path(folder).rglob("*.py") if "pg_advisory_xact" in p.read_text()]
    assert waiting == ["one_at_a_time.py"]

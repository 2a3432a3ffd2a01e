"""What administrators decide for everybody: who may, what holds, and from when."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from imgapp.adapters import queue
from imgapp.errors import NotFound
from imgapp.services.common import audit_trail
from imgapp.services.installation.runtime_settings import (
    InstallationEdit,
    change_installation,
    installation,
    read_installation,
)
from tests.conftest import Person


def test_at_first_nothing_is_limited(admin: Person) -> None:
    now = read_installation(admin.user_id)
    assert (now.paused, now.paused_at, now.limited) == (False, None, False)
    assert (now.max_in_flight, now.requests_per_minute, now.tokens_per_minute) == (None,) * 3
    assert (now.models, now.prices, now.budget, now.person_budget) == ([], {}, None, None)


def test_what_is_left_out_stays_as_it_is(admin: Person) -> None:
    prices = {"big": {"input": 2.5, "output": 10}}
    changes: dict[str, Any] = {"max_in_flight": 3, "budget": 12.5, "prices": prices}
    change_installation(admin.user_id, InstallationEdit(**changes))
    change_installation(admin.user_id, InstallationEdit(models=["big", " big ", "small"]))
    now = change_installation(admin.user_id, InstallationEdit(max_in_flight=None))

    assert (now.max_in_flight, now.budget, now.models) == (None, 12.5, ["big", "small"])
    assert now.prices["big"].output == 10
    assert installation() == read_installation(admin.user_id) == now


def test_a_pause_knows_since_when(admin: Person) -> None:
    paused = change_installation(admin.user_id, InstallationEdit(paused=True))
    assert paused.paused_at is not None
    again = change_installation(admin.user_id, InstallationEdit(paused=True, max_in_flight=2))
    assert again.paused_at == paused.paused_at
    resumed = change_installation(admin.user_id, InstallationEdit(paused=False))
    assert (resumed.paused, resumed.paused_at, resumed.max_in_flight) == (False, None, 2)
    assert queue.pending_permits() > 0, "workers look for pictures at once"


def test_another_process_knows_within_a_second(
    admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imgapp.services.installation import runtime_settings as module

    assert not installation().paused
    monkeypatch.setattr(module, "forget", lambda: None)
    change_installation(admin.user_id, InstallationEdit(paused=True))
    time.sleep(1)
    assert installation().paused


def test_only_administrators_see_and_change_it(alice: Person, admin: Person) -> None:
    with pytest.raises(NotFound):
        read_installation(alice.user_id)
    with pytest.raises(NotFound):
        change_installation(alice.user_id, InstallationEdit(paused=True))
    assert not read_installation(admin.user_id).paused


def test_a_change_is_in_the_audit_trail(admin: Person) -> None:
    prices = {"big": {"input": 1, "output": 1}}
    edit = InstallationEdit.model_validate({"paused": True, "prices": prices})
    change_installation(admin.user_id, edit)
    change_installation(admin.user_id, InstallationEdit())
    [event] = audit_trail.list_events(admin.user_id).items
    assert (event.kind, event.user_id) == ("installation_changed", admin.user_id)
    assert event.details == {"paused": True, "prices": "changed"}


@pytest.mark.parametrize(
    "edit",
    [
        {"paused": None},
        {"max_in_flight": 0},
        {"requests_per_minute": -1},
        {"tokens_per_minute": 10**12},
        {"models": ["x"] * 51},
        {"models": [""]},
        {"prices": {"m": {"input": -1, "output": 0}}},
        {"prices": {"m": {"input": float("nan"), "output": 0}}},
        {"prices": {"m": {"input": 1}}},
        {"budget": -0.01},
        {"surprise": 1},
    ],
)
def test_what_makes_no_sense_is_refused(edit: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        InstallationEdit.model_validate(edit)


def test_the_routes(
    admin: Person, alice: Person, client_for: Callable[[Person | None], TestClient]
) -> None:
    answer = client_for(admin).patch("/api/installation", json={"requests_per_minute": 90})
    assert (answer.status_code, answer.json()["requests_per_minute"]) == (200, 90)
    assert client_for(admin).get("/api/installation").json() == answer.json()
    assert client_for(None).get("/api/installation").status_code == 401
    assert client_for(alice).get("/api/installation").status_code == 404
    assert client_for(alice).patch("/api/installation", json={"paused": True}).status_code == 404

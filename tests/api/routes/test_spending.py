"""What analyses cost, over REST: one's own for everybody, everybody's for administrators."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from tests.conftest import Person
from tests.services.spending.test_usage import add_usage

ClientFor = Callable[[Person | None], TestClient]

ADMINISTRATION = [
    "/api/spending/everybody",
    "/api/spending/people",
    "/api/spending/people/export",
]


@pytest.fixture(autouse=True)
def usage(alice: Person, administrator: sa.Engine) -> None:
    add_usage(administrator, alice, "now", cost=1.25)


def test_ones_own_and_nobody_elses(client_for: ClientFor, alice: Person, mallory: Person) -> None:
    hers = client_for(alice).get("/api/spending").json()
    assert hers["months"][0]["cost"] == 1.25
    assert hers["months"][0]["models"][0]["model"] == "a"
    assert hers["budget"]["limit"] is None
    theirs = client_for(mallory).get("/api/spending").json()
    assert (theirs["months"][0]["cost"], theirs["months"][0]["models"]) == (0, [])
    assert theirs["budget"]["spent"] == 0
    table = client_for(mallory).get("/api/spending/export")
    assert table.text.count("\r\n") == 1


def test_the_table(client_for: ClientFor, alice: Person) -> None:
    answer = client_for(alice).get("/api/spending/export")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="imgapp-usage.csv"'
    names, line = answer.text.split("\r\n")[:2]
    assert names.startswith(
        "\ufeffmonth,model,answers,failures,unpriced,input_tokens,output_tokens"
    )
    assert line.endswith(",a,1,0,0,100,10,1.250000000")


@pytest.mark.parametrize("path", ADMINISTRATION)
def test_everybodys_is_not_there_for_others(
    client_for: ClientFor, alice: Person, mallory: Person, admin: Person, path: str
) -> None:
    refused = client_for(mallory).get(path)
    missing = client_for(mallory).get("/api/spending/nothing")
    assert (refused.status_code, missing.status_code) == (404, 404)
    assert refused.json()["code"] == missing.json()["code"]
    assert client_for(None).get(path).status_code == 401
    answer = client_for(admin).get(path)
    assert answer.status_code == 200
    assert "1.25" in answer.text


def test_a_budget_is_set_by_administrators_alone(
    client_for: ClientFor, alice: Person, mallory: Person, admin: Person
) -> None:
    path = f"/api/people/{alice.user_id}/budget"
    for person in (alice, mallory):
        assert client_for(person).put(path, json={"budget": 100}).status_code == 404
    answer = client_for(admin).put(path, json={"budget": 2.5})
    assert (answer.status_code, answer.json()["own_budget"]) == (200, 2.5)
    budget = client_for(alice).get("/api/spending").json()["budget"]
    assert (budget["limit"], budget["left"], budget["used_up"]) == (2.5, 1.25, False)
    assert client_for(admin).put(path, json={"budget": None}).json()["budget"] is None


@pytest.mark.parametrize("body", [{}, {"budget": -1}, {"budget": "5"}, {"budget": 5, "x": 1}])
def test_a_budget_that_is_none_is_refused(
    client_for: ClientFor, alice: Person, admin: Person, body: dict[str, object]
) -> None:
    answer = client_for(admin).put(f"/api/people/{alice.user_id}/budget", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_an_estimate(client_for: ClientFor, alice: Person, set_env: Callable[..., None]) -> None:
    # Without a vision model none is asked, whichever is named.
    set_env(OPENAI_BASE_URL="http://127.0.0.1:9/v1", IMGAPP_VISION_MODEL="a")
    ask = client_for(alice).get
    said = ask("/api/spending/estimate", params={"pictures": 20, "model": "a"}).json()
    assert (said["basis"], said["input_tokens"], said["output_tokens"]) == ("own", 2000, 200)
    assert said["cost"] == 25
    for wrong in ({}, {"pictures": -1}, {"pictures": 1, "model": "x" * 201}):
        assert ask("/api/spending/estimate", params=wrong).status_code == 422


@pytest.mark.parametrize("month", ["2026", "2026-13", "1999-01", "2026-07-01", "x"])
def test_a_month_that_is_none_is_refused(client_for: ClientFor, admin: Person, month: str) -> None:
    answer = client_for(admin).get("/api/spending/people", params={"month": month})
    assert answer.status_code == 422


def test_people_of_another_month(client_for: ClientFor, alice: Person, admin: Person) -> None:
    answer = client_for(admin).get("/api/spending/people", params={"month": "2020-02"}).json()
    assert answer["month"] == "2020-02"
    assert {one["cost"] for one in answer["items"]} == {0}

"""Coverage and its evidence: the right numbers, of the right pictures, for the right person."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient

from imgapp.services.library.image_query import ImageQuery
from imgapp.services.texts import checks, coverage, texts
from imgapp.services.texts.texts import TextEdit
from tests.conftest import Person
from tests.support.rows import add_image


def picture(person: Person, alt_text: str = "A red bicycle", **columns: Any) -> UUID:
    said = {"alt_text": alt_text, "alt_text_by": "model", "language": "en"}
    return add_image(person.user_id, **said | columns).id


def write(person: Person, image_id: UUID, language: str, **said: Any) -> None:
    texts.write_text(person.user_id, image_id, language, TextEdit(**said))


def some_texts(person: Person) -> list[UUID]:
    """Four: in German one approved, one approved and changed, one returned, one missing."""
    ids = [picture(person, f"Number {n} of the house") for n in range(4)]
    write(person, ids[0], "de", alt_text="Ein rotes Haus am Fluss", approve=True)
    write(person, ids[1], "de", alt_text="Ein Haus", approve=True)
    write(person, ids[1], "de", alt_text="Ein blaues Haus")
    write(person, ids[2], "de", alt_text="Haus")
    texts.send_back(person.user_id, ids[2], "de", "Welches?")
    return ids


def test_each_state_is_counted_in_its_language(alice: Person, mallory: Person) -> None:
    ids = some_texts(alice)
    some_texts(mallory)
    german = coverage.coverage(alice.user_id, "de")
    assert (german.pictures, german.missing) == (4, 1)
    assert (german.draft, german.returned, german.approved) == (1, 1, 1)
    assert (german.stale, german.by_model, german.decorative) == (1, 0, 0)
    assert german.oldest_waiting is not None
    assert [(one.email, one.texts) for one in german.reviewers] == [(alice.email, 1)]
    assert [(day.approved, day.returned) for day in german.course] == [(2, 1)]
    english = coverage.coverage(alice.user_id, None)
    assert (english.language, english.draft, english.missing) == ("en", 4, 0)
    texts.approve(alice.user_id, ids[3], "en")
    assert coverage.coverage(alice.user_id, "en").by_model == 1
    assert coverage.languages_of(alice.user_id) == ["en", "de"]


def test_it_is_of_the_pictures_that_a_query_finds(alice: Person) -> None:
    ids = some_texts(alice)
    write(alice, ids[3], "de", decorative=True, approve=True)
    some = coverage.coverage(alice.user_id, "de", ImageQuery(q="blaues", meaning=False))
    assert (some.pictures, some.draft, some.approved) == (1, 1, 0)
    none = coverage.coverage(alice.user_id, "de", ImageQuery(tags=("nothing",)))
    assert (none.pictures, none.missing, none.oldest_waiting) == (0, 0, None)
    assert coverage.coverage(alice.user_id, "de").decorative == 1


def test_doubts_are_counted_by_rule(alice: Person) -> None:
    ids = [picture(alice, "IMG_2041.jpg"), picture(alice, "A red bicycle against a wall")]
    assert checks.check_some() == 2
    found = {one.rule: one.texts for one in coverage.coverage(alice.user_id, "en").doubts}
    assert found == {"file_name": 1}
    write(alice, ids[0], "en", alt_text="A blue bicycle against a wall")
    checks.check_some()
    assert coverage.coverage(alice.user_id, "en").doubts == []


def test_the_evidence_says_who_approved_what(
    alice: Person, client_for: Callable[..., TestClient]
) -> None:
    client = client_for(alice)
    ids = some_texts(alice)
    answer = client.get("/api/coverage.csv", params={"language": "de"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    by_id = {row["image_id"]: row for row in rows}
    first, second, third, fourth = (by_id[str(one)] for one in ids)
    assert (first["state"], first["approved_by"]) == ("approved", alice.email)
    assert first["alt_text_written_by"] == "person"
    assert (second["state"], second["approved_alt_text"]) == ("draft", "Ein Haus")
    assert (third["state"], third["returned_because"]) == ("returned", "Welches?")
    assert (fourth["state"], fourth["alt_text"]) == ("missing", "")
    assert len(rows) == 4
    counted = client.get("/api/coverage", params={"language": "de"}).json()
    assert (counted["approved"], counted["missing"]) == (1, 1)
    rules = client.get("/api/text-rules").json()["items"]
    assert all(rule["sentence"].endswith(".") for rule in rules)

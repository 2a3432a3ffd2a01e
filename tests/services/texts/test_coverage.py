"""Coverage and its evidence: the right numbers, of the right pictures, for the right person."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from imgapp.adapters import db
from imgapp.models import ImageEdit
from imgapp.services.library import images, trash
from imgapp.services.library.bulk import ImageSelection
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.texts import bulk_approval, checks, coverage, texts
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


_TRUTH = text("""
    SELECT t.language, n.what, n.key, count(*) AS texts
    FROM image_texts t JOIN images i ON i.id = t.image_id AND i.deleted_at IS NULL
    CROSS JOIN LATERAL imgapp_text_counts(
        t.state, t.decorative, t.approved_at, t.approved_by, t.written_by, t.doubts
    ) n GROUP BY 1, 2, 3
""")
_KEPT = text("""
    SELECT language, what, key, sum(texts)::bigint AS texts FROM (
        SELECT language, what, key, texts FROM text_tallies
        UNION ALL SELECT language, what, key, change FROM text_tally_changes
    ) t WHERE what IN ('state', 'doubt', 'reviewer') GROUP BY 1, 2, 3 HAVING sum(texts) <> 0
""")


def tallies(person: Person, query: Any = _KEPT) -> set[tuple[Any, ...]]:
    with db.transaction(person.user_id) as session:
        return {tuple(row) for row in session.execute(query)}


def test_the_tallies_follow_whatever_becomes_of_a_text(
    alice: Person, subtests: pytest.Subtests
) -> None:
    ids = some_texts(alice)
    user = alice.user_id
    steps: dict[str, Callable[[], object]] = {
        "the rules are asked": checks.check_some,
        "it is decorative": lambda: write(alice, ids[3], "de", decorative=True, approve=True),
        "it is reopened": lambda: texts.reopen(user, ids[0], "de"),
        "its language is another": lambda: images.edit_image(
            user, ids[2], ImageEdit(language="fr", alt_text="Une maison")
        ),
        "many are approved": lambda: bulk_approval.approve(user, ImageSelection(ids=tuple(ids))),
        "to the trash": lambda: images.delete_image(user, ids[1]),
        "written in the trash": lambda: run(user, _WRITE_IN_TRASH),
        "out of it": lambda: trash.restore_image(user, ids[1]),
        "removed at once": lambda: images.delete_image(user, ids[2], permanent=True),
        "removed from the trash": lambda: (
            images.delete_image(user, ids[3]), trash.empty_trash(user)
        ),
        "added up": coverage.add_up,
        "removed": lambda: run(user, "DELETE FROM image_texts WHERE NOT is_own"),
    }  # fmt: skip
    for name, step in steps.items():
        with subtests.test(name):
            step()
            assert tallies(alice) == tallies(alice, _TRUTH)
    assert tallies(alice)


_WRITE_IN_TRASH = (
    "UPDATE image_texts t SET alt_text = 'A cat' FROM images i"
    " WHERE i.id = t.image_id AND i.deleted_at IS NOT NULL AND NOT t.is_own"
)


def run(user_id: UUID, sql: str) -> None:
    with db.transaction(user_id) as session:
        session.execute(text(sql))


def test_a_picture_in_the_trash_is_not_covered(alice: Person) -> None:
    ids = some_texts(alice)
    before = coverage.coverage(alice.user_id, "de")
    images.delete_image(alice.user_id, ids[0])
    after = coverage.coverage(alice.user_id, "de")
    assert (after.pictures, after.approved) == (before.pictures - 1, before.approved - 1)
    assert after.missing == before.missing
    assert after.course == before.course  # what somebody did that day was done


def test_what_was_added_up_is_counted_once(alice: Person) -> None:
    some_texts(alice)
    before = coverage.coverage(alice.user_id, "de")
    coverage.add_up()
    after = coverage.coverage(alice.user_id, "de")
    assert after.model_dump(exclude={"counted_at"}) == before.model_dump(exclude={"counted_at"})
    whole = coverage.coverage(alice.user_id, "de", ImageQuery(orientation="landscape"))
    compared = {"missing", "draft", "returned", "approved", "stale", "by_model", "reviewers"}
    assert whole.model_dump(include=compared) == after.model_dump(include=compared)

"""Tallies: how many pictures are in which state is right before and after it is added up."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from imgapp.adapters import db
from imgapp.models import AnalysisStatus
from imgapp.services.library import listing, tallies
from imgapp.services.library.image_query import ImageQuery

COUNTED = (
    "SELECT analysis_status, CASE analysis_status WHEN 'pending' THEN coalesce(waiting_reason, '')"
    " WHEN 'failed' THEN coalesce(error_code, 'unknown') ELSE '' END, no_alt_text, count(*)"
    " FROM images WHERE deleted_at IS NULL GROUP BY 1, 2, 3"
)


def execute(person: Any, sql: str) -> list[Any]:
    with db.transaction(person.user_id) as session:
        result = session.execute(sa.text(sql))
        return list(result) if result.returns_rows else []


def kept(person: Any) -> list[tuple[Any, ...]]:
    [rows] = db.read(person.user_id, (tallies.TALLIES, {}))
    return sorted(map(tuple, tallies.tallies_of(rows)))


def changes(person: Any) -> int:
    return int(execute(person, "SELECT count(*) FROM image_tally_changes")[0][0])


def test_they_are_those_of_the_pictures(alice, mallory, add_image) -> None:
    for _ in range(3):
        add_image(alice)
    add_image(alice, analysis_status="failed", error_code="model_refused")
    add_image(alice, analysis_status="failed")
    add_image(alice, analysis_status="completed", alt_text="A dog")
    add_image(mallory, analysis_status="completed")
    steps = [
        "SELECT 1",
        "UPDATE images SET waiting_reason = 'budget' WHERE analysis_status = 'pending'",
        "UPDATE images SET waiting_reason = NULL, analysis_status = 'completed'"
        " WHERE id = (SELECT id FROM images WHERE analysis_status = 'pending' LIMIT 1)",
        "UPDATE images SET alt_text = 'A cat' WHERE analysis_status = 'failed'",
        "UPDATE images SET error_code = 'lost' WHERE error_code IS NOT NULL",
        "UPDATE images SET deleted_at = now() WHERE analysis_status = 'completed'",
        "UPDATE images SET analysis_status = 'pending' WHERE deleted_at IS NOT NULL",
        "UPDATE images SET deleted_at = NULL",
        "DELETE FROM images WHERE analysis_status = 'failed'",
        "DELETE FROM images",
    ]
    for at, step in enumerate(steps):
        execute(alice, step)
        if at % 3 == 2:
            tallies.add_up()
            assert changes(alice) == 0
        assert kept(alice) == sorted(map(tuple, execute(alice, COUNTED))), step
    assert kept(mallory) == [("completed", "", True, 1)]


def test_what_changes_nothing_is_not_noted(alice, add_image) -> None:
    add_image(alice, alt_text="A dog", analysis_status="completed")
    tallies.add_up()
    execute(alice, "UPDATE images SET alt_text = 'A cat', description = 'Grey'")
    assert changes(alice) == 0


def test_counts_by_state_are_those_of_the_list(alice, mallory, add_image) -> None:
    add_image(alice, analysis_status="completed", alt_text="A dog")
    add_image(alice, analysis_status="completed", alt_text="", decorative=True)
    add_image(alice, analysis_status="completed")
    add_image(alice, analysis_status="failed", error_code="lost")
    for status in (None, *AnalysisStatus):
        for without in (None, True, False):
            wanted = ImageQuery(status=status, no_alt_text=without)
            found = listing.all_ids(alice.user_id, wanted)
            assert listing.count(alice.user_id, wanted) == len(found)
            assert listing.count(mallory.user_id, wanted) == 0


def test_workers_that_add_up_at_once_lose_nothing(alice, mallory, add_image) -> None:
    for person in (alice, mallory) * 20:
        add_image(person)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: tallies.add_up(), range(8)))
    assert [Counter(one[3] for one in kept(person)) for person in (alice, mallory)] == [
        Counter([20]),
        Counter([20]),
    ]


def test_nothing_is_left_of_who_is_gone(alice, add_image, administrator) -> None:
    add_image(alice)
    with administrator.begin() as connection:
        connection.execute(sa.text("DELETE FROM users"))
    tallies.add_up()
    with administrator.connect() as connection:
        for table in ("image_tallies", "image_tally_changes", "image_blocks"):
            assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar() == 0

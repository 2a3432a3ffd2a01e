"""Batches: what is in them, how far they are, who may see them, and how much they may hold."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from imgapp.adapters import db
from imgapp.errors import Conflict, InvalidRequest, NotFound
from imgapp.models import AnalysisStatus, FileOutcome, new_id, now
from imgapp.services.accounts import administration
from imgapp.services.batches import batches
from imgapp.services.batches.schemas import BatchEdit, BatchPublic, NewBatch, NewUrls
from imgapp.services.library import images
from imgapp.services.uploads.batch_intake import FileOfBatch, close_import, open_import
from imgapp.services.uploads.ingest import Ingested
from imgapp.settings import get_settings
from tests.conftest import Person
from tests.support.rows import add_image
from tests.support.waiting import change

A, B, C = (f"https://pictures.example.org/{name}.jpg" for name in "abc")


def make(person: Person, *urls: str, **given: Any) -> BatchPublic:
    return batches.create_batch(person.user_id, NewBatch(urls=list(urls)), **given)


def take(person: Person, batch_id: UUID, image_id: UUID, *, duplicate: bool = False) -> None:
    file = FileOfBatch(person.user_id, batch_id, "a.jpg")
    with db.transaction(person.user_id) as session:
        file.note(session, Ingested(image_id, duplicate=duplicate))


def test_a_new_batch_waits_for_its_urls(alice: Person) -> None:
    batch = batches.create_batch(alice.user_id, NewBatch(name=" Spring\n catalogue ", urls=[A, B]))
    assert batch.name == "Spring catalogue"
    assert (batch.files.waiting, batch.pictures.pending, batch.finished_at) == (2, 0, None)
    assert batches.get_batch(alice.user_id, batch.id) == batch
    files = batches.list_files(alice.user_id, batch.id).items
    assert [(file.url, file.outcome) for file in files] == [(A, "waiting"), (B, "waiting")]


def test_an_empty_batch_is_not_finished(alice: Person) -> None:
    assert make(alice).finished_at is None


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/a.jpg",
        "file:///etc/passwd",
        "a.jpg",
        "https://",
        "https:///a.jpg",
        "https://me:secret@example.org/a.jpg",
        "https://example.org/" + 2_000 * "a",
        "javascript:alert(1)",
        "https://exa mple.org/",
        "https://example.org:99999/",
        "",
        "https://example.org\0/a",
    ],
)
def test_what_is_no_address_of_a_picture_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValidationError):
        NewUrls(urls=[A, url])


def test_how_far_its_pictures_are_is_told(alice: Person) -> None:
    batch = make(alice)
    leased = {"lease_id": new_id(), "lease_expires_at": now()}
    rows = [
        add_image(
            alice.user_id,
            analysis_status=state,
            **(leased if state == AnalysisStatus.IN_PROGRESS else {}),
        )
        for state in [*AnalysisStatus, AnalysisStatus.COMPLETED]
    ]
    for row in rows:
        take(alice, batch.id, row.id)
    take(alice, batch.id, rows[0].id, duplicate=True)
    FileOfBatch(alice.user_id, batch.id, "b.txt").refuse("not_an_image", "It is no image.")

    told = batches.get_batch(alice.user_id, batch.id)

    assert told.files.model_dump() == {
        "waiting": 0, "fetching": 0, "added": 5, "duplicate": 1, "refused": 1, "cancelled": 0,
    }  # fmt: skip
    assert told.pictures.model_dump() == {
        "pending": 1, "in_progress": 1, "completed": 2, "failed": 1,
    }  # fmt: skip
    assert told.finished_at is None


def test_it_is_finished_with_its_last_description(alice: Person) -> None:
    batch = make(alice)
    at = now() + timedelta(minutes=3)
    done = add_image(alice.user_id, analysis_status="completed", completed_at=at)
    open_one = add_image(alice.user_id)
    take(alice, batch.id, done.id)
    assert batches.get_batch(alice.user_id, batch.id).finished_at == at
    take(alice, batch.id, open_one.id)
    assert batches.get_batch(alice.user_id, batch.id).finished_at is None
    images.delete_image(alice.user_id, open_one.id)
    told = batches.get_batch(alice.user_id, batch.id)
    assert told.finished_at == at
    assert sum(told.pictures.model_dump().values()) == 1, "the trash does not count"


def test_a_batch_in_which_all_is_refused_is_finished(alice: Person) -> None:
    batch = make(alice)
    FileOfBatch(alice.user_id, batch.id, "b.txt").refuse("not_an_image", "It is no image.")
    told = batches.get_batch(alice.user_id, batch.id)
    assert told.finished_at == told.updated_at


def test_a_picture_that_is_removed_for_good_leaves_its_file(alice: Person) -> None:
    batch = make(alice)
    image = add_image(alice.user_id)
    take(alice, batch.id, image.id)
    images.delete_image(alice.user_id, image.id, permanent=True)
    [file] = batches.list_files(alice.user_id, batch.id).items
    assert (file.outcome, file.image_id) == ("added", None)
    assert batches.get_batch(alice.user_id, batch.id).files.added == 1


def test_somebody_elses_batch_is_a_missing_one(alice: Person, mallory: Person) -> None:
    batch_id = make(alice, A).id
    attempts = [
        lambda: batches.get_batch(mallory.user_id, batch_id),
        lambda: batches.list_files(mallory.user_id, batch_id),
        lambda: batches.add_urls(mallory.user_id, batch_id, [B]),
        lambda: batches.cancel_batch(mallory.user_id, batch_id),
        lambda: batches.require_open(mallory.user_id, batch_id),
        lambda: batches.require_batch(mallory.user_id, batch_id),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        take(mallory, batch_id, add_image(mallory.user_id).id)
    assert batches.list_batches(mallory.user_id).items == []
    assert batches.get_batch(alice.user_id, batch_id).files.waiting == 1


def test_what_waits_can_be_cancelled(alice: Person) -> None:
    batch = make(alice, A, B)
    image = add_image(alice.user_id, analysis_status="completed")
    take(alice, batch.id, image.id)

    told = batches.cancel_batch(alice.user_id, batch.id)

    assert (told.files.waiting, told.files.cancelled, told.files.added) == (0, 2, 1)
    assert told.cancelled_at is not None
    assert told.finished_at is not None
    assert batches.cancel_batch(alice.user_id, batch.id) == told, "once is enough"
    for attempt in (
        lambda: batches.add_urls(alice.user_id, batch.id, [C]),
        lambda: batches.require_open(alice.user_id, batch.id),
    ):
        with pytest.raises(Conflict) as refusal:
            attempt()
        assert refusal.value.code == "batch_cancelled"
    assert images.get_image(alice.user_id, image.id)


def test_files_are_listed_as_they_came_page_by_page(alice: Person) -> None:
    urls = [f"https://pictures.example.org/{number}" for number in range(7)]
    batch_id = make(alice, *urls[:4]).id
    batches.add_urls(alice.user_id, batch_id, urls[4:])
    FileOfBatch(alice.user_id, batch_id, "x.txt").refuse("not_an_image", "It is no image.")

    def walk(outcome: FileOutcome | None) -> list[str | None]:
        seen, cursor = [], None
        while True:
            page = batches.list_files(
                alice.user_id, batch_id, outcome=outcome, limit=3, cursor=cursor
            )
            seen += [file.url for file in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return seen

    assert walk(None) == [*urls, None]
    assert walk(FileOutcome.WAITING) == urls
    assert walk(FileOutcome.ADDED) == []


def test_a_cursor_is_good_for_its_own_list_only(alice: Person) -> None:
    first, second = make(alice, A, B), make(alice, A, B)
    cursor = batches.list_files(alice.user_id, first.id, limit=1).next_cursor
    listed = batches.list_batches(alice.user_id, limit=1).next_cursor
    for wrong in (cursor, listed, "x"):
        with pytest.raises(InvalidRequest):
            batches.list_files(alice.user_id, second.id, cursor=wrong)
    with pytest.raises(InvalidRequest):
        batches.list_batches(alice.user_id, cursor=cursor)


def test_batches_are_listed_newest_first(alice: Person, mallory: Person) -> None:
    made = [make(alice).id for _ in range(5)]
    make(mallory)
    first = batches.list_batches(alice.user_id, limit=3)
    rest = batches.list_batches(alice.user_id, limit=3, cursor=first.next_cursor)
    assert [one.id for one in first.items + rest.items] == made[::-1]
    assert rest.next_cursor is None


def test_the_same_key_makes_one_batch(alice: Person) -> None:
    first = make(alice, A, key="k")
    assert make(alice, A, key="k") == first
    with pytest.raises(Conflict) as refusal:
        make(alice, B, key="k")
    assert refusal.value.code == "idempotency_key_reused"
    assert len(batches.list_batches(alice.user_id).items) == 1

    added = batches.add_urls(alice.user_id, first.id, [B], key="more")
    assert batches.add_urls(alice.user_id, first.id, [B], key="more") == added
    assert batches.get_batch(alice.user_id, first.id).files.waiting == 2


def test_a_batch_that_could_not_be_made_leaves_its_key_free(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_BATCHES", 0)
    with pytest.raises(Conflict) as refusal:
        make(alice, key="k")
    assert refusal.value.code == "too_many_batches"
    monkeypatch.setattr(batches, "MOST_BATCHES", 1)
    assert make(alice, key="k").files.waiting == 0


def test_no_more_than_so_many_files_wait_however_they_are_sent(
    alice: Person, mallory: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_WAITING", 5)
    make(mallory, A, B, C)

    def one(_: int) -> str:
        try:
            make(alice, A, B)
        except Conflict as error:
            return error.code
        return "made"

    with ThreadPoolExecutor(6) as threads:
        outcomes = sorted(threads.map(one, range(6)))
    assert outcomes == ["made"] * 2 + ["too_many_waiting"] * 4
    assert make(alice).files.waiting == 0, "an empty one adds nothing"


def test_a_batch_holds_only_so_many_files(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_FILES", 3)
    batch_id = make(alice, A, B).id
    with pytest.raises(Conflict) as refusal:
        batches.add_urls(alice.user_id, batch_id, [A, B])
    assert refusal.value.code == "batch_full"
    batches.add_urls(alice.user_id, batch_id, [C])
    with pytest.raises(Conflict, match="holds 3 files"):
        batches.require_open(alice.user_id, batch_id)


def test_the_counts_are_right_whoever_changes_files_at_once(alice: Person) -> None:
    batch_id = make(alice).id
    rows = [add_image(alice.user_id) for _ in range(12)]

    def settle(number: int) -> None:
        take(alice, batch_id, rows[number].id, duplicate=number % 3 == 0)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(settle, range(12)))
    files = batches.get_batch(alice.user_id, batch_id).files
    assert (files.added, files.duplicate) == (8, 4)


def test_batches_in_which_nothing_happened_for_long_are_forgotten(
    alice: Person, administrator: sa.Engine
) -> None:
    old = make(alice, A)
    batches.cancel_batch(alice.user_id, old.id)
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE batches SET updated_at = now() - interval '91 days'"))
        connection.execute(
            sa.text("INSERT INTO fetch_rests VALUES (:id, 'x', now() - interval '1 s')"),
            {"id": alice.user_id},
        )
    kept = make(alice, A)
    assert batches.purge_batches() == 1
    assert [one.id for one in batches.list_batches(alice.user_id).items] == [kept.id]
    with administrator.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM batch_items")).scalar_one() == 1
        assert connection.execute(sa.text("SELECT count(*) FROM fetch_rests")).scalar_one() == 0


def test_an_import_goes_on_in_its_batch(alice: Person, mallory: Person) -> None:
    batch_id = open_import(alice.user_id, "Photos", "key")
    image = add_image(alice.user_id, analysis_status="completed")
    file = FileOfBatch(alice.user_id, batch_id, "a.jpg", key="1")
    other = FileOfBatch(alice.user_id, batch_id, "b.jpg", key="2")
    with db.transaction(alice.user_id) as session:
        file.note(session, Ingested(image.id, duplicate=False))
    other.refuse("damaged", "The file is damaged.")
    assert batches.get_batch(alice.user_id, batch_id).finished_at is None, "it is under way"

    assert open_import(alice.user_id, "Photos", "key") == batch_id
    assert open_import(alice.user_id, "Photos", "another") != batch_id
    assert open_import(mallory.user_id, "Photos", "key") != batch_id
    with db.transaction(alice.user_id) as session:
        file.note(session, Ingested(image.id, duplicate=True))
        other.note(session, Ingested(image.id, duplicate=True))
    close_import(alice.user_id, batch_id)

    told = batches.get_batch(alice.user_id, batch_id)
    assert (told.files.added, told.files.duplicate, told.files.refused) == (1, 1, 0)
    assert told.finished_at is not None
    change(alice.user_id, image.id, analysis_status="pending")
    assert batches.get_batch(alice.user_id, batch_id).finished_at is None


def test_batches_go_with_their_person(
    alice: Person, admin: Person, administrator: sa.Engine
) -> None:
    batch = make(alice, A)
    take(alice, batch.id, add_image(alice.user_id).id)
    get_settings().pictures_dir.mkdir(parents=True)
    administration.delete_person(admin.user_id, alice.user_id)
    assert administration.purge_deleted() == 2
    with administrator.connect() as connection:
        for table in ("batches", "batch_items"):
            assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() == 0


def test_a_batch_says_what_its_pictures_are_for(alice: Person, mallory: Person) -> None:
    made = batches.create_batch(alice.user_id, NewBatch(name="Spring", context=" A shoe\r\nshop "))
    assert made.context == "A shoe\nshop"
    renamed = batches.edit_batch(alice.user_id, made.id, BatchEdit(name="Summer"))
    assert (renamed.name, renamed.context) == ("Summer", "A shoe\nshop")
    assert batches.edit_batch(alice.user_id, made.id, BatchEdit(context="")).context is None
    with pytest.raises(NotFound):
        batches.edit_batch(mallory.user_id, made.id, BatchEdit(context="Mine"))

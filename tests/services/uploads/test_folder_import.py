"""A folder comes in once, whatever happens on the way, and after what people upload by hand."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import select

from imgapp.adapters import db
from imgapp.adapters.cores import cpu_count
from imgapp.errors import DatabaseUnavailable, NotSignedIn, StoreUnavailable
from imgapp.models import Image, Priority, new_id
from imgapp.services.batches import batches
from imgapp.services.batches.schemas import BatchPublic
from imgapp.services.common import retries
from imgapp.services.library import images, listing
from imgapp.services.queue import leases
from imgapp.services.uploads import folder_import, ingest
from imgapp.services.uploads.folder_import import (
    FileReport,
    ImportOutcome,
    import_folder,
    open_batch,
)
from imgapp.settings import get_settings
from tests.conftest import Person
from tests.support.spooling import spool_file
from tests.support.waiting import count_of, eventually


@pytest.fixture
def folder(picture_file: Callable[..., Path]) -> Path:
    """Three pictures."""
    for name in ("a.jpg", "b.png", "more/c.webp"):
        made = picture_file(name)
    return made.parents[1]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_import, "_PATIENCE", 0.02)
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.01)


def run(person: Person, folder: Path) -> Generator[FileReport]:
    batch_id = open_batch(person.user_id, folder)
    return import_folder(person.user_id, folder, batch_id)


def batch_of(person: Person) -> BatchPublic:
    [batch] = batches.list_batches(person.user_id).items
    return batches.get_batch(person.user_id, batch.id)


def reports(person: Person, folder: Path) -> dict[str, FileReport]:
    return {report.path: report for report in run(person, folder)}


def outcomes(person: Person, folder: Path) -> dict[str, str]:
    return {path: str(report.outcome) for path, report in reports(person, folder).items()}


def test_every_picture_below_it_comes_in_behind_what_is_uploaded_by_hand(
    alice: Person, mallory: Person, folder: Path
) -> None:
    assert outcomes(alice, folder) == dict.fromkeys(("a.jpg", "b.png", "more/c.webp"), "added")

    with db.transaction(alice.user_id) as session:
        rows = session.exec(select(Image)).all()
    assert {row.filename for row in rows} == {"a.jpg", "b.png", "c.webp"}
    assert {row.priority for row in rows} == {Priority.BULK}
    assert count_of(mallory.user_id) == 0


def test_a_program_follows_it_by_its_batch(alice: Person, folder: Path) -> None:
    (folder / "notes.txt").write_text("not a picture")
    (folder / ".hidden").touch()

    outcomes(alice, folder)

    batch = batch_of(alice)
    assert batch.name == folder.name
    assert (batch.files.added, batch.files.refused, batch.pictures.pending) == (3, 1, 3)
    files = batches.list_files(alice.user_id, batch.id).items
    assert {file.filename: file.code for file in files} == {
        "a.jpg": None,
        "b.png": None,
        "more/c.webp": None,
        "notes.txt": "not_an_image",
    }


def test_the_same_import_goes_on_in_its_batch(alice: Person, folder: Path) -> None:
    (folder / "late.jpg").write_text("still being copied")
    with closing(run(alice, folder)) as told:
        next(told)
    interrupted = batch_of(alice)
    assert interrupted.finished_at is None
    outcomes(alice, folder)
    shutil.copy(folder / "a.jpg", folder / "late.jpg")
    outcomes(alice, folder)

    batch = batch_of(alice)
    assert batch.id == interrupted.id
    assert (batch.files.added, batch.files.duplicate, batch.files.refused) == (3, 1, 0)
    assert open_batch(alice.user_id, folder, "Another") != batch.id
    assert open_batch(alice.user_id, folder / "more") != batch.id


def test_what_is_there_is_passed_over_without_a_copy(
    alice: Person, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes(alice, folder)
    shutil.copy(folder / "a.jpg", folder / "copy.jpg")

    def no_copy(*_: object) -> None:
        raise AssertionError("copied")

    monkeypatch.setattr(folder_import, "spool_stream", no_copy)
    again = outcomes(alice, folder)

    assert again == dict.fromkeys(("a.jpg", "b.png", "copy.jpg", "more/c.webp"), "there")
    assert count_of(alice.user_id) == 3


def test_files_that_are_new_are_read_once(
    alice: Person, picture_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_hand = 2 * cpu_count()
    for number in range(in_hand + 6):
        many = picture_file(f"many/{number:02}.jpg").parent
    read_before: list[str] = []
    hash_of = folder_import._hash_of
    monkeypatch.setattr(
        folder_import, "_hash_of", lambda found: read_before.append(found.path) or hash_of(found)
    )
    assert set(outcomes(alice, many).values()) == {"added"}
    assert len(read_before) <= in_hand, "only until one was seen to be new"


def test_the_same_picture_twice_in_the_folder_is_one(alice: Person, folder: Path) -> None:
    for number in range(4):
        shutil.copy(folder / "a.jpg", folder / f"a{number}.jpg")

    seen = list(outcomes(alice, folder).values())

    assert (seen.count("added"), seen.count("there")) == (3, 4)
    assert count_of(alice.user_id) == 3


def test_somebody_elses_picture_is_not_there(alice: Person, mallory: Person, folder: Path) -> None:
    outcomes(mallory, folder)
    assert set(outcomes(alice, folder).values()) == {"added"}


def test_a_picture_in_the_trash_comes_out_of_it_as_with_an_upload(
    alice: Person, folder: Path
) -> None:
    outcomes(alice, folder)
    image = listing.list_images(alice.user_id).items[0]
    images.delete_image(alice.user_id, image.id)

    assert set(outcomes(alice, folder).values()) == {"there"}
    assert images.get_image(alice.user_id, image.id).id == image.id


def test_what_is_refused_says_why_and_keeps_nothing_else_out(
    alice: Person, folder: Path, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_MAX_UPLOAD_MB="1")
    (folder / "notes.txt").write_text("not a picture")
    (folder / "empty.jpg").touch()
    (folder / "broken.jpg").write_bytes((folder / "a.jpg").read_bytes()[:300])
    (folder / "huge.jpg").write_bytes(b"\xff" * (1024 * 1024 + 1))

    seen = reports(alice, folder)

    refused = {path: r.code for path, r in seen.items() if r.outcome == ImportOutcome.REFUSED}
    assert refused == {
        "notes.txt": "not_an_image",
        "empty.jpg": "empty_file",
        "broken.jpg": "damaged",
        "huge.jpg": "too_large",
    }
    assert all(report.detail.endswith(".") for report in seen.values() if report.detail)
    assert count_of(alice.user_id) == 3
    assert list(get_settings().spool_dir.glob("*")) == []


def test_a_quota_that_is_reached_refuses_the_rest(
    alice: Person, folder: Path, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_QUOTA_IMAGES="2")
    seen = reports(alice, folder).values()
    assert sorted(report.code for report in seen) == ["", "", "quota_exceeded"]


def test_an_interrupted_import_goes_on_where_it_was(alice: Person, folder: Path) -> None:
    with closing(run(alice, folder)) as told:
        assert next(told).outcome == ImportOutcome.ADDED
    there = count_of(alice.user_id)
    assert 1 <= there <= 3

    seen = list(outcomes(alice, folder).values())

    assert seen.count("there") == there
    assert count_of(alice.user_id) == 3


def test_a_database_that_comes_back_is_waited_for(
    alice: Person, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever is waited for comes back, however busy this machine is.
    monkeypatch.setattr(folder_import, "_PATIENCE", 60.0)
    broken = {"a.jpg", "b.png"}
    lock = threading.Lock()

    def away_once(user_id, spooled, source, **options):
        with lock:
            if spooled.filename in broken:
                broken.remove(spooled.filename)
                spooled.path.unlink()
                raise DatabaseUnavailable
        return ingest.ingest(user_id, spooled, source, **options)

    monkeypatch.setattr(folder_import, "ingest", away_once)
    assert set(outcomes(alice, folder).values()) == {"added"}
    assert broken == set()


def test_a_store_that_stays_away_ends_the_import(
    alice: Person, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(user_id, spooled, source, **options):
        spooled.path.unlink()
        raise StoreUnavailable

    monkeypatch.setattr(folder_import, "ingest", away)
    with pytest.raises(StoreUnavailable):
        outcomes(alice, folder)


def test_an_account_that_is_gone_ends_the_import(
    alice: Person, administrator: sa.Engine, folder: Path
) -> None:
    with pytest.raises(NotSignedIn):
        open_batch(new_id(), folder)
    batch_id = open_batch(alice.user_id, folder)
    with administrator.begin() as connection:
        connection.execute(sa.text("DELETE FROM users"))
    with pytest.raises(NotSignedIn):
        list(import_folder(alice.user_id, folder, batch_id))


def test_few_files_are_open_at_a_time(
    alice: Person, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        (folder / f"{number}.txt").write_text(str(number))
    open_now = most = 0
    find = folder_import.find_files

    def counted(where):
        nonlocal open_now, most
        for found in find(where):
            open_now += 1
            most = max(most, open_now)
            yield found

    monkeypatch.setattr(folder_import, "find_files", counted)
    for _ in run(alice, folder):
        open_now -= 1
    assert most <= 2 * cpu_count() + 1


@pytest.mark.long
def test_an_upload_by_hand_goes_first_while_many_are_imported(
    alice: Person, mallory: Person, picture_file: Callable[..., Path]
) -> None:
    by_hand = picture_file("by-hand/a.jpg", size=(1500, 1000))
    for number in range(40):
        folder = picture_file(f"many/{number:02}.jpg", size=(1500, 1000)).parent
    importing = threading.Thread(target=lambda: list(run(mallory, folder)))
    importing.start()
    eventually(lambda: count_of(mallory.user_id) >= 4)

    before = count_of(mallory.user_id)
    image_id = ingest.ingest(alice.user_id, spool_file(by_hand), "page").image_id
    after = count_of(mallory.user_id)
    claim = leases.claim()
    importing.join()

    # What was in hand, and what came in at its side while it was decoded and stored.
    assert after - before <= 4 * cpu_count()
    assert after < 40
    assert claim is not None
    assert claim.image_id == image_id, "and it is described first"
    assert count_of(mallory.user_id) == 40

"""Files without a row do not stay, and files with one do, whatever is killed at whatever moment."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from imgapp.adapters.db import transaction
from imgapp.adapters.storage import get_store
from imgapp.errors import StoreUnavailable
from imgapp.models import StoreRemoval
from imgapp.services.accounts import administration
from imgapp.services.library import images
from imgapp.services.storage import object_removals
from imgapp.services.uploads import ingest
from imgapp.settings import get_settings
from tests.conftest import Person
from tests.support.buckets import bucket_client, objects, unfinished_uploads
from tests.support.forked import stand_still
from tests.support.spooling import spool_file
from tests.support.waiting import row_of


@pytest.fixture(params=["disk", "s3"])
def stored(request: pytest.FixtureRequest, database: None) -> Callable[[], list[str]]:
    """The keys of all files in the store; tests that use it run with either."""
    if request.param == "s3":
        request.getfixturevalue("s3_env")
        return objects
    root = get_settings().pictures_dir
    return lambda: sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


@pytest.fixture
def time_passes(administrator: sa.Engine) -> Callable[[], None]:
    """Everything that is to be removed one day is due."""

    def pass_time() -> None:
        with administrator.begin() as connection:
            connection.execute(sa.text("UPDATE store_removals SET due_at = now()"))

    return pass_time


def waiting(administrator: sa.Engine) -> list[tuple[UUID, int]]:
    """Pictures whose places are to be emptied, and how often that was tried."""
    with administrator.connect() as connection:
        query = sa.select(StoreRemoval.image_id, StoreRemoval.attempts)  # type: ignore[call-overload]
        return [(row.image_id, row.attempts) for row in connection.execute(query)]


def take_in(person: Person, path: Path) -> UUID:
    return ingest.ingest(person.user_id, spool_file(path), "page").image_id


def refuse(*_: object) -> None:
    raise StoreUnavailable


# What is killed. Each stands still at the worst moment, and says so.


def store_and_stop(stopped: Connection, user_id: UUID, path: str, files: int) -> None:
    """Takes a picture in, and stands still when some of its files are stored."""
    store, calls = type(get_store()), itertools.count(1)
    put = store.put

    def put_and_stop(self: Any, *args: Any) -> None:
        put(self, *args)
        if next(calls) == files:
            stand_still(stopped)

    store.put = put_and_stop  # type: ignore[method-assign]
    ingest.ingest(user_id, spool_file(Path(path)), "page")


def delete_and_stop(stopped: Connection, user_id: UUID, image_id: UUID) -> None:
    """Deletes a picture for good, and stands still between its row and its files."""
    store: Any = type(get_store())
    store.delete_prefix = lambda *_: stand_still(stopped)
    images.delete_image(user_id, image_id, permanent=True)


@pytest.mark.parametrize("files", [1, 4])
def test_an_upload_that_is_killed_leaves_nothing(
    alice: Person,
    picture_file: Callable[..., Path],
    stored: Callable[[], list[str]],
    time_passes: Callable[[], None],
    kill_in: Callable[..., None],
    files: int,
) -> None:
    kill_in(store_and_stop, alice.user_id, str(picture_file()), files)

    assert len(stored()) >= files
    assert object_removals.sweep() == 0  # it might still be at work
    time_passes()
    assert object_removals.sweep() == 1
    assert stored() == []


def intend(place: object_removals.RenditionKeys) -> None:
    with transaction(place.user_id) as session:
        object_removals.intend(session, place, size=0)


def test_a_deletion_that_is_killed_goes_on(
    alice: Person,
    picture_file: Callable[..., Path],
    stored: Callable[[], list[str]],
    time_passes: Callable[[], None],
    kill_in: Callable[..., None],
) -> None:
    image_id, kept = take_in(alice, picture_file()), take_in(alice, picture_file())

    kill_in(delete_and_stop, alice.user_id, image_id)

    assert len(stored()) == 8
    assert object_removals.sweep() == 0  # it might still be at work
    time_passes()
    assert object_removals.sweep() == 1
    assert len(stored()) == 4
    assert all(str(kept) in key for key in stored())


def test_an_upload_that_ends_well_leaves_nothing_to_remove(
    alice: Person,
    administrator: sa.Engine,
    picture_file: Callable[..., Path],
    stored: Callable[[], list[str]],
) -> None:
    take_in(alice, picture_file())
    assert waiting(administrator) == []
    assert len(stored()) == 4


def test_parts_of_an_upload_that_was_cut_off_are_given_up(
    alice: Person,
    picture_file: Callable[..., Path],
    s3_env: Callable[..., None],
) -> None:
    image_id = take_in(alice, picture_file())
    key = row_of(alice.user_id, image_id).s3_key
    for of in (key, "users/somebody/images/else/photo.jpg"):
        bucket_client().create_multipart_upload(Bucket="pictures", Key=of)
    images.delete_image(alice.user_id, image_id, permanent=True)
    assert unfinished_uploads() == ["users/somebody/images/else/photo.jpg"]


def test_files_go_with_their_picture_at_once(
    alice: Person,
    administrator: sa.Engine,
    picture_file: Callable[..., Path],
    stored: Callable[[], list[str]],
) -> None:
    images.delete_image(alice.user_id, take_in(alice, picture_file()), permanent=True)
    assert (stored(), waiting(administrator)) == ([], [])


def test_a_store_that_is_away_gets_another_chance(
    alice: Person,
    administrator: sa.Engine,
    picture_file: Callable[..., Path],
    stored: Callable[[], list[str]],
    time_passes: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image_id = take_in(alice, picture_file())
    with monkeypatch.context() as patch:
        patch.setattr(type(get_store()), "delete_prefix", refuse)
        images.delete_image(alice.user_id, image_id, permanent=True)
        assert object_removals.sweep() == 0
        assert waiting(administrator) == [(image_id, 1)]
    assert object_removals.sweep() == 0  # not at once again
    time_passes()
    assert object_removals.sweep() == 1
    assert (stored(), waiting(administrator)) == ([], [])


def test_a_place_that_a_picture_is_in_is_never_emptied(
    alice: Person,
    administrator: sa.Engine,
    picture_file: Callable[..., Path],
    stored: Callable[[], list[str]],
    time_passes: Callable[[], None],
) -> None:
    image = row_of(alice.user_id, take_in(alice, picture_file()))
    intend(object_removals.place_of(image))
    time_passes()
    object_removals.run(object_removals.place_of(image))
    assert object_removals.sweep() == 0
    assert waiting(administrator) == []
    assert len(stored()) == 4


def test_a_picture_whose_files_were_removed_under_way_is_not_added(
    alice: Person,
    picture_file: Callable[..., Path],
    stored: Callable[[], list[str]],
    time_passes: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_files = ingest._put_files

    def take_for_ever(*args: Any) -> None:
        put_files(*args)
        time_passes()
        assert object_removals.sweep() == 1

    monkeypatch.setattr(ingest, "_put_files", take_for_ever)
    with pytest.raises(StoreUnavailable, match="took too long"):
        take_in(alice, picture_file())
    assert images.count_images(alice.user_id) == 0
    assert stored() == []


def test_nothing_gets_into_a_place_while_it_is_emptied(
    alice: Person,
    picture_file: Callable[..., Path],
    stored: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = object_removals.place_of(row_of(alice.user_id, take_in(alice, picture_file())))
    delete_prefix = type(get_store()).delete_prefix

    def delete_while_others_store(self: Any, prefix: str) -> None:
        with pytest.raises(StoreUnavailable, match="still being removed"):
            intend(place)
        with pytest.raises(StoreUnavailable), transaction(alice.user_id) as session:
            object_removals.take_back(session, place)
        object_removals.run(place)  # another one is at it
        assert object_removals.sweep() == 0
        delete_prefix(self, prefix)

    monkeypatch.setattr(type(get_store()), "delete_prefix", delete_while_others_store)
    images.delete_image(alice.user_id, place.image_id, permanent=True)
    assert stored() == []
    intend(place)


def test_nothing_of_a_deleted_person_waits(
    admin: Person, alice: Person, stored: Callable[[], list[str]], time_passes: Callable[[], None]
) -> None:
    place = object_removals.RenditionKeys(alice.user_id, UUID(int=1), get_store().bucket)
    intend(place)
    get_settings().pictures_dir.mkdir(parents=True, exist_ok=True)
    administration.delete_person(admin.user_id, alice.user_id)
    assert administration.purge_deleted() == 1


def test_a_machine_without_the_pictures_leaves_them_to_the_one_that_has_them(
    alice: Person,
    administrator: sa.Engine,
    set_env: Callable[..., None],
    tmp_path: Path,
    picture_file: Callable[..., Path],
    time_passes: Callable[[], None],
) -> None:
    here = str(get_settings().data_dir)
    image = row_of(alice.user_id, take_in(alice, picture_file()))
    intend(object_removals.RenditionKeys(alice.user_id, UUID(int=1), image.s3_bucket))
    time_passes()
    set_env(IMGAPP_DATA_DIR=str(tmp_path / "elsewhere"))
    assert object_removals.sweep() == 0
    assert len(waiting(administrator)) == 1
    set_env(IMGAPP_DATA_DIR=here)
    assert object_removals.sweep() == 1


def test_files_on_a_disk_that_is_not_mounted_wait(
    alice: Person,
    administrator: sa.Engine,
    picture_file: Callable[..., Path],
    time_passes: Callable[[], None],
    database: None,
) -> None:
    image_id = take_in(alice, picture_file())
    root = get_settings().pictures_dir
    mounted = root.rename(root.with_name("elsewhere"))
    root.mkdir()
    images.delete_image(alice.user_id, image_id, permanent=True)
    assert object_removals.sweep() == 0
    assert waiting(administrator) == [(image_id, 1)]
    root.rmdir()
    mounted.rename(root)
    time_passes()
    assert object_removals.sweep() == 1
    assert not list(root.glob("users"))


def test_nobody_else_has_a_place_emptied(
    alice: Person, mallory: Person, picture_file: Callable[..., Path], stored: Any
) -> None:
    image = row_of(alice.user_id, take_in(alice, picture_file()))
    theirs = object_removals.RenditionKeys(mallory.user_id, image.id, image.s3_bucket)
    intend(theirs)
    object_removals.run(theirs)
    assert len(stored()) == 4
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        ask_in_the_name_of(mallory, object_removals.place_of(image))


def ask_in_the_name_of(person: Person, place: object_removals.RenditionKeys) -> None:
    """What a mistake of ours could do at worst."""
    with transaction(person.user_id) as session:
        object_removals.add(session, place)


def test_a_store_that_is_asked_in_a_transaction_is_named(
    alice: Person, breaches: list[str]
) -> None:
    with transaction(alice.user_id):
        get_store().exists("users/x")
    assert "exists" in breaches.pop()
    get_store().exists("users/x")
    assert breaches == []

"""A library goes from one store into the other, and nothing of it is out of reach on the way."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from imgapp.adapters.storage import LOCAL, get_store
from imgapp.errors import ConfigurationError, StoreUnavailable
from imgapp.models import Image, new_id
from imgapp.services.analysis import describe
from imgapp.services.library import file_links, images
from imgapp.services.operations import store_migration
from imgapp.services.operations.store_migration import MigrationOutcome
from imgapp.services.storage import object_removals
from imgapp.services.uploads import ingest
from imgapp.settings import get_settings
from tests.conftest import Person
from tests.support.buckets import BUCKET, bucket_client, objects
from tests.support.forked import stand_still
from tests.support.spooling import spool_file
from tests.support.waiting import row_of

Invoke = Callable[..., tuple[int, str]]


@pytest.fixture
def disk(s3_env: Callable[..., None], database: None) -> None:
    """New pictures go to the disk; the bucket's server is known all the same."""
    s3_env(IMGAPP_S3_BUCKET=None)


@pytest.fixture
def bucket(disk: None, set_env: Callable[..., None]) -> Callable[[], None]:
    """Call it to have new pictures go to the bucket from then on."""
    return lambda: set_env(IMGAPP_S3_BUCKET=BUCKET)


@pytest.fixture
def add(alice: Person, picture_file: Callable[..., Path]) -> Callable[..., Image]:
    """A real picture of Alice's, or of somebody else's."""

    def take_in(person: Person = alice) -> Image:
        taken = ingest.ingest(person.user_id, spool_file(picture_file()), "page")
        return row_of(person.user_id, taken.image_id)

    return take_in


@pytest.fixture
def an_hour_passes(administrator: sa.Engine) -> Callable[[], int]:
    """What was to be removed within an hour or two is removed; how many places."""

    def pass_time() -> int:
        with administrator.begin() as connection:
            connection.execute(
                sa.text("UPDATE store_removals SET due_at = due_at - interval '2 hours'")
            )
        return object_removals.sweep()

    return pass_time


def on_disk() -> list[str]:
    root = get_settings().pictures_dir
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def outcomes(to: str, user_id: UUID | None = None) -> list[MigrationOutcome]:
    return sorted(report.outcome for report in store_migration.move_all(to, user_id))


def is_whole(image: Image, person: Person, original: bytes) -> bool:
    """Whether the picture is where its row says, all of it, in what the services hand out."""
    now = row_of(person.user_id, image.id)
    store = get_store(now.s3_bucket)
    return store.read(now.s3_key) == original and all(
        file_links.read_rendition(now, rendition) for rendition in ("thumbnail", "preview", "model")
    )


def test_a_library_goes_to_the_bucket_and_back(
    alice: Person,
    mallory: Person,
    bucket: Callable[[], None],
    add: Callable[..., Image],
    set_env: Callable[..., None],
    an_hour_passes: Callable[[], int],
) -> None:
    whole = [(person, add(person)) for person in (alice, alice, mallory)]
    originals = [get_store().read(image.s3_key) for _, image in whole]
    images.delete_image(alice.user_id, whole[0][1].id)  # what is in the trash goes along
    keys = on_disk()
    bucket()

    assert outcomes(BUCKET) == [MigrationOutcome.MOVED] * 3
    assert (objects(), on_disk()) == (keys, [])
    assert {row_of(person.user_id, image.id).s3_bucket for person, image in whole} == {BUCKET}
    assert outcomes(BUCKET) == []

    set_env(IMGAPP_S3_BUCKET=None)
    assert outcomes(LOCAL) == [MigrationOutcome.MOVED] * 3
    assert objects() == keys  # links to the bucket that people have go on working
    assert an_hour_passes() == 3
    assert (objects(), on_disk()) == ([], keys)
    for (person, image), original in zip(whole, originals, strict=True):
        assert is_whole(image, person, original)


def test_types_encryption_and_class_go_along(
    alice: Person, bucket: Callable[[], None], add: Callable[..., Image], set_env: Any
) -> None:
    image = add()
    bucket()
    set_env(IMGAPP_S3_SSE="AES256", IMGAPP_S3_STORAGE_CLASS="STANDARD_IA")
    assert outcomes(BUCKET) == [MigrationOutcome.MOVED]
    stored = {key: bucket_client().head_object(Bucket=BUCKET, Key=key) for key in objects()}
    assert len(stored) == 4
    assert {one["ServerSideEncryption"] for one in stored.values()} == {"AES256"}
    assert {one["StorageClass"] for one in stored.values()} == {"STANDARD_IA"}
    types = {key.rpartition("/")[2]: one["ContentType"] for key, one in stored.items()}
    assert types == {
        "photo.jpg": "image/jpeg",
        "_thumbnail.webp": "image/webp",
        "_preview.webp": "image/webp",
        "_model.jpg": "image/jpeg",
    }
    assert image.s3_bucket == LOCAL


def test_only_what_one_person_has(
    alice: Person, mallory: Person, bucket: Callable[[], None], add: Callable[..., Image]
) -> None:
    hers, other = add(), add(mallory)
    bucket()
    assert outcomes(BUCKET, alice.user_id) == [MigrationOutcome.MOVED]
    assert row_of(alice.user_id, hers.id).s3_bucket == BUCKET
    assert row_of(mallory.user_id, other.id).s3_bucket == LOCAL


def test_a_half_moved_library_works(
    alice: Person,
    mallory: Person,
    bucket: Callable[[], None],
    add: Callable[..., Image],
    client_for: Callable[..., Any],
) -> None:
    """Through the API: links, lists, analysis, deletion; wherever new pictures go."""
    moved, left = add(), add()
    originals = {image.id: get_store().read(image.s3_key) for image in (moved, left)}
    assert (
        store_migration.move_image(alice.user_id, moved.id, BUCKET).outcome
        == MigrationOutcome.MOVED
    )
    client, stranger = client_for(alice), client_for(mallory)
    # New pictures still go to the disk: what is in the bucket comes through us.
    for image in (moved, left):
        for variant in ("original", "thumbnail", "preview"):
            link = client.get(f"/api/images/{image.id}/file?variant={variant}").headers["location"]
            assert link.startswith("/api/files/")
            answer = client.get(link)
            assert answer.status_code == 200
            head = client.head(link)
            assert (head.status_code, head.headers["etag"]) == (200, answer.headers["etag"])
            again = client.get(link, headers={"if-none-match": answer.headers["etag"]})
            assert again.status_code == 304
            if variant == "original":
                assert answer.content == originals[image.id]
        assert stranger.get(f"/api/images/{image.id}/file").status_code == 404
    assert {describe.run_one(), describe.run_one()} == {moved.id, left.id}
    assert row_of(alice.user_id, moved.id).analysis_status == "completed"

    bucket()
    found = {item["id"]: item["urls"] for item in client.get("/api/images").json()["items"]}
    assert "X-Amz-Signature" in found[str(moved.id)]["original"]
    assert client.get(found[str(left.id)]["thumbnail"]).status_code == 200
    for image in (moved, left):
        assert client.delete(f"/api/images/{image.id}?permanent=true").status_code == 204
    assert (objects(), on_disk()) == ([], [])


def test_links_that_people_have_survive_a_move(
    alice: Person,
    bucket: Callable[[], None],
    add: Callable[..., Image],
    client_for: Callable[..., Any],
) -> None:
    image = add()
    links = file_links.signed_urls(image)
    bucket()
    assert outcomes(BUCKET) == [MigrationOutcome.MOVED]
    client = client_for(alice)
    for variant in ("thumbnail", "preview", "original"):
        assert client.get(getattr(links, variant)).status_code == 200


def test_what_was_read_before_the_move_is_found_after_it(
    alice: Person, bucket: Callable[[], None], add: Callable[..., Image]
) -> None:
    before = add()
    bucket()
    assert outcomes(BUCKET) == [MigrationOutcome.MOVED]
    assert file_links.read_rendition(before, "preview")


def test_a_damaged_original_stays_where_it_is(
    alice: Person, bucket: Callable[[], None], add: Callable[..., Image]
) -> None:
    damaged, missing, sound = add(), add(), add()
    for image, harm in ((damaged, b"harm"), (missing, None)):
        path = get_store().local_path(image.s3_key)
        assert path is not None
        path.write_bytes(harm) if harm else path.unlink()
    bucket()
    reports = {report.image_id: report for report in store_migration.move_all(BUCKET)}
    assert "SHA-256" in reports[damaged.id].detail
    assert "missing" in reports[missing.id].detail
    assert reports[sound.id].outcome == MigrationOutcome.MOVED
    assert {row_of(alice.user_id, image.id).s3_bucket for image in (damaged, missing)} == {LOCAL}
    assert all(str(sound.id) in key for key in objects())
    assert get_store(LOCAL).read(damaged.s3_key) == b"harm"


def test_a_file_that_arrives_as_another_is_not_counted_on(
    alice: Person, bucket: Callable[[], None], add: Callable[..., Image], monkeypatch: Any
) -> None:
    image = add()
    bucket()
    store: Any = type(get_store())
    put = store.put

    def garble(self: Any, key: str, path: Path, content_type: str) -> None:
        path.write_bytes(path.read_bytes()[:-1] + b"!")
        put(self, key, path, content_type)

    monkeypatch.setattr(store, "put", garble)
    [report] = store_migration.move_all(BUCKET)
    assert (report.outcome, objects()) == (MigrationOutcome.FAILED, [])
    assert "did not arrive" in report.detail
    assert row_of(alice.user_id, image.id).s3_bucket == LOCAL


def test_a_picture_that_is_deleted_under_way_is_gone_from_both(
    alice: Person, bucket: Callable[[], None], add: Callable[..., Image], monkeypatch: Any
) -> None:
    image = add()
    bucket()
    copy = store_migration._copy

    def copy_and_delete(*args: Any) -> None:
        copy(*args)
        images.delete_image(alice.user_id, image.id, permanent=True)

    monkeypatch.setattr(store_migration, "_copy", copy_and_delete)
    assert outcomes(BUCKET) == [MigrationOutcome.GONE]
    assert (objects(), on_disk()) == ([], [])


@pytest.mark.long
def test_two_moves_at_once_do_not_harm_each_other(
    alice: Person,
    bucket: Callable[[], None],
    add: Callable[..., Image],
    an_hour_passes: Callable[[], int],
) -> None:
    all_of_them = [add() for _ in range(6)]
    originals = [get_store().read(image.s3_key) for image in all_of_them]
    bucket()
    with ThreadPoolExecutor(2) as pool:
        both = list(itertools.chain(*pool.map(outcomes, [BUCKET, BUCKET])))
    assert both.count(MigrationOutcome.MOVED) == 6
    assert MigrationOutcome.FAILED not in both
    an_hour_passes()
    assert on_disk() == []
    assert all(is_whole(i, alice, o) for i, o in zip(all_of_them, originals, strict=True))


def test_a_move_back_at_once_loses_nothing(
    alice: Person,
    disk: None,
    add: Callable[..., Image],
    an_hour_passes: Callable[[], int],
) -> None:
    image = add()
    original = get_store().read(image.s3_key)
    for bucket in (BUCKET, LOCAL, BUCKET):
        assert (
            store_migration.move_image(alice.user_id, image.id, bucket).outcome
            == MigrationOutcome.MOVED
        )
    an_hour_passes()
    an_hour_passes()
    assert is_whole(image, alice, original)
    assert (len(objects()), on_disk()) == (4, [])


def move_and_stop(stopped: Connection, bucket: str, step: str, after: int) -> None:
    """Moves, and stands still at a step of the second picture."""
    calls = itertools.count(1)
    inner = getattr(store_migration, step)

    def do_and_stop(*args: Any) -> Any:
        done = inner(*args)
        if next(calls) == after:
            stand_still(stopped)
        return done

    setattr(store_migration, step, do_and_stop)
    store_migration._AT_ONCE = 1
    list(store_migration.move_all(bucket))


@pytest.mark.long
@pytest.mark.parametrize("to", [BUCKET, LOCAL])
@pytest.mark.parametrize(("step", "after"), [("_carry", 6), ("_copy", 2), ("_switch", 2)])
def test_a_move_that_is_killed_goes_on(
    alice: Person,
    bucket: Callable[[], None],
    add: Callable[..., Image],
    an_hour_passes: Callable[[], int],
    kill_in: Callable[..., None],
    to: str,
    step: str,
    after: int,
) -> None:
    if to == LOCAL:
        bucket()
    all_of_them = [add() for _ in range(3)]
    originals = [get_store().read(image.s3_key) for image in all_of_them]
    if to == BUCKET:
        bucket()
    kill_in(move_and_stop, to, step, after)

    for image, original in zip(all_of_them, originals, strict=True):
        assert is_whole(image, alice, original)
    left = 1 if step == "_switch" else 2
    assert outcomes(to) == [MigrationOutcome.MOVED] * left
    an_hour_passes()
    there, elsewhere = (objects(), on_disk()) if to == BUCKET else (on_disk(), objects())
    assert (len(there), elsewhere) == (12, [])
    for image, original in zip(all_of_them, originals, strict=True):
        assert is_whole(image, alice, original)


def test_a_bucket_that_disappears_ends_the_move(
    alice: Person, bucket: Callable[[], None], add: Callable[..., Image], monkeypatch: Any
) -> None:
    image = add()
    bucket()
    monkeypatch.setattr(store_migration, "_PATIENCE", 0.0)
    bucket_client().delete_bucket(Bucket=BUCKET)
    with pytest.raises(StoreUnavailable, match="does not exist"):
        list(store_migration.move_all(BUCKET))
    assert is_whole(image, alice, get_store(LOCAL).read(image.s3_key))


def test_nobody_moves_what_is_not_theirs(
    alice: Person, mallory: Person, bucket: Callable[[], None], add: Callable[..., Image]
) -> None:
    image = add()
    for image_id in (image.id, new_id()):
        report = store_migration.move_image(mallory.user_id, image_id, BUCKET)
        assert (report.outcome, report.detail) == (MigrationOutcome.GONE, "")
    assert objects() == []


def test_where_to_is_asked_for(disk: None) -> None:
    with pytest.raises(ConfigurationError, match="IMGAPP_S3_BUCKET"):
        store_migration.target_bucket("s3")
    assert store_migration.target_bucket("disk") == LOCAL


# The command.


def test_the_command_says_what_it_does(
    alice: Person, bucket: Callable[[], None], add: Callable[..., Image], invoke: Invoke
) -> None:
    add(), add()
    bucket()
    code, said = invoke("storage", "move", "--to", "s3", "--dry-run")
    assert (code, objects()) == (0, [])
    assert said.startswith("2 pictures, originals of ")
    code, said = invoke("storage", "move", "--to", "s3", "--user", alice.email)
    assert code == 0
    assert "2 moved, 0 gone in the meantime, 0 failed." in said
    code, said = invoke("storage", "status")
    assert code == 0
    assert said.startswith("the bucket pictures: 2 pictures, originals of ")
    code, said = invoke("storage", "move", "--to", "disk")
    assert "New pictures still go to the bucket pictures" in said
    assert "2 places in the bucket pictures are still to be emptied" in said


def test_the_command_reports_what_could_not_be_moved(
    alice: Person, bucket: Callable[[], None], add: Callable[..., Image], invoke: Invoke
) -> None:
    image = add()
    path = get_store().local_path(image.s3_key)
    assert path is not None
    path.write_bytes(b"harm")
    bucket()
    code, said = invoke("storage", "move", "--to", "s3")
    assert code == 1
    assert f"failed {image.id} photo.jpg: the original is not what was uploaded" in said

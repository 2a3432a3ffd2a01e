"""Pictures come in through one entrance, once, and leave nothing behind when they do not."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import piexif
import pytest
import redis
import sqlalchemy as sa
from PIL import Image as PillowImage

from imgapp.adapters import db, queue
from imgapp.adapters.storage import get_store, rendition_key
from imgapp.errors import (
    DamagedImage,
    EmptyFile,
    FileTooLarge,
    ImgappError,
    NotAnImage,
    NotSignedIn,
    StoreUnavailable,
)
from imgapp.models import AnalysisStatus, Image, Priority, new_id
from imgapp.services.library import images
from imgapp.services.storage.spool import new_spool_path, sweep_spool
from imgapp.services.uploads.ingest import ingest
from imgapp.settings import get_settings
from tests.conftest import Person, Servers
from tests.support.metadata_blocks import alternative, xmp
from tests.support.spooling import spool_file


def row(user_id: UUID, image_id: UUID) -> Image:
    with db.transaction(user_id) as session:
        return session.get_one(Image, image_id)


def left_over() -> list[str]:
    return [path.name for path in get_settings().spool_dir.glob("*")]


def stored() -> list[str]:
    root = get_settings().pictures_dir
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_a_picture_is_stored_with_its_renditions(
    alice: Person, picture_file: Callable[..., Path]
) -> None:
    path = picture_file("My photo.jpg", size=(1600, 800))
    result = ingest(alice.user_id, spool_file(path), "page")
    assert result.duplicate is False
    image = row(alice.user_id, result.image_id)
    assert image.s3_key == f"users/{alice.user_id}/images/{image.id}/My-photo.jpg"
    assert (image.filename, image.mime_type) == ("My photo.jpg", "image/jpeg")
    assert (image.width, image.height, image.file_size) == (1600, 800, path.stat().st_size)
    assert (image.s3_bucket, image.facts["format"]) == ("local", "JPEG")
    assert image.analysis_status == AnalysisStatus.PENDING
    assert get_store().read(image.s3_key) == path.read_bytes()
    for rendition, side in (("thumbnail", 512), ("preview", 1440), ("model", 1024)):
        with get_store().open(rendition_key(image.s3_key, rendition)) as file:  # type: ignore[arg-type]
            assert PillowImage.open(file).width == side
    assert left_over() == []


def test_it_is_queued_and_announced_to_its_owner_alone(
    alice: Person, mallory: Person, servers: Servers, picture_file: Callable[..., Path]
) -> None:
    with redis.Redis.from_url(servers.redis_url) as client, client.pubsub() as listener:
        listener.subscribe(*(f"imgapp:events:{p.user_id}" for p in (alice, mallory)))
        result = ingest(alice.user_id, spool_file(picture_file()), "page", priority=Priority.BULK)
        heard = []
        while (message := listener.get_message(timeout=1)) is not None:
            if message["type"] == "message":
                heard.append((message["channel"].decode(), json.loads(message["data"])))
    event = {"kind": "image_uploaded", "image_id": str(result.image_id)}
    assert heard == [(f"imgapp:events:{alice.user_id}", event)]
    assert queue.pending_permits() == 1
    assert row(alice.user_id, result.image_id).priority == Priority.BULK


def test_it_is_taken_in_while_redis_is_away(
    alice: Person, picture_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.reset()
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    get_settings.cache_clear()
    try:
        result = ingest(alice.user_id, spool_file(picture_file()), "page")
    finally:
        queue.reset()
    assert row(alice.user_id, result.image_id).analysis_status == AnalysisStatus.PENDING


def test_the_same_bytes_are_one_picture(alice: Person, picture_file: Callable[..., Path]) -> None:
    path = picture_file()
    first = ingest(alice.user_id, spool_file(path), "page")
    again = ingest(alice.user_id, spool_file(path), "page")
    assert (again.image_id, again.duplicate) == (first.image_id, True)
    assert images.count_images(alice.user_id) == 1
    assert queue.pending_permits() == 1
    assert left_over() == []


def test_a_new_picture_takes_two_transactions_and_its_answer_none(
    alice: Person, picture_file: Callable[..., Path]
) -> None:
    begun: list[object] = []

    def note(_connection: object, record: object, _proxy: object) -> None:
        begun.append(record)

    spooled = spool_file(picture_file("told.jpg", size=(1600, 800)))
    sa.event.listen(sa.pool.Pool, "checkout", note)
    try:
        result = ingest(alice.user_id, spooled, "page")
        [told] = images.taken_in(alice.user_id, [result])
    finally:
        sa.event.remove(sa.pool.Pool, "checkout", note)
    assert len(begun) == 2
    [read] = images.public_images(alice.user_id, [result.image_id])
    assert told.model_dump(mode="json") == read.model_dump(mode="json") | {"duplicate": False}


def test_two_people_may_have_the_same_bytes(
    alice: Person, mallory: Person, picture_file: Callable[..., Path]
) -> None:
    path = picture_file()
    first = ingest(alice.user_id, spool_file(path), "page")
    other = ingest(mallory.user_id, spool_file(path), "page")
    assert other.duplicate is False
    assert other.image_id != first.image_id


def test_the_same_bytes_at_once_are_one_picture(
    alice: Person, picture_file: Callable[..., Path]
) -> None:
    path = picture_file()
    copies = [spool_file(path) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda copy: ingest(alice.user_id, copy, "page"), copies))
    assert len({result.image_id for result in results}) == 1
    assert sorted(result.duplicate for result in results) == [False, True, True, True]
    assert stored() == ["_model.jpg", "_preview.webp", "_thumbnail.webp", "photo.jpg"]
    assert left_over() == []


def test_an_upload_takes_a_picture_out_of_the_trash(
    alice: Person, picture_file: Callable[..., Path]
) -> None:
    path = picture_file()
    first = ingest(alice.user_id, spool_file(path), "page")
    images.delete_image(alice.user_id, first.image_id)
    again = ingest(alice.user_id, spool_file(path), "page")
    assert (again.image_id, again.duplicate) == (first.image_id, True)
    assert row(alice.user_id, first.image_id).deleted_at is None
    assert queue.pending_permits() == 2


def test_what_the_picture_says_was_written_by_a_person(alice: Person, tmp_path: Path) -> None:
    path = tmp_path / "told.jpg"
    words = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/" '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:RDF><rdf:Description>'
        "<dc:description><rdf:Alt><rdf:li>A wall \0 in \u202eBerlin</rdf:li></rdf:Alt>"
        "</dc:description><dc:subject><rdf:Bag><rdf:li>wall</rdf:li></rdf:Bag></dc:subject>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).replace("\0 ", "")
    camera = piexif.dump({"0th": {piexif.ImageIFD.Model: b"Can\xff\x80\x01on\0x"}})
    PillowImage.new("RGB", (60, 40), "teal").save(path, xmp=words.encode(), exif=camera)
    image = row(alice.user_id, ingest(alice.user_id, spool_file(path), "page").image_id)
    assert (image.description, image.description_by) == ("A wall in Berlin", "person")
    assert (image.tags, image.tags_by) == (["wall"], "person")
    assert (image.alt_text, image.alt_text_by) == (None, None)
    assert image.facts["camera_model"].startswith("Can")


def told(path: Path, **texts: str) -> Path:
    packet = xmp(alternative("Iptc4xmpCore:AltTextAccessibility", **texts))
    PillowImage.new("RGB", (60, 40), "teal").save(path, xmp=packet)
    return path


def test_the_language_that_the_picture_says_stands_on_it(alice: Person, tmp_path: Path) -> None:
    path = told(tmp_path / "told.jpg", x_default="", de_at="Ein Hafen")
    image = row(alice.user_id, ingest(alice.user_id, spool_file(path), "page").image_id)
    assert (image.alt_text, image.language) == ("Ein Hafen", "de-AT")
    assert (image.alt_text_by, image.language_by) == ("person", "person")
    assert "texts" not in image.facts


def test_a_language_that_nobody_speaks_is_none(alice: Person, tmp_path: Path) -> None:
    path = told(tmp_path / "told.jpg", xx="Ein Hafen")
    image = row(alice.user_id, ingest(alice.user_id, spool_file(path), "page").image_id)
    assert (image.alt_text, image.alt_text_by) == ("Ein Hafen", "person")
    assert (image.language, image.language_by) == (None, None)


def test_texts_in_several_languages_are_kept(alice: Person, tmp_path: Path) -> None:
    path = told(tmp_path / "told.jpg", de="Ein Hafen", en="A harbour")
    image = row(alice.user_id, ingest(alice.user_id, spool_file(path), "page").image_id)
    assert (image.alt_text, image.language) == ("Ein Hafen", "de")
    kept = {"de": {"alt_text": "Ein Hafen"}, "en": {"alt_text": "A harbour"}}
    assert image.facts["texts"] == kept
    found = images.get_image(alice.user_id, image.id)
    assert found.facts["texts"] == kept
    assert (found.texts["de"].alt_text, found.texts["en"].alt_text) == ("Ein Hafen", "A harbour")
    assert found.texts["en"].written_by == {"alt_text": "file"}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", EmptyFile),
        (b"words", NotAnImage),
        (b"\xff\xd8\xff\xe0 and nothing more", DamagedImage),
    ],
)
def test_a_rejected_file_leaves_nothing(
    alice: Person, tmp_path: Path, data: bytes, error: type[ImgappError]
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(error):
        ingest(alice.user_id, spool_file(path), "page")
    assert images.count_images(alice.user_id) == 0
    assert (left_over(), stored()) == ([], [])


def test_a_store_that_fails_leaves_no_row(alice: Person, picture_file: Callable[..., Path]) -> None:
    get_settings().data_dir.mkdir(exist_ok=True)
    get_settings().pictures_dir.write_text("a file where the folder should be")
    with pytest.raises(StoreUnavailable):
        ingest(alice.user_id, spool_file(picture_file()), "page")
    assert images.count_images(alice.user_id) == 0
    assert left_over() == []


def test_an_account_that_is_gone_leaves_no_files(
    database: None, picture_file: Callable[..., Path]
) -> None:
    with pytest.raises(NotSignedIn):
        ingest(new_id(), spool_file(picture_file()), "page")
    assert (left_over(), stored()) == ([], [])


def test_a_database_that_is_away_leaves_no_files(
    alice: Person, picture_file: Callable[..., Path], set_env: Callable[..., None]
) -> None:
    spooled = spool_file(picture_file())
    set_env(DATABASE_URL="postgresql://nobody@127.0.0.1:9/nothing")
    with pytest.raises(ImgappError, match="database"):
        ingest(alice.user_id, spooled, "page")
    assert (left_over(), stored()) == ([], [])


def test_a_file_over_the_limit_is_not_spooled(set_env: Callable[..., None], tmp_path: Path) -> None:
    set_env(IMGAPP_MAX_UPLOAD_MB="1")
    path = tmp_path / "large.jpg"
    path.write_bytes(bytes(1024 * 1024))
    assert spool_file(path).size == 1024 * 1024
    path.write_bytes(bytes(1024 * 1024 + 1))
    with pytest.raises(FileTooLarge, match="1 MB"):
        spool_file(path)
    assert len(left_over()) == 1


def test_only_old_left_overs_are_swept(settings_env: pytest.MonkeyPatch) -> None:
    old_file, old_folder, recent = new_spool_path(), new_spool_path(), new_spool_path()
    for path in (old_file, recent):
        path.write_bytes(b"x")
    old_folder.mkdir()
    (old_folder / "preview.webp").write_bytes(b"x")
    two_hours_ago = time.time() - 7200
    for path in (old_file, old_folder):
        os.utime(path, (two_hours_ago, two_hours_ago))
    assert sweep_spool() == 2
    assert left_over() == [recent.name]


def test_a_file_that_is_no_picture_leaves_no_place_to_be_emptied(
    alice: Person, tmp_path: Path, administrator: sa.Engine
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"words")
    with pytest.raises(NotAnImage):
        ingest(alice.user_id, spool_file(path), "page")
    with administrator.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM store_removals")).scalar() == 0


def test_a_picture_takes_two_transactions(alice: Person, picture_file: Callable[..., Path]) -> None:
    ingest(alice.user_id, spool_file(picture_file("first.jpg")), "page")
    commits: list[object] = []
    count = commits.append
    sa.event.listen(db._engine(), "commit", count)
    try:
        ingest(alice.user_id, spool_file(picture_file("second.png")), "page")
    finally:
        sa.event.remove(db._engine(), "commit", count)
    assert len(commits) == 2

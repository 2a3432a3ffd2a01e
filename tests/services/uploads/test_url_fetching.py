"""Fetching: every file of a batch comes to an end, whatever its server or our worker does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from imgapp.adapters import db
from imgapp.errors import DatabaseUnavailable, StoreUnavailable
from imgapp.models import BatchItem, FetchRest, Image, Priority, now
from imgapp.services.batches import batches
from imgapp.services.batches.schemas import BatchPublic, NewBatch
from imgapp.services.library import images
from imgapp.services.uploads import url_fetching
from imgapp.services.uploads.ingest import ingest
from imgapp.settings import get_settings
from tests.conftest import Person
from tests.support.waiting import count_of, eventually
from tests.support.web_server import Page, WebServer

Pictures = Callable[..., Path]


@pytest.fixture
def web(set_env: Callable[..., None]) -> Iterator[WebServer]:
    """A server that may be reached although it is not on the web."""
    set_env(IMGAPP_OUTBOUND_NETWORKS="127.0.0.0/8")
    with WebServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _afresh(database: None) -> Iterator[None]:
    url_fetching.resume()
    yield
    url_fetching.stop()
    eventually(lambda: not url_fetching._threads)
    url_fetching.resume()


def make(person: Person, *urls: str) -> BatchPublic:
    return batches.create_batch(person.user_id, NewBatch(urls=list(urls)))


def files_of(person: Person, batch: BatchPublic) -> list[BatchItem]:
    query = select(BatchItem).where(BatchItem.batch_id == batch.id).order_by(col(BatchItem.id))
    with db.transaction(person.user_id) as session:
        return list(session.exec(query))


def fetch_all() -> int:
    fetched = 0
    while (taken := url_fetching._claim()) is not None:
        url_fetching._settle(taken)
        fetched += 1
    return fetched


def make_due(administrator: sa.Engine) -> None:
    with administrator.begin() as connection:
        connection.execute(sa.text("DELETE FROM fetch_rests"))
        connection.execute(
            sa.text("UPDATE batch_items SET due_at = now() - interval '1 s' WHERE due_at > now()")
        )


def expire_leases(administrator: sa.Engine) -> None:
    past = "UPDATE batch_items SET lease_expires_at = now() - interval '1 s'"
    with administrator.begin() as connection:
        connection.execute(sa.text(f"{past} WHERE lease_id IS NOT NULL"))


def test_a_picture_is_fetched_and_waits_behind_what_is_uploaded_by_hand(
    alice: Person, web: WebServer, picture_file: Pictures
) -> None:
    data = picture_file("a.jpg").read_bytes()
    web.pages["/harbour%20at%20night.jpg?size=9"] = Page(data)
    batch = make(alice, web.url("/harbour%20at%20night.jpg?size=9"))

    assert fetch_all() == 1

    [file] = files_of(alice, batch)
    assert (file.outcome, file.filename) == ("added", "harbour at night.jpg")
    assert file.finished_at is not None
    with db.transaction(alice.user_id) as session:
        [image] = session.exec(select(Image)).all()
    assert (image.id, image.priority) == (file.image_id, Priority.BULK)
    assert image.filename == "harbour at night.jpg"
    told = batches.get_batch(alice.user_id, batch.id)
    assert (told.files.added, told.pictures.pending, told.finished_at) == (1, 1, None)
    assert list(get_settings().spool_dir.glob("*")) == []


def test_the_server_names_the_file(alice: Person, web: WebServer, picture_file: Pictures) -> None:
    headers = {"Content-Disposition": "attachment; filename*=UTF-8''K%C3%BCste.jpg"}
    web.pages["/download?id=7"] = Page(picture_file().read_bytes(), headers=headers)
    batch = make(alice, web.url("/download?id=7"))
    fetch_all()
    assert files_of(alice, batch)[0].filename == "Küste.jpg"


def test_what_is_there_is_a_duplicate(
    alice: Person, mallory: Person, web: WebServer, picture_file: Pictures
) -> None:
    web.pages["/a.jpg"] = web.pages["/b.jpg"] = Page(picture_file().read_bytes())
    theirs = make(mallory, web.url("/a.jpg"))
    batch = make(alice, web.url("/a.jpg"), web.url("/b.jpg"))
    fetch_all()
    assert files_of(mallory, theirs)[0].outcome == "added"
    first, second = files_of(alice, batch)
    assert [first.outcome, second.outcome] == ["added", "duplicate"]
    assert first.image_id == second.image_id
    images.delete_image(alice.user_id, first.image_id)
    make(alice, web.url("/a.jpg"))
    fetch_all()
    assert images.get_image(alice.user_id, first.image_id), "out of the trash, as with an upload"


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (Page(status=404), "http_error"),
        (Page(status=403), "http_error"),
        (Page(b"<html>Sign in first</html>"), "not_an_image"),
        (Page(b""), "empty_file"),
        (Page(bytes(1024 * 1024 + 1)), "too_large"),
        (Page(bytes(1024 * 1024 + 1), headers={"Content-Length": "9999999"}), "too_large"),
        (Page(status=302, headers={"Location": "/self"}), "too_many_redirects"),
        (Page(status=302, headers={"Location": "http://[::1]:9/a.jpg"}), "address_not_allowed"),
        (Page(status=302, headers={"Location": "file:///etc/passwd"}), "invalid_url"),
    ],
)
def test_what_cannot_become_a_picture_is_refused_with_a_reason(
    alice: Person, web: WebServer, set_env: Callable[..., None], page: Page, code: str
) -> None:
    set_env(IMGAPP_MAX_UPLOAD_MB="1")
    web.pages["/self"] = page
    batch = make(alice, web.url("/self"))

    assert fetch_all() == 1

    [file] = files_of(alice, batch)
    assert (file.outcome, file.code) == ("refused", code)
    assert file.detail
    assert file.detail.endswith(".")
    assert batches.get_batch(alice.user_id, batch.id).finished_at is not None
    assert count_of(alice.user_id) == 0
    assert list(get_settings().spool_dir.glob("*")) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/a.jpg",
        "http://localhost:{port}/a.jpg",
        "http://[::1]:{port}/a.jpg",
    ],
)
def test_private_addresses_are_never_reached_unless_allowed(
    alice: Person, web: WebServer, set_env: Callable[..., None], url: str
) -> None:
    set_env(IMGAPP_OUTBOUND_NETWORKS=None)
    port = web.url("").rpartition(":")[2]
    batch = make(alice, url.format(port=port))
    fetch_all()
    [file] = files_of(alice, batch)
    assert (file.outcome, file.code) == ("refused", "address_not_allowed")
    assert web.asked.total() == 0


def test_a_redirect_is_followed(alice: Person, web: WebServer, picture_file: Pictures) -> None:
    web.pages["/a"] = Page(status=302, headers={"Location": "/b.jpg"})
    web.pages["/b.jpg"] = Page(picture_file().read_bytes())
    batch = make(alice, web.url("/a"))
    fetch_all()
    assert [(f.outcome, f.filename) for f in files_of(alice, batch)] == [("added", "b.jpg")]


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_a_server_that_has_trouble_is_asked_again_later(
    alice: Person, web: WebServer, picture_file: Pictures, administrator: sa.Engine, status: int
) -> None:
    picture = Page(picture_file().read_bytes())
    web.pages["/a.jpg"] = lambda number: Page(status=status) if number < 3 else picture
    batch = make(alice, web.url("/a.jpg"))
    waits = []
    for attempt in (1, 2):
        assert fetch_all() == 1, "not again at once"
        [file] = files_of(alice, batch)
        assert (file.outcome, file.attempts, file.code) == ("waiting", attempt, "http_error")
        assert file.due_at is not None
        waits.append((file.due_at - now()).total_seconds())
        make_due(administrator)
    assert 3 < waits[0] <= 5
    assert 20 < waits[1] <= 30
    fetch_all()
    [file] = files_of(alice, batch)
    assert (file.outcome, file.code, file.detail) == ("added", None, None)


def test_in_the_end_it_is_given_up(alice: Person, web: WebServer, administrator: sa.Engine) -> None:
    web.pages["/a.jpg"] = Page(status=500)
    batch = make(alice, web.url("/a.jpg"))
    for _ in range(url_fetching.MAX_ATTEMPTS + 2):
        fetch_all()
        make_due(administrator)
    [file] = files_of(alice, batch)
    assert (file.outcome, file.code) == ("refused", "http_error")
    assert file.detail == "The server answered 500. imgapp tried 5 times."
    assert web.asked["/a.jpg"] == url_fetching.MAX_ATTEMPTS


def test_a_server_that_is_not_there_is_tried_again(alice: Person, web: WebServer) -> None:
    batch = make(alice, "http://127.0.0.1:9/a.jpg")
    fetch_all()
    [file] = files_of(alice, batch)
    assert (file.outcome, file.code) == ("waiting", "unreachable")


def test_a_server_that_asks_for_a_rest_gets_it_for_all_files_of_the_person(
    alice: Person, mallory: Person, web: WebServer, picture_file: Pictures
) -> None:
    web.pages["/busy.jpg"] = Page(status=429, headers={"Retry-After": "90"})
    web.pages["/b.jpg"] = Page(picture_file().read_bytes())
    batch = make(alice, web.url("/busy.jpg"), web.url("/b.jpg"))

    assert fetch_all() == 1

    first, second = files_of(alice, batch)
    assert first.due_at is not None
    assert timedelta(seconds=80) < first.due_at - now() <= timedelta(seconds=90)
    assert (second.outcome, second.attempts) == ("waiting", 0)
    with db.transaction(alice.user_id) as session:
        [rest] = session.exec(select(FetchRest)).all()
    assert timedelta(seconds=80) < rest.until - now() <= timedelta(seconds=90)
    make(mallory, web.url("/b.jpg"))
    assert fetch_all() == 1, "somebody else's files do not wait for it"


def test_a_full_library_asks_no_server(
    alice: Person, web: WebServer, picture_file: Pictures, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_QUOTA_IMAGES="1")
    web.pages["/a.jpg"], web.pages["/b.jpg"] = (Page(picture_file().read_bytes()) for _ in "ab")
    batch = make(alice, web.url("/a.jpg"), web.url("/b.jpg"))
    fetch_all()
    assert [file.code for file in files_of(alice, batch)] == [None, "quota_exceeded"]


def test_our_own_trouble_costs_no_attempt(
    alice: Person,
    web: WebServer,
    picture_file: Pictures,
    administrator: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    web.pages["/a.jpg"] = Page(picture_file().read_bytes())
    batch = make(alice, web.url("/a.jpg"))

    def away(user_id: UUID, spooled: Any, source: str, **options: Any) -> None:
        spooled.path.unlink()
        raise StoreUnavailable

    monkeypatch.setattr(url_fetching, "ingest", away)
    fetch_all()
    [file] = files_of(alice, batch)
    assert (file.outcome, file.attempts, file.lease_id) == ("waiting", 0, None)
    monkeypatch.setattr(url_fetching, "ingest", ingest)
    make_due(administrator)
    fetch_all()
    assert files_of(alice, batch)[0].outcome == "added"


def test_people_take_turns_and_no_server_is_asked_for_much_at_once(
    alice: Person, mallory: Person, web: WebServer, picture_file: Pictures
) -> None:
    hold = threading.Event()
    slow = [f"/{number}.jpg" for number in range(6)]
    for path in slow:
        web.pages[path] = Page(picture_file().read_bytes(), hold=hold)
    batch = make(alice, *(web.url(path) for path in slow))
    other = f"http://localhost:{web.url('').rpartition(':')[2]}"
    theirs = make(mallory, f"{other}/0.jpg", f"{other}/1.jpg", f"{other}/2.jpg")

    url_fetching.attend()

    eventually(lambda: web.now == 2 * url_fetching.FETCHES_PER_HOST)
    url_fetching.attend()
    assert web.now == web.most == 2 * url_fetching.FETCHES_PER_HOST == url_fetching.FETCHES_AT_ONCE
    assert batches.get_batch(alice.user_id, batch.id).files.fetching == 2
    assert batches.get_batch(mallory.user_id, theirs.id).files.fetching == 2
    hold.set()
    eventually(lambda: not url_fetching._threads)
    assert batches.get_batch(alice.user_id, batch.id).files.added == 6
    assert batches.get_batch(mallory.user_id, theirs.id).files.added == 3
    assert web.most == url_fetching.FETCHES_AT_ONCE


def test_a_server_that_is_slow_holds_up_no_other(
    alice: Person, web: WebServer, picture_file: Pictures
) -> None:
    hold = threading.Event()
    for number in range(4):
        web.pages[f"/slow{number}"] = Page(status=404, hold=hold)
    web.pages["/a.jpg"] = Page(picture_file().read_bytes())
    other = f"http://localhost:{web.url('').rpartition(':')[2]}/a.jpg"
    batch = make(alice, *(web.url(f"/slow{number}") for number in range(4)), other)
    url_fetching.attend()
    eventually(lambda: batches.get_batch(alice.user_id, batch.id).files.added == 1)
    assert batches.get_batch(alice.user_id, batch.id).files.fetching == 2


def test_nobody_fetches_for_a_person_who_may_not_sign_in(
    alice: Person, web: WebServer, administrator: sa.Engine
) -> None:
    make(alice, web.url("/a.jpg"))
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE users SET disabled_at = now()"))
    assert fetch_all() == 0


def test_a_file_is_fetched_again_when_its_worker_was_killed(
    alice: Person, web: WebServer, picture_file: Pictures, administrator: sa.Engine
) -> None:
    web.pages["/a.jpg"] = Page(picture_file().read_bytes())
    batch = make(alice, web.url("/a.jpg"))
    assert url_fetching._claim() is not None
    assert fetch_all() == 0, "somebody has it"
    expire_leases(administrator)
    url_fetching.attend()
    eventually(lambda: batches.get_batch(alice.user_id, batch.id).files.added == 1)
    [file] = files_of(alice, batch)
    assert (file.lost_attempts, file.attempts) == (1, 0)


def test_a_file_that_kills_its_workers_is_refused(
    alice: Person, web: WebServer, administrator: sa.Engine
) -> None:
    batch = make(alice, web.url("/a.jpg"))
    for _ in range(url_fetching.MAX_LOST):
        url_fetching.resume()
        assert url_fetching._claim() is not None
        expire_leases(administrator)
        url_fetching._stopping.set()
        url_fetching.attend()
    [file] = files_of(alice, batch)
    assert (file.outcome, file.code) == ("refused", "lost")
    assert batches.get_batch(alice.user_id, batch.id).files.refused == 1


def test_a_worker_that_lost_its_lease_adds_nothing(
    alice: Person, web: WebServer, picture_file: Pictures, administrator: sa.Engine
) -> None:
    hold = threading.Event()
    web.pages["/a.jpg"] = Page(picture_file().read_bytes(), hold=hold)
    batch = make(alice, web.url("/a.jpg"))
    url_fetching.attend()
    eventually(lambda: web.now == 1)
    batches.cancel_batch(alice.user_id, batch.id)
    hold.set()
    eventually(lambda: not url_fetching._threads)
    assert count_of(alice.user_id) == 0
    assert batches.get_batch(alice.user_id, batch.id).files.cancelled == 1
    store = get_settings().pictures_dir
    assert not [path for path in store.rglob("*") if path.is_file()]


def test_a_lease_is_kept_while_the_work_goes_on(
    alice: Person, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(url_fetching, "HEARTBEAT_SECONDS", 0.02)
    hold = threading.Event()
    web.pages["/a.jpg"] = Page(status=404, hold=hold)
    batch = make(alice, web.url("/a.jpg"))
    url_fetching.attend()
    eventually(lambda: web.now == 1)
    [before] = files_of(alice, batch)
    assert before.lease_expires_at is not None
    eventually(lambda: files_of(alice, batch)[0].lease_expires_at > before.lease_expires_at)
    hold.set()


def test_a_worker_that_stops_gives_back_what_it_had(alice: Person, web: WebServer) -> None:
    web.pages["/a.jpg"] = Page(status=404, hold=threading.Event())
    batch = make(alice, web.url("/a.jpg"))
    url_fetching.attend()
    eventually(lambda: web.now == 1)
    started = time.monotonic()
    url_fetching.stop()
    assert time.monotonic() - started < 10
    [file] = files_of(alice, batch)
    assert (file.outcome, file.lease_id) == ("waiting", None)
    assert (file.attempts, file.lost_attempts) == (0, 0)
    assert fetch_all() == 0


def test_what_waits_in_a_batch_that_was_cancelled_halfway_is_cancelled(
    alice: Person, web: WebServer, administrator: sa.Engine
) -> None:
    batch = make(alice, web.url("/a.jpg"))
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE batches SET cancelled_at = now()"))
    url_fetching.attend()
    assert batches.get_batch(alice.user_id, batch.id).files.cancelled == 1
    assert web.asked.total() == 0


def test_a_database_that_goes_away_ends_the_round_and_not_the_worker(
    alice: Person, web: WebServer, monkeypatch: pytest.MonkeyPatch, picture_file: Pictures
) -> None:
    web.pages["/a.jpg"] = Page(picture_file().read_bytes())
    claimed = []
    claim = url_fetching._claim

    def away() -> Any:
        claimed.append(1)
        if len(claimed) > 1:
            raise DatabaseUnavailable
        return claim()

    monkeypatch.setattr(url_fetching, "_claim", away)
    batch = make(alice, web.url("/a.jpg"))
    with pytest.raises(DatabaseUnavailable):
        url_fetching.attend()
    eventually(lambda: not url_fetching._threads)
    assert files_of(alice, batch)[0].outcome == "added"


def test_a_claim_steps_over_what_waits_for_a_busy_server(
    alice: Person, administrator: sa.Engine
) -> None:
    batch = make(alice)
    with administrator.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO batch_items (id, batch_id, user_id, url, host, outcome, created_at,"
                " due_at) SELECT gen_random_uuid(), :batch, :user, 'http://x/', CASE WHEN n % 2 = 0"
                " THEN 'busy' ELSE 'other' END, 'waiting', now(), now() FROM"
                " generate_series(1, 20000) n"
            ),
            {"batch": batch.id, "user": alice.user_id},
        )
        connection.execute(
            sa.text("INSERT INTO fetch_rests VALUES (:user, 'busy', now() + interval '1 h')"),
            {"user": alice.user_id},
        )
        connection.execute(sa.text("ANALYZE batch_items"))
    assert batches.get_batch(alice.user_id, batch.id).files.waiting == 20_000
    explain = sa.text(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"
        " SELECT * FROM imgapp_claim_fetch(gen_random_uuid(), 30, 2)"
    )
    blocks = []
    for _ in range(2):
        with db.transaction() as session:
            plan = session.execute(explain).scalar_one()[0]["Plan"]
            blocks.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    assert max(blocks) < 500, blocks

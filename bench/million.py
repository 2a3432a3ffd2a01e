"""A person with a million pictures over one with a thousand, over REST and in the database.

Making the rows takes twenty minutes on two cores. With MILLION_FOLDER they are made there, or found
there if they were made before. MILLION_PICTURES makes fewer.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa

from bench.library import Library, fill, servers_of, vacuum
from bench.lists import Caller
from bench.report import Result, percentile
from imgapp.adapters import db
from imgapp.models import AnalysisStatus, new_id
from imgapp.services.library import card_rows, listing
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.queue import progress
from imgapp.settings import get_settings
from tests.support.running import EMAIL, App, clean_environment, free_port, running_app

SMALL, LARGE = 1_000, int(os.environ.get("MILLION_PICTURES", "1000000"))
CALLS, WARM, SLOW_CALLS, LIMIT = 60, 10, 5, 1.5
WAITING = 100_000

_SETTINGS = {
    "IMGAPP_VISION": "basic",
    "IMGAPP_WEB_PROCESSES": "1",
    "IMGAPP_REQUESTS_PER_SECOND": "100000",
}
# The texts are not embedded: bench/meaning.py measures that, and it would take most of a day.
_EMBEDDING = "ALTER TABLE images {} TRIGGER images_meaning_added"
_CLAIM = sa.text(
    "SELECT image_id FROM imgapp_claim_image(:lease, 30, CAST(:models AS jsonb), true)"
)
_MODELS = '{"default": "m", "known": {"m": {"server": "s"}}}'
_WAIT = sa.text(
    "UPDATE images SET analysis_status = 'pending', due_at = queued_at, completed_at = NULL"
    " WHERE id IN (SELECT id FROM images WHERE analysis_status = 'completed'"
    " ORDER BY uploaded_at DESC LIMIT :count)"
)

One = TypeVar("One")
Call = Callable[[Caller], float]


def run() -> Iterator[Result]:
    with _app() as app:
        people = _people(app)
        callers = {
            count: Caller(app.url, one.token, count, one.ids) for count, one in people.items()
        }
        for name, (call, calls) in _calls().items():
            yield _compare(f"million, {name}", call, callers, calls)
        yield _compare("million, a live change", _change, callers, CALLS)
        variables = servers_of(app)
        os.environ.update(variables)
        get_settings.cache_clear()
        try:
            users = {count: one.user_id for count, one in people.items()}
            for name, (ask, calls) in _readings().items():
                yield _compare(f"million, {name}", ask, users, calls)
            yield from _queue(users)
        finally:
            db.dispose()
            for name in variables:
                del os.environ[name]


def _calls() -> dict[str, tuple[Call, int]]:
    numbers = itertools.count(1)

    # As many rows of the one as of the other, or their number is what would be compared.
    def first(query: str, limit: int = 60) -> Call:
        return lambda caller: caller.get(f"/api/images?limit={limit}{query}")[0]

    def item(rest: str) -> Call:
        def call(caller: Caller) -> float:
            return caller.get(f"/api/images/{caller.ids[next(numbers) % 1000]}{rest}")[0]

        return call

    return {
        "first page and total": (first(""), CALLS),
        "keyset page": (lambda caller: caller.walk("limit=60"), CALLS),
        "picture": (item(""), CALLS),
        "failed ones and how many": (first("&status=failed", 5), CALLS),
        "completed ones and how many": (first("&status=completed"), CALLS),
        "those that need a text": (first("&status=completed&no_alt_text=true"), CALLS),
        "a rare tag and how many": (first("&tag=regatta", 1), CALLS),
        "a common tag and how many": (first("&tag=red"), SLOW_CALLS),
        "by name, and how many": (first("&sort=name"), CALLS),
        "a rare word and how many": (first("&q=number+777", 1), CALLS),
        "a common word and how many": (first("&q=boats"), SLOW_CALLS),
        "a word of none": (first("&q=submarine"), CALLS),
        "a common word that failed": (first("&q=boats&status=failed", 5), CALLS),
        "the timeline": (lambda caller: caller.get("/api/images/timeline")[0], SLOW_CALLS),
        "the export's first bytes": (_export, CALLS),
        "progress": (lambda caller: caller.get("/api/progress")[0], CALLS),
    }


def _readings() -> dict[str, tuple[Callable[[UUID], float], int]]:
    chance = random.Random(1)
    sizes: dict[UUID, int] = {}

    def window(wanted: ImageQuery, *, deep: bool) -> Callable[[UUID], float]:
        def read(user: UUID) -> float:
            count = sizes.setdefault(user, listing.count(user, ImageQuery()))
            start = chance.randrange(count - 60) if deep else 0
            return _timed(lambda: card_rows.read_window(user, wanted, start, 60))

        return read

    def beside(user: UUID) -> float:
        count = sizes.setdefault(user, listing.count(user, ImageQuery()))
        [row] = card_rows.read_window(user, ImageQuery(), chance.randrange(count), 1)
        return _timed(lambda: listing.neighbours(user, ImageQuery(), row.id))

    words = {
        "a rare word": "777", "a common word": "boats", "a word being typed": "bo",
        "a phrase": '"green boat"', "a word of none": "submarine",
    }  # fmt: skip
    return {
        "the first window": (window(ImageQuery(), deep=False), CALLS),
        "a jump to any place": (window(ImageQuery(), deep=True), CALLS),
        "a jump, the oldest first": (window(ImageQuery(sort="oldest"), deep=True), CALLS),
        "the pictures beside one": (beside, CALLS),
        **{
            f"the first of {name}": (window(ImageQuery(q=word), deep=False), CALLS)
            for name, word in words.items()
        },
        "the first of a rare word, by relevance": (
            window(ImageQuery(q="777", sort="relevance"), deep=False), CALLS
        ),
        "the first of a common word, by relevance": (
            window(ImageQuery(q="boats", sort="relevance"), deep=False), CALLS
        ),
    }  # fmt: skip


def _queue(users: dict[int, UUID]) -> Iterator[Result]:
    """As many as may wait in a million that are imported at once; of the others, few."""
    let_wait(users)
    yield _compare(
        "million, progress while some wait",
        lambda user: _timed(lambda: progress.read_progress(user)),
        users,
        CALLS,
    )
    yield _compare("million, a claim", _claim, users, CALLS)


def let_wait(users: dict[int, UUID]) -> None:
    _pause(users, True)
    for count, user in users.items():
        wanted = min(count // 2, WAITING)
        while (waiting := listing.count(user, ImageQuery(status=AnalysisStatus.PENDING))) < wanted:
            with db.transaction(user) as session:
                session.execute(_WAIT, {"count": min(wanted - waiting, 500)})


def _pause(users: dict[int, UUID], paused: bool) -> None:
    for user in users.values():
        with db.transaction(user) as session:
            session.execute(
                sa.text(
                    "INSERT INTO preferences (user_id, paused) VALUES (:user, :paused)"
                    " ON CONFLICT (user_id) DO UPDATE SET paused = excluded.paused"
                ),
                {"user": user, "paused": paused},
            )


def _claim(user: UUID) -> float:
    """Of this person's: the others' are paused within the transaction, which is rolled back."""
    engine = sa.create_engine(get_settings().database_url.get_secret_value(), poolclass=sa.NullPool)
    with engine.connect() as connection:
        setting = sa.text("SELECT set_config('app.user_id', :user, true)")
        connection.execute(setting, {"user": str(user)})
        connection.execute(sa.text("UPDATE preferences SET paused = false"))
        begun = time.perf_counter()
        taken = connection.execute(_CLAIM, {"lease": new_id(), "models": _MODELS}).first()
        took = time.perf_counter() - begun
        connection.rollback()
    assert taken is not None
    return took


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _export(caller: Caller) -> float:
    connection = http.client.HTTPConnection(urlsplit(caller.url).netloc)
    begun = time.perf_counter()
    connection.request(
        "GET", "/api/account/export", headers={"Authorization": f"Bearer {caller.token}"}
    )
    answer = connection.getresponse()
    answer.read(5_000)
    took = time.perf_counter() - begun
    connection.close()
    return took


def _change(caller: Caller) -> float:
    """From an edit to its event at a stream of the same person."""
    stream = _streams.setdefault(caller.token, _Stream(caller))
    text = f"A boat in the harbour, {new_id()}"
    connection = http.client.HTTPConnection(urlsplit(caller.url).netloc)
    begun = time.perf_counter()
    connection.request(
        "PATCH",
        f"/api/images/{caller.ids[5]}",
        json.dumps({"description": text}),
        {"Authorization": f"Bearer {caller.token}", "Content-Type": "application/json"},
    )
    connection.getresponse().read()
    took = stream.wait_for(text) - begun
    connection.close()
    time.sleep(0.1)
    return took


class _Stream:
    """A person's event stream, and when each of its lines came."""

    def __init__(self, caller: Caller) -> None:
        self._caller, self._lines = caller, list[tuple[float, str]]()
        self._came = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()
        time.sleep(1)

    def _listen(self) -> None:
        connection = http.client.HTTPConnection(urlsplit(self._caller.url).netloc)
        headers = {"Authorization": f"Bearer {self._caller.token}"}
        connection.request("GET", "/api/events", headers=headers)
        for line in connection.getresponse():
            with self._came:
                self._lines.append((time.perf_counter(), line.decode()))
                self._came.notify_all()

    def wait_for(self, text: str) -> float:
        with self._came:
            if not self._came.wait_for(lambda: any(text in line for _, line in self._lines), 10):
                raise TimeoutError("no event came")
            found = next(at for at, line in self._lines if text in line)
            self._lines.clear()
        return found


_streams: dict[str, _Stream] = {}


def _compare(name: str, call: Callable[[One], float], people: dict[int, One], calls: int) -> Result:
    """The two in turns, so that whatever else the machine does falls on both."""
    times: dict[int, list[float]] = {count: [] for count in people}
    for turn in range(calls + min(WARM, calls // 2)):
        for count, one in people.items():
            took = call(one)
            if turn >= min(WARM, calls // 2):
                times[count].append(took)
    (p50, p95) = (
        {count: percentile(of, share) * 1000 for count, of in times.items()}
        for share in (0.5, 0.95)
    )
    return Result(
        name,
        p50[LARGE] / p50[SMALL],
        f"median {p50[LARGE]:.1f} ms with {LARGE:,} pictures and {p50[SMALL]:.1f} with {SMALL:,}, "
        f"p95 {p95[LARGE]:.1f} and {p95[SMALL]:.1f} ({p95[LARGE] / p95[SMALL]:.2f} times)",
        high=LIMIT,
    )


@contextmanager
def _app() -> Iterator[App]:
    kept = os.environ.get("MILLION_FOLDER")
    if kept is None:
        with running_app(**_SETTINGS) as app:
            yield app
        return
    folder, port = Path(kept), free_port()
    folder.mkdir(mode=0o755, exist_ok=True)
    env = {"IMGAPP_DATA_DIR": str(folder / "data"), "IMGAPP_PORT": str(port), **_SETTINGS}
    app = App(f"http://localhost:{port}", folder, clean_environment() | env)
    try:
        app.start()
        if not (folder / "people.json").exists():
            app.add_person(EMAIL, is_admin=True)
        yield app
    finally:
        app.stop()


def _people(app: App) -> dict[int, Library]:
    note = app.folder / "people.json"
    if not note.exists():
        note.write_text(json.dumps({count: _make(app, count) for count in (SMALL, LARGE)}))
    known = json.loads(note.read_text())
    return {
        int(count): Library(UUID(user), token, ids) for count, (user, token, ids) in known.items()
    }


def _make(app: App, count: int) -> tuple[str, str, list[str]]:
    """Their id, a token, and the ids of the newest thousand pictures."""
    app.add_person(f"{count}@example.org")
    token = app.add_token(f"{count}@example.org")
    with app.client(token=token) as client:
        user_id = str(client.get("/api/account").json()["id"])
    variables = servers_of(app)
    owner = sa.create_engine(variables["IMGAPP_MIGRATE_DATABASE_URL"], poolclass=sa.NullPool)
    with owner.begin() as connection:
        connection.execute(sa.text(_EMBEDDING.format("DISABLE")))
    ids = fill(variables, UUID(user_id), count, None)[:1000]
    with owner.begin() as connection:
        connection.execute(sa.text(_EMBEDDING.format("ENABLE")))
    vacuum(variables)
    return user_id, token, ids

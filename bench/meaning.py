"""Search by meaning among 100,000 pictures: its price over words, and embedding them."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from bench.ingest import upload
from bench.library import make_library, servers_of, vacuum
from bench.pictures import copies, make_camera_jpegs
from bench.report import Result, percentile
from bench.search import SEARCHES, describe
from imgapp.adapters import db
from imgapp.services.library import card_rows, meaning
from imgapp.services.library.image_query import ImageQuery, Sort
from imgapp.settings import get_settings
from tests.support.running import App, running_app

COUNT, CALLS, WARM = 100_000, 40, 5
ROUNDS, UPLOADS, BUSY = 6, 8, 3_000
LIMIT_SECONDS = 600.0

_SEARCHES = SEARCHES | {
    "in another language": ImageQuery(q="Schiff"),
    "in another language, by relevance": ImageQuery(q="bateau vert", sort=Sort.RELEVANCE),
    "of what is not there": ImageQuery(q="submarine", sort=Sort.RELEVANCE),
}
_WAITING = "SELECT count(*) FROM embedding_requests"
# As after an edit of each text; what they mean stays the same.
_ASK_AGAIN = """
UPDATE images SET description = description || '.' WHERE id IN (
    SELECT id FROM images WHERE user_id = :user_id ORDER BY uploaded_at LIMIT :count
)
"""


def run() -> Iterator[Result]:
    with (
        tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name,
        running_app(IMGAPP_VISION="basic", IMGAPP_WEB_PROCESSES="1") as app,
    ):
        begun = time.perf_counter()
        user_id = make_library(app, "many@example.org", COUNT).user_id
        variables = servers_of(app)
        engine = sa.create_engine(variables["DATABASE_URL"], poolclass=sa.NullPool)
        _wait_until_embedded(engine, user_id, 3 * LIMIT_SECONDS)
        seconds = time.perf_counter() - begun
        yield Result(
            "embedding",
            seconds / LIMIT_SECONDS,
            f"{seconds:.0f} s for the texts of {COUNT:,} pictures in the background, rows and all",
            high=1.0,
        )
        yield _uploads(app, Path(name), engine, user_id)
        describe(variables["DATABASE_URL"], user_id)
        _wait_until_embedded(engine, user_id, LIMIT_SECONDS)
        vacuum(variables)
        yield from _searches(variables, user_id)


def _as(engine: sa.Engine, user_id: UUID, sql: str, **values: object) -> int:
    with engine.begin() as connection:
        setting = sa.text("SELECT set_config('app.user_id', :user_id, true)")
        connection.execute(setting, {"user_id": str(user_id)})
        result = connection.execute(sa.text(sql), values)
        return int(result.scalar_one()) if result.returns_rows else result.rowcount


def _wait_until_embedded(engine: sa.Engine, user_id: UUID, seconds: float) -> None:
    until = time.monotonic() + seconds
    while _as(engine, user_id, _WAITING):
        if time.monotonic() > until:
            raise TimeoutError("texts are still to be embedded")
        time.sleep(0.5)


def _uploads(app: App, folder: Path, engine: sa.Engine, user_id: UUID) -> Result:
    """While texts are embedded, and while none are, in turns: drift falls on both alike."""
    originals = make_camera_jpegs(folder / "originals", 8)
    pictures = copies(originals, folder / "pictures", 2 * ROUNDS * UPLOADS + 4)
    left = iter(pictures)
    taken: dict[bool, list[float]] = {True: [], False: []}
    with app.client() as client:
        for _ in range(4):
            upload(client, next(left))
        for round_ in range(2 * ROUNDS):
            busy = round_ % 4 in (0, 3)
            _wait_until_embedded(engine, user_id, LIMIT_SECONDS)
            if busy:
                _as(engine, user_id, _ASK_AGAIN, user_id=user_id, count=BUSY)
                _wait_for(lambda: _as(engine, user_id, _WAITING) < BUSY)
            for _ in range(UPLOADS):
                begun = time.perf_counter()
                upload(client, next(left))
                taken[busy].append(time.perf_counter() - begun)
            if busy and not _as(engine, user_id, _WAITING):
                raise AssertionError("nothing was left to embed: BUSY is too small")
    busy_ms, idle_ms = (statistics.median(taken[busy]) * 1000 for busy in (True, False))
    return Result(
        "uploads while texts are embedded",
        busy_ms / idle_ms,
        f"median {busy_ms:.0f} ms, and {idle_ms:.0f} ms while none are",
        high=1.1,
        measured=busy_ms,
    )


def _wait_for(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.02)


def _searches(variables: dict[str, str], user_id: UUID) -> Iterator[Result]:
    os.environ.update(variables)
    get_settings.cache_clear()
    try:
        taken: dict[bool, list[float]] = {True: [], False: []}
        for turn in range(WARM + CALLS):
            for wanted in _SEARCHES.values():
                for by_meaning in taken:
                    seconds = _ask(user_id, wanted, by_meaning)
                    if turn >= WARM:
                        taken[by_meaning].append(seconds)
    finally:
        meaning.text_embeddings.shutdown()
        db.dispose()
        for name in variables:
            del os.environ[name]
    both, words = (percentile(taken[by_meaning], 0.95) for by_meaning in (True, False))
    yield Result(
        "search by words and meaning",
        both / words,
        f"p95 {both * 1000:.1f} ms in the database for the first of what {len(_SEARCHES)} searches"
        f" find among {COUNT:,} pictures, {words * 1000:.1f} ms by words alone",
        high=1.5,
        measured=both,
    )


def _ask(user_id: UUID, wanted: ImageQuery, by_meaning: bool) -> float:
    """In the database alone: the encoder has seen the words before."""
    asked = wanted.model_copy(update={"meaning": by_meaning})
    query = card_rows.window_query(meaning.terms_of(user_id, asked), 0, 60)
    begun = time.perf_counter()
    db.read(user_id, query)
    return time.perf_counter() - begun

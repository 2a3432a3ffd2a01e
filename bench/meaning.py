"""Search by meaning among 100,000 pictures: its price over words, and embedding them.

All but a sample have vectors of other texts like theirs, put in directly: embedding all takes ten
minutes, and how fast that is shows in the sample.
"""

from __future__ import annotations

import itertools
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
from imgapp.adapters import db, text_embeddings
from imgapp.services.library import card_rows, meaning
from imgapp.services.library.image_query import ImageQuery, Sort
from imgapp.settings import get_settings
from tests.support.running import App, running_app

COUNT, CALLS, WARM = 100_000, 40, 5
SAMPLE, DIFFERENT = 6_000, 1_000
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
_EMBEDDING = (
    "ALTER TABLE images {0} TRIGGER images_meaning_added, {0} TRIGGER images_meaning_changed"
)
_COLOURS = ("red", "green", "blue", "white", "yellow")
_FILL = f"""
INSERT INTO image_embeddings (image_id, user_id, embedding)
SELECT i.id, i.user_id, l2_normalize(v.vector + n.noise)::halfvec
FROM (SELECT id, user_id, row_number() OVER () AS at FROM images) i
JOIN unnest(CAST(:vectors AS vector[])) WITH ORDINALITY v (vector, at)
    ON v.at = 1 + i.at % {DIFFERENT}
CROSS JOIN LATERAL (
    SELECT array_agg((random() - 0.5) * 0.06)::vector AS noise
    FROM generate_series(1, 512) WHERE i.at > 0
) n
"""
_NEIGHBOURS = (
    "CREATE INDEX image_embeddings_neighbours ON image_embeddings"
    " USING hnsw (sketch bit_hamming_ops)"
)


def run() -> Iterator[Result]:
    with (
        tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name,
        running_app(IMGAPP_VISION="basic", IMGAPP_WEB_PROCESSES="1") as app,
    ):
        variables = servers_of(app)
        owner = sa.create_engine(variables["IMGAPP_MIGRATE_DATABASE_URL"], poolclass=sa.NullPool)
        _embedding(owner, "DISABLE")
        user_id = make_library(app, "many@example.org", COUNT).user_id
        describe(variables["DATABASE_URL"], user_id)
        _fill(owner, user_id)
        _embedding(owner, "ENABLE")
        engine = sa.create_engine(variables["DATABASE_URL"], poolclass=sa.NullPool)
        _ask_again(engine, user_id, SAMPLE // 10)
        _wait_until_embedded(engine, user_id, LIMIT_SECONDS)
        _ask_again(engine, user_id, SAMPLE)
        begun = time.perf_counter()
        _wait_until_embedded(engine, user_id, LIMIT_SECONDS)
        seconds = time.perf_counter() - begun
        yield Result(
            "embedding",
            seconds * COUNT / SAMPLE / LIMIT_SECONDS,
            f"{SAMPLE / seconds:.0f} pictures' texts a second in the background, so that those of "
            f"{COUNT:,} take {seconds * COUNT / SAMPLE:.0f} s",
            high=1.0,
        )
        yield _uploads(app, Path(name), engine, user_id)
        vacuum(variables)
        yield from _searches(variables, user_id)


def _embedding(owner: sa.Engine, change: str) -> None:
    with owner.begin() as connection:
        connection.execute(sa.text(_EMBEDDING.format(change)))


def _fill(owner: sa.Engine, user_id: UUID) -> None:
    """A vector for each picture: that of one of some texts, each a little different."""
    texts = [
        [
            (f"A {colour} boat in the harbour", 1.0),
            (f"boat, {colour}", 1.0),
            (f"Boat number {n} lies in the evening sun.", 0.5),
        ]
        for n, colour in zip(range(DIFFERENT), itertools.cycle(_COLOURS))
    ]
    vectors = [
        vector
        for begin in range(0, DIFFERENT, 50)
        for vector in text_embeddings.embed(texts[begin : begin + 50])
    ]
    text_embeddings.shutdown()
    with owner.begin() as connection:
        for statement, values in (
            ("SELECT set_config('app.user_id', :user_id, true)", {"user_id": str(user_id)}),
            ("SET LOCAL maintenance_work_mem = '512MB'", {}),
            ("DROP INDEX image_embeddings_neighbours", {}),
            (_FILL, {"vectors": vectors}),
            (_NEIGHBOURS, {}),
        ):
            connection.execute(sa.text(statement), values)


def _ask_again(engine: sa.Engine, user_id: UUID, count: int) -> None:
    _as(engine, user_id, _ASK_AGAIN, user_id=user_id, count=count)


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
                _ask_again(engine, user_id, BUSY)
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

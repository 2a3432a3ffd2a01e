"""First pages of searches among a person's 100,000 pictures, in milliseconds and over 1,000's."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from uuid import UUID

import sqlalchemy as sa

from bench.library import make_library, servers_of, vacuum
from bench.report import Result, percentile
from imgapp.adapters import db
from imgapp.services.library import card_rows, listing
from imgapp.services.library.image_query import ImageQuery, Sort
from imgapp.settings import get_settings
from tests.support.running import running_app

SMALL, LARGE, CALLS, WARM, LIMIT = 1_000, 100_000, 60, 5, 0.050

# Besides English: a rare and a common text without spaces, and one that stems find.
_TEXTS = """
UPDATE images SET visible_text = CASE WHEN n % 1000 = 3 THEN '富士山の写真' WHEN n % 5 = 0
    THEN '東京タワー' END
FROM (SELECT id AS of, substr(filename, 5, length(filename) - 8)::integer AS n FROM images
    WHERE user_id = :user_id) numbered
WHERE id = of AND (n % 1000 = 3 OR n % 5 = 0)
"""
SEARCHES = {
    "a rare word": ImageQuery(q="777"),
    "a rare tag": ImageQuery(q="regattas"),
    "a common word": ImageQuery(q="boats"),
    "two common words": ImageQuery(q="green boats"),
    "a word being typed": ImageQuery(q="bo"),
    "a phrase": ImageQuery(q='"green boat"'),
    "one word or another": ImageQuery(q="regatta or green"),
    "a rare CJK word": ImageQuery(q="富士山"),
    "a common CJK word": ImageQuery(q="東京"),
    "a CJK character": ImageQuery(q="東"),
    "a common word and a filter": ImageQuery(q="boats", status="failed"),
    "a rare word and a tag": ImageQuery(q="regatta", tags=("red",)),
    "rare, by relevance": ImageQuery(q="regatta", sort=Sort.RELEVANCE),
    "common, by relevance": ImageQuery(q="boats", sort=Sort.RELEVANCE),
    "being typed, by relevance": ImageQuery(q="bo", sort=Sort.RELEVANCE),
}


def run() -> Iterator[Result]:
    with running_app(IMGAPP_VISION="basic", IMGAPP_WEB_PROCESSES="1") as app:
        people = {
            count: make_library(app, f"{count}@example.org", count).user_id
            for count in (SMALL, LARGE)
        }
        variables = servers_of(app)
        for user_id in people.values():
            describe(variables["DATABASE_URL"], user_id)
        vacuum(variables)
        os.environ.update(variables)
        get_settings.cache_clear()
        try:
            for name, wanted in SEARCHES.items():
                yield _compare(name, wanted, people)
        finally:
            db.dispose()
            for name in variables:
                del os.environ[name]


def describe(url: str, user_id: UUID) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        setting = sa.text("SELECT set_config('app.user_id', :user_id, true)")
        connection.execute(setting, {"user_id": str(user_id)})
        connection.execute(sa.text(_TEXTS), {"user_id": user_id})


def _compare(name: str, wanted: ImageQuery, people: dict[int, UUID]) -> Result:
    """The two in turns, so that whatever else the machine does falls on both.

    The page shows the first pictures before it counts the others, and so the two are told apart.
    """
    shown: dict[int, list[float]] = {count: [] for count in people}
    counted: list[float] = []
    total = 0
    for turn in range(WARM + CALLS):
        for count, user_id in people.items():
            begun = time.perf_counter()
            card_rows.read_window(user_id, wanted, 0, 60)
            if turn >= WARM:
                shown[count].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        total = listing.count(people[LARGE], wanted)
        counted.append(time.perf_counter() - begun)
    p95 = {count: percentile(of, 0.95) for count, of in shown.items()}
    median = percentile(shown[LARGE], 0.5)
    return Result(
        f"search, {name}",
        p95[LARGE] / LIMIT,
        f"p95 {p95[LARGE] * 1000:.1f} ms (median {median * 1000:.1f}) to the first of {total:,} "
        f"among {LARGE:,} pictures, {p95[LARGE] / p95[SMALL]:.1f} times that among {SMALL:,}; "
        f"counting them takes {percentile(counted, 0.5) * 1000:.0f} ms",
        high=1.0,
    )

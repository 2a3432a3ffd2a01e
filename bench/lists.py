"""Lists and status calls of a person with 100,000 pictures over those of one with 1,000."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import sqlalchemy as sa

from bench.report import Result, percentile
from imgapp.adapters.embedded.servers import EmbeddedServers
from imgapp.cli.environment import variables_of
from imgapp.settings import Settings
from tests.running import App, running_app

SMALL, LARGE, CALLS, LIMIT = 1_000, 100_000, 150, 3.0
AT_ONCE = 8

_IMAGES = """
INSERT INTO images (
    id, user_id, filename, s3_key, s3_bucket, mime_type, file_size, sha256, width, height, facts,
    uploaded_at, updated_at, analysis_status, priority, queued_at, due_at, completed_at, attempts,
    lost_attempts, alt_text, description, tags, error_code, error_message
)
SELECT id, :user_id, 'IMG_' || n || '.jpg', 'users/' || :user_id || '/images/' || id || '/IMG.jpg',
    'local', 'image/jpeg', 2000000, encode(sha256(id::text::bytea), 'hex'), 4000, 3000,
    '{"camera": "FUJIFILM X100V"}', at, at,
    CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'completed' END, 0, at, at, at, 1, 0,
    'A ' || colour || ' boat in the harbour', 'Boat number ' || n || ' lies in the evening sun.',
    ARRAY['boat', colour] || CASE WHEN n % 1000 = 7 THEN ARRAY['regatta'] ELSE '{}' END,
    CASE WHEN n % 100 = 0 THEN 'model_refused' END, CASE WHEN n % 100 = 0 THEN 'Refused' END
FROM (
    SELECT gen_random_uuid() AS id, n, now() - n * interval '1 minute' AS at,
        (ARRAY['red', 'green', 'blue', 'white', 'yellow'])[1 + n % 5] AS colour
    FROM generate_series(1, :count) n
) one
"""
_ANALYSES = """
INSERT INTO image_analyses (
    id, image_id, user_id, alt_text, description, tags, processing_time, created_at, completed_at,
    model_version
)
SELECT gen_random_uuid(), id, user_id, alt_text, description, tags, 2.3, uploaded_at, uploaded_at,
    'bench-1'
FROM images WHERE user_id = :user_id AND analysis_status = 'completed'
"""
_NEWEST = """
UPDATE images i SET analysis_id = a.id
FROM image_analyses a WHERE a.image_id = i.id AND i.user_id = :user_id
"""


@dataclass
class Caller:
    """Somebody with so many pictures, and a connection."""

    url: str
    token: str
    count: int
    ids: list[str] = field(default_factory=list)
    local: threading.local = field(default_factory=threading.local)
    """Each thread's own connection and place in each list."""

    def get(self, path: str, **headers: str) -> tuple[float, int, Any, str]:
        """Seconds, status, document and entity tag."""
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(urlsplit(self.url).netloc)
            self.local.connection = connection
        begun = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"} | headers)
        answer = connection.getresponse()
        body = answer.read()
        took = time.perf_counter() - begun
        if answer.status not in (200, 304):
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        document = json.loads(body) if body else None
        return took, answer.status, document, answer.headers["ETag"]

    @property
    def places(self) -> dict[str, str]:
        """What this thread remembers of each list."""
        if not hasattr(self.local, "places"):
            self.local.places = {}
        return cast(dict[str, str], self.local.places)

    def walk(self, query: str) -> float:
        """The next page of a list, or the first one after the last; unless it is the only one,
        that is not counted."""
        cursor = self.places.pop(query, None)
        if cursor is None:
            took, _, page, _ = self.get(f"/api/images?{query}")
            cursor = page["next_cursor"]
        if cursor is not None:
            took, _, page, _ = self.get(f"/api/images?{query}&cursor={cursor}")
            if page["next_cursor"] is not None:
                self.places[query] = page["next_cursor"]
        return took


Call = Callable[[Caller], float]


def run() -> Iterator[Result]:
    with running_app(
        IMGAPP_VISION="basic", IMGAPP_WEB_PROCESSES="1", IMGAPP_REQUESTS_PER_SECOND="100000"
    ) as app:
        variables = _servers_of(app)
        small = _caller(app, variables, "small@example.org", SMALL)
        large = _caller(app, variables, "large@example.org", LARGE)
        _vacuum(variables)
        for name, call in _calls().items():
            yield _compare(name, call, small, large)
        for name in ("keyset page", "status of a picture"):
            yield _throughput(name, _calls()[name], small, large)


def _calls() -> dict[str, Call]:
    numbers = itertools.count(1)

    def first(query: str) -> Call:
        return lambda caller: caller.get(f"/api/images?{query}")[0]

    def walk(query: str) -> Call:
        return lambda caller: caller.walk(query)

    def item(rest: str) -> Call:
        def call(caller: Caller) -> float:
            image_id = caller.ids[next(numbers) * 7919 % len(caller.ids)]
            return caller.get(f"/api/images/{image_id}{rest}")[0]

        return call

    return {
        "keyset page": walk("limit=60"),
        "first page with its total": first("limit=60"),
        "page unchanged (304)": _unchanged,
        "status of a picture": item("/status"),
        "picture": item(""),
        "failed ones, first page": first("limit=60&status=failed"),
        "failed ones, keyset page": walk("limit=5&status=failed"),
        "completed ones, keyset page": walk("limit=60&status=completed"),
        "rare tag, keyset page": walk("limit=1&tag=regatta"),
        "common tag, keyset page": walk("limit=60&tag=red"),
        "common words, keyset page": walk("limit=60&q=green+boat"),
        "rare words, first page": first("limit=60&q=number+777"),
    }


def _unchanged(caller: Caller) -> float:
    tag = caller.places.get("tag") or caller.get("/api/images?limit=60")[3]
    took, status, _, caller.places["tag"] = caller.get(
        "/api/images?limit=60", **{"If-None-Match": tag}
    )
    return took if status == 304 else _unchanged(caller)


def _compare(name: str, call: Call, small: Caller, large: Caller) -> Result:
    """The two in turns, so that whatever else the machine does falls on both."""
    pairs = [(call(small), call(large)) for _ in range(CALLS + 20)][20:]
    of_small, of_large = ([pair[side] for pair in pairs] for side in (0, 1))
    p95 = [percentile(times, 0.95) for times in (of_small, of_large)]
    medians = [percentile(times, 0.5) * 1000 for times in (of_small, of_large)]
    return Result(
        f"lists, {name}",
        p95[1] / p95[0],
        f"p95 {p95[1] * 1000:.1f} ms with {LARGE:,} pictures, {p95[0] * 1000:.1f} ms with "
        f"{SMALL:,}; medians {medians[1]:.1f} and {medians[0]:.1f} ms",
        high=LIMIT,
    )


def _throughput(name: str, call: Call, small: Caller, large: Caller) -> Result:
    seconds = {small.count: 0.0, large.count: 0.0}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for turn, caller in enumerate([small, large, large, small, small, large]):
            begun = time.perf_counter()
            list(pool.map(call, [caller] * CALLS))
            seconds[caller.count] += time.perf_counter() - begun if turn > 1 else 0.0
    rates = {count: 2 * CALLS / took for count, took in seconds.items()}
    return Result(
        f"lists, {name}, {AT_ONCE} at once",
        rates[SMALL] / rates[LARGE],
        f"{rates[LARGE]:.0f} calls a second with {LARGE:,} pictures, "
        f"{rates[SMALL]:.0f} with {SMALL:,}",
        high=LIMIT,
    )


def _caller(app: App, variables: dict[str, Any], email: str, count: int) -> Caller:
    app.cli("user", "add", email, "--password-stdin", stdin="correct horse battery\n")
    caller = Caller(app.url, app.cli("token", "create", email, "--name", "bench"), count)
    engine = sa.create_engine(variables["DATABASE_URL"], poolclass=sa.NullPool)
    with app.client(token=caller.token) as client, engine.begin() as connection:
        user_id = client.get("/api/account").json()["id"]
        given = {"user_id": user_id, "count": count}
        connection.execute(sa.text("SELECT set_config('app.user_id', :user_id, true)"), given)
        for statement in (_IMAGES, _ANALYSES, _NEWEST):
            text = sa.text(statement.replace(":user_id", f"CAST('{user_id}' AS uuid)"))
            connection.execute(text, given if ":count" in statement else {})
        found = connection.execute(sa.text("SELECT id::text FROM images LIMIT 5000"))
        caller.ids = list(found.scalars())
    return caller


def _servers_of(app: App) -> dict[str, Any]:
    settings = Settings(data_dir=Path(app.env["IMGAPP_DATA_DIR"]))
    return variables_of(EmbeddedServers(settings).fill_in())


def _vacuum(variables: dict[str, Any]) -> None:
    """As the server does by itself within minutes."""
    engine = sa.create_engine(
        variables["IMGAPP_MIGRATE_DATABASE_URL"], isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        for table in ("images", "image_analyses", "storage_usage"):
            connection.execute(sa.text(f"VACUUM ANALYZE {table}"))
    engine.dispose()

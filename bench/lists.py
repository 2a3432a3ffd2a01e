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
from typing import Any, cast
from urllib.parse import urlsplit

from bench.library import make_library
from bench.report import Result, percentile
from tests.support.running import App, running_app

SMALL, LARGE, CALLS, LIMIT = 1_000, 100_000, 150, 3.0
AT_ONCE = 8


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
        small = _caller(app, "small@example.org", SMALL)
        large = _caller(app, "large@example.org", LARGE)
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
        measured=p95[1],
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
        measured=1 / rates[LARGE],
    )


def _caller(app: App, email: str, count: int) -> Caller:
    library = make_library(app, email, count)
    return Caller(app.url, library.token, count, library.ids[:5000])

"""Two thousand open tabs of four hundred people, and a hundred changes a second."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, Message, Ping, Request, TextMessage

from bench.library import fill, servers_of, vacuum
from bench.report import Result, percentile
from imgapp.adapters import db, events
from imgapp.models import new_id
from imgapp.services.accounts import sessions
from imgapp.settings import get_settings
from tests.support.running import running_app
from tests.support.sockets import ROOT, built_hashes

PEOPLE, TABS, PICTURES = 400, 5, 20
PER_SECOND, SECONDS = 100, 30
CONNECT_SECONDS, CHANGE_MS = 15, 50
_AT_ONCE = 100
_CHANGE = re.compile(r"change-(\d+)-")
_READY = re.compile(r'"edition":\s*"[0-9a-f]+"')
"""The first window came."""


@dataclass
class Tab:
    """One websocket, as a page has it."""

    person: int
    cookie: str
    heard: dict[int, float] = field(default_factory=dict)
    """When each change arrived."""
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, url: str) -> None:
        parts = urlsplit(url)
        self.reader, self.writer = await asyncio.open_connection(parts.hostname, parts.port)
        self.protocol = WSConnection(ConnectionType.CLIENT)
        headers = [(b"Cookie", self.cookie.encode()), (b"Origin", url.encode())]
        target = f"/_event/?EIO=4&transport=websocket&token={secrets.token_hex(8)}"
        self._send(Request(host=parts.netloc, target=target, extra_headers=headers))
        self.listening = asyncio.create_task(self._listen())
        await asyncio.wait_for(self.ready.wait(), 60)

    def close(self) -> None:
        self.listening.cancel()
        self.writer.close()

    def _send(self, event: Request | Message | Ping) -> None:
        self.writer.write(self.protocol.send(event))

    async def _listen(self) -> None:
        text = ""
        while data := await self.reader.read(65_536):
            self.protocol.receive_data(data)
            for event in self.protocol.events():
                if isinstance(event, AcceptConnection):
                    self._send(TextMessage("40/_event," + json.dumps({"event": _boot()})))
                elif isinstance(event, Ping):
                    self._send(event.response())
                elif isinstance(event, TextMessage | BytesMessage):
                    text += event.data if isinstance(event.data, str) else event.data.decode()
                    if event.message_finished:
                        self._take(text)
                        text = ""

    def _take(self, text: str) -> None:
        if text == "2":
            self._send(TextMessage("3"))
        elif not self.ready.is_set() and _READY.search(text):
            self.ready.set()
        now = time.time()
        for number in _CHANGE.findall(text):
            self.heard.setdefault(int(number), now)


@cache
def _boot() -> dict[str, object]:
    """The first event of a page: what it was built with, it need not be sent."""
    router = {"pathname": "/", "asPath": "/"}
    payload = {"hashes": built_hashes()}
    return {"name": f"{ROOT}.hydrate_and_load", "payload": payload, "router_data": router}


def run() -> Iterator[Result]:
    with running_app(IMGAPP_VISION="basic", IMGAPP_WEB_PROCESSES="2") as app:
        variables = servers_of(app)
        os.environ.update(variables)
        get_settings.cache_clear()
        try:
            people = _make_people()
            yield from asyncio.run(_measure(app.url, people))
        finally:
            db.dispose()
            for name in variables:
                del os.environ[name]
            get_settings.cache_clear()


@dataclass
class _Person:
    user_id: UUID
    cookie: str
    pictures: list[UUID]


def _make_people() -> list[_Person]:
    made = []
    for number in range(PEOPLE):
        call = sa.func.imgapp_create_user(new_id(), f"p{number}@example.org", "!", False, False)
        with db.transaction() as session:
            user_id = session.execute(sa.select(call)).scalar_one()
        pictures = fill(dict(os.environ), user_id, PICTURES, None)
        signed_in = sessions.start_session(user_id, user_agent="bench", address="127.0.0.1")
        cookie = f"{get_settings().session_cookie}={signed_in.cookie}"
        made.append(_Person(user_id, cookie, list(map(UUID, pictures))))
    vacuum(dict(os.environ))
    return made


async def _measure(url: str, people: list[_Person]) -> list[Result]:
    tabs = [Tab(n, one.cookie) for n, one in enumerate(people) for _ in range(TABS)]
    random.Random(1).shuffle(tabs)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def opened(tab: Tab) -> None:
        async with gate:
            await tab.open(url)

    begun = time.perf_counter()
    await asyncio.gather(*map(opened, tabs))
    connected = time.perf_counter() - begun
    await asyncio.sleep(2)
    commits = await _change(people)
    await asyncio.sleep(3)
    for tab in tabs:
        tab.close()
    return _results(tabs, commits, connected)


@dataclass(frozen=True)
class _Commit:
    person: int
    picture: UUID
    at: float


async def _change(people: list[_Person]) -> dict[int, _Commit]:
    """Commit changes at their rate; what they were."""
    commits: dict[int, _Commit] = {}
    chosen, loop, begun = random.Random(2), asyncio.get_running_loop(), time.perf_counter()
    running = []
    for number in range(PER_SECOND * SECONDS):
        at = chosen.randrange(len(people))
        picture = chosen.choice(people[at].pictures)
        change = loop.run_in_executor(None, _commit, people[at].user_id, picture, number)
        running.append(change)
        change.add_done_callback(
            lambda done, number=number, at=at, picture=picture: commits.__setitem__(
                number, _Commit(at, picture, done.result())
            )
        )
        wait = begun + (number + 1) / PER_SECOND - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
    await asyncio.gather(*running)
    return commits


_UPDATE = sa.text("UPDATE images SET description = :text WHERE id = :id")


def _commit(user_id: UUID, picture: UUID, number: int) -> float:
    with db.transaction(user_id) as session:
        session.execute(_UPDATE, {"text": f"change-{number}-", "id": picture})
    at = time.time()
    events.publish(user_id, "image_described", picture)
    return at


def _results(tabs: list[Tab], commits: dict[int, _Commit], connected: float) -> list[Result]:
    of_person: dict[int, list[Tab]] = defaultdict(list)
    for tab in tabs:
        of_person[tab.person].append(tab)
    waits: list[float] = []
    missing = 0
    for number, commit in commits.items():
        # Of two changes of a picture in one push, the page needs the later one only.
        later = [n for n, c in commits.items() if n >= number and c.picture == commit.picture]
        for tab in of_person[commit.person]:
            if heard := [tab.heard[n] for n in later if n in tab.heard]:
                waits.append(max(0.0, min(heard) - commit.at) * 1000)
            else:
                missing += 1
    foreign = sum(commits[number].person != tab.person for tab in tabs for number in tab.heard)
    p95 = percentile(waits, 0.95)
    return [
        Result(
            "tabs, connecting",
            connected / CONNECT_SECONDS,
            f"{len(tabs):,} tabs of {len(of_person)} people open and filled in {connected:.1f} s "
            f"(limit {CONNECT_SECONDS} s)",
            high=1.0,
        ),
        Result(
            "tabs, change to frame",
            p95 / CHANGE_MS if not missing else float("inf"),
            f"median {percentile(waits, 0.5):.0f} ms, p95 {p95:.0f} ms over {len(commits):,} "
            f"changes at {PER_SECOND} a second; {missing} frames missing (limit {CHANGE_MS} ms)",
            high=1.0,
        ),
        Result("tabs, of others", float(foreign), f"{foreign} changes reached others", high=0.0),
    ]

"""`GET /api/events`: each person hears of their own pictures, at once, and misses nothing."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from imgapp.api import create_api
from imgapp.api.routes import events as events_api
from imgapp.errors import DatabaseUnavailable
from imgapp.models import ImageEdit, ImagePublic, Scope
from imgapp.services.accounts import sessions, tokens
from imgapp.services.events import change_feed
from imgapp.services.events import streams as events_service
from imgapp.services.events.change_feed import ChangeReader
from imgapp.services.library import images
from imgapp.settings import get_settings
from tests.conftest import Person, shared_api
from tests.support.event_streams import Received, WebServer, impatient_api, parse, web_server
from tests.support.rows import add_analysis, add_image
from tests.support.waiting import row_of


def token_of(person: Person, *scopes: Scope) -> str:
    return tokens.create_token(person.user_id, "test", scopes or [Scope.READ]).token


@pytest.fixture
def server(database: None) -> Iterator[WebServer]:
    with web_server() as running:
        yield running


def add(person: Person) -> UUID:
    """A picture that was just written about, which is announced."""
    image_id = add_image(person.user_id).id
    images.edit_image(person.user_id, image_id, ImageEdit(alt_text="A dog"))
    return image_id


def first(heard: Iterator[Received], kind: str) -> Received:
    """The next of this kind: a picture may be told of once more than it was announced."""
    return next(one for one in heard if one.kind == kind)


def test_changes_arrive_with_the_picture_and_deletions_with_its_id(
    server: WebServer, alice: Person
) -> None:
    with server.listen(token_of(alice)) as heard:
        assert next(heard).id
        began = time.monotonic()
        image_id = add(alice)
        came = first(heard, "image_queued")
        seconds = time.monotonic() - began
        add_analysis(row_of(alice.user_id, image_id), model_version="gpt-test")
        images.edit_image(alice.user_id, image_id, ImageEdit(alt_text="A cat"))
        # Told once or twice, as both are seen at once or one after the other.
        told = [first(heard, "image_described")]
        while told[-1].data["alt_text"] != "A cat":
            told.append(next(heard))
        described = told[-1]
        images.delete_image(alice.user_id, image_id)
        went = first(heard, "image_deleted")

    assert (came.data["id"], came.data["alt_text"]) == (str(image_id), "A dog")
    assert seconds < 5, "not by looking again"
    shown = ImagePublic.model_validate(described.data)
    assert (shown.status, shown.alt_text) == ("completed", "A cat")
    assert shown.analysis is not None
    assert shown.analysis.model_version == "gpt-test"
    assert went.data == {"id": str(image_id)}
    assert len({one.id for one in (came, described, went)}) == 3


def test_mallory_hears_nothing_of_alice(server: WebServer, alice: Person, mallory: Person) -> None:
    with server.listen(token_of(mallory)) as hers, server.listen(token_of(alice)) as heard:
        last = next(hers).id
        next(heard)
        theirs = {str(add(alice)) for _ in range(10)}
        while theirs:
            theirs.discard(next(heard).data["id"])
        own = str(add(mallory))
        assert next(hers).data["id"] == own
    with server.listen(token_of(mallory), last) as hers:
        next(hers)
        assert next(hers).data["id"] == own


def test_nobody_goes_on_from_somebody_elses_event(
    server: WebServer, alice: Person, mallory: Person
) -> None:
    with server.listen(token_of(alice)) as heard:
        last = next(heard).id
    refused = httpx.get(
        f"{server.url}/api/events",
        headers={"Authorization": f"Bearer {token_of(mallory)}", "Last-Event-ID": last},
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_event_id")


def listen_in_turns(
    server: WebServer, token: str, first_id: str, enough: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Reconnect every few events, each time from the last one; what was heard of each picture."""
    last, heard = first_id, {}
    deadline = time.monotonic() + 60
    while not enough(heard):
        assert time.monotonic() < deadline, "something was missed"
        with server.listen(token, last) as stream:
            for number, event in enumerate(stream):
                last = event.id
                if event.data is not None:
                    heard[event.data["id"]] = event.data
                if number == 7 or enough(heard):
                    break
    return heard


@pytest.mark.long
def test_who_reconnects_again_and_again_misses_none_of_a_hundred_changes(
    alice: Person,
) -> None:
    """On two web processes, so that mostly another one answers."""
    token = token_of(alice)
    ids = [add_image(alice.user_id).id for _ in range(100)]

    def write(some: list[UUID]) -> None:
        for image_id in some:
            images.edit_image(alice.user_id, image_id, ImageEdit(alt_text=f"text of {image_id}"))

    with web_server(workers=2) as server:
        with server.listen(token) as stream:
            first = next(stream).id
        writers = [threading.Thread(target=write, args=(ids[n::4],)) for n in range(4)]
        for writer in writers:
            writer.start()
        heard = listen_in_turns(
            server,
            token,
            first,
            lambda heard: all(heard.get(str(i), {}).get("alt_text") == f"text of {i}" for i in ids),
        )
        for writer in writers:
            writer.join()
    assert set(heard) == {str(image_id) for image_id in ids}


@pytest.mark.long
def test_every_web_process_tells_its_listeners(alice: Person) -> None:
    with web_server(workers=2) as server, ExitStack() as stack:
        token = token_of(alice)
        streams = [stack.enter_context(server.listen(token)) for _ in range(8)]
        for stream in streams:
            next(stream)
        image_id = str(add(alice))
        began = time.monotonic()
        assert [next(stream).data["id"] for stream in streams] == [image_id] * 8
        assert time.monotonic() - began < 20


@pytest.mark.long
def test_open_streams_do_not_keep_a_web_process_from_ending(
    server: WebServer, alice: Person
) -> None:
    with server.listen(token_of(alice)) as one, server.listen(token_of(alice)) as other:
        next(one), next(other)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        # They end as streams end, not as connections that break.
        assert [*one, *other] == []
        server.process.wait(60)
        assert time.monotonic() - began < 20


@pytest.mark.long
def test_a_listener_that_takes_nothing_is_dropped_and_the_others_are_not(alice: Person) -> None:
    """It fills what the sockets hold; then it is given up, and finds the end when it looks."""
    token, image_id = token_of(alice), add_image(alice.user_id).id
    with web_server(impatient_api) as server, server.listen(token) as quick:
        next(quick)
        slow = ask_and_take_nothing(server, token)
        sent = number = 0
        while sent < 8_000_000:
            number += 1
            edit = ImageEdit(alt_text=str(number), visible_text="word " * 9_000)
            images.edit_image(alice.user_id, image_id, edit)
            while (text := next(quick).data["alt_text"]) != str(number):
                assert int(text) < number
            sent += 45_000
        time.sleep(1.5)
        assert taken_to_the_end(slow) < sent
        images.edit_image(alice.user_id, image_id, ImageEdit(alt_text="last"))
        assert next(quick).data["alt_text"] == "last"


def ask_and_take_nothing(server: WebServer, token: str) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", int(server.url.rpartition(":")[2])))
    request = f"GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    connection.sendall(request.encode())
    return connection


def taken_to_the_end(connection: socket.socket) -> int:
    """How many bytes come before the end."""
    connection.settimeout(10)
    taken = 0
    with connection:
        while data := connection.recv(65536):
            taken += len(data)
    return taken


# In this process, with the clock's hands moved.


class Client:
    """An ASGI server's side of one request, which nobody answers for."""

    def __init__(self) -> None:
        self.status = 0
        self.body: asyncio.Queue[str | None] = asyncio.Queue()
        self.left = asyncio.Event()
        self.takes = asyncio.Event()
        self.takes.set()

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        await self.takes.wait()
        if message["body"]:
            self.body.put_nowait(message["body"].decode())
        if not message.get("more_body"):
            self.body.put_nowait(None)

    async def next(self) -> Received | None:
        async with asyncio.timeout(10):
            text = await self.body.get()
        return None if text is None else next(parse(iter(text.split("\n"))))


@asynccontextmanager
async def listening(token: str, app: Any = None, last_id: str = "") -> AsyncIterator[Client]:
    client = Client()
    headers = [(b"authorization", f"Bearer {token}".encode())]
    if last_id:
        headers.append((b"last-event-id", last_id.encode()))
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "path": "/api/events", "raw_path": b"/api/events", "query_string": b"", "root_path": "",
        "scheme": "http", "headers": headers, "client": ("127.0.0.1", 1), "server": ("x", 80),
    }  # fmt: skip
    task = asyncio.create_task((app or shared_api())(scope, client.receive, client.send))
    client.task = task
    try:
        yield client
    finally:
        client.left.set()
        async with asyncio.timeout(10):
            await task


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(events_api, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(events_api, "CHECK_SECONDS", 0.2)
    monkeypatch.setattr(events_api, "SEND_SECONDS", 0.3)
    return monkeypatch


async def test_a_quiet_stream_has_a_heartbeat(alice: Person, quick: pytest.MonkeyPatch) -> None:
    async with listening(token_of(alice)) as client:
        assert (await client.next()).id
        assert (await client.next()).kind == ": still here"
        assert (await client.next()).kind == ": still here"


def test_the_times_are_those_that_are_promised() -> None:
    assert events_api.HEARTBEAT_SECONDS == 15
    assert events_api.CHECK_SECONDS + events_api.HEARTBEAT_SECONDS <= 60


@pytest.mark.parametrize("how", ["token", "session", "account"])
async def test_a_stream_ends_with_what_it_was_opened_with(
    alice: Person, quick: pytest.MonkeyPatch, administrator: Any, how: str
) -> None:
    end = {
        "token": "DELETE FROM tokens",
        "session": "DELETE FROM sessions",
        "account": "UPDATE users SET disabled_at = now()",
    }[how]
    app = create_api()
    if how == "session":
        app = with_cookie(alice, app)
    async with listening(token_of(alice), app) as client:
        await client.next()
        await asyncio.sleep(0.5)
        assert not client.task.done()
        with administrator.begin() as connection:
            connection.execute(sa.text(end))
        while await client.next() is not None:
            pass
        await client.task


def with_cookie(person: Person, app: Any) -> Any:
    cookie = sessions.start_session(person.user_id, user_agent="", address="").cookie

    async def asked_with_it(scope: Any, receive: Any, send: Any) -> None:
        header = (b"cookie", f"{get_settings().session_cookie}={cookie}".encode())
        await app(scope | {"headers": [header]}, receive, send)

    return asked_with_it


async def test_a_client_that_takes_nothing_is_given_up(
    alice: Person, quick: pytest.MonkeyPatch
) -> None:
    async with listening(token_of(alice)) as client:
        await client.next()
        client.takes.clear()
        async with asyncio.timeout(5):
            await client.task
        assert client.body.qsize() <= 1


async def test_nothing_stays_behind_when_clients_leave(alice: Person) -> None:
    for _ in range(3):
        async with listening(token_of(alice)) as one, listening(token_of(alice)) as other:
            await one.next()
            await other.next()
            assert len(events_service._hubs) == 1
        assert events_service._hubs == {}


async def test_so_many_streams_of_one_person_and_no_more(
    alice: Person, mallory: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_service, "STREAMS_PER_PERSON", 2)
    token = token_of(alice)
    async with listening(token) as one, listening(token) as two:
        await one.next()
        await two.next()
        async with listening(token) as third, listening(token_of(mallory)) as hers:
            refusal = (await third.body.get()) or ""
            assert third.status == 429
            assert '"rate_limited"' in refusal
            assert (await hers.next()).id
            two.left.set()
            await two.task
            async with listening(token) as fourth:
                assert (await fourth.next()).id


async def test_what_redis_loses_is_found_a_moment_later(
    alice: Person, quick: pytest.MonkeyPatch
) -> None:
    async with listening(token_of(alice)) as client:
        await client.next()
        image_id = await asyncio.to_thread(lambda: add_image(alice.user_id).id)  # no event
        while not (found := await client.next()).data:
            assert found.kind == ": still here"
        assert found.data["id"] == str(image_id)


async def test_a_database_that_is_away_ends_no_stream(
    alice: Person, quick: pytest.MonkeyPatch
) -> None:
    quick.setattr(events_api, "_PAUSE_SECONDS", 0.01)
    read, away = ChangeReader.read, [True]

    def sometimes(self: ChangeReader) -> Any:
        if away:
            raise DatabaseUnavailable
        return read(self)

    quick.setattr(ChangeReader, "read", sometimes)
    async with listening(token_of(alice)) as client:
        await client.next()
        image_id = await asyncio.to_thread(add, alice)
        assert (await client.next()).kind == ": still here"
        away.clear()
        while not (found := await client.next()).data:
            pass
        assert found.data["id"] == str(image_id)


async def test_who_was_away_too_long_is_told_to_start_over(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = change_feed.open_reader(alice.user_id).id
    monkeypatch.setattr(change_feed, "KEPT", -change_feed.KEPT)
    async with listening(token_of(alice), last_id=last) as client:
        first = await client.next()
    assert (first.kind, first.data) == ("reset", {})
    assert first.id


def test_a_token_needs_the_scope_to_read(
    client_for: Callable[..., TestClient], alice: Person
) -> None:
    headers = {"authorization": f"Bearer {token_of(alice, Scope.WRITE)}"}
    refused = client_for(None).get("/api/events", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")


@pytest.mark.parametrize(("last_id", "status"), [("x" * 201, 422), ("wrong", 400)])
def test_an_id_that_is_none_is_refused(
    client_for: Callable[..., TestClient], alice: Person, last_id: str, status: int
) -> None:
    refused = client_for(alice).get("/api/events", headers={"last-event-id": last_id})
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"

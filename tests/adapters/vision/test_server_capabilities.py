"""What a server takes is learned from its answers, and answers end in time, whatever it sends."""

from __future__ import annotations

import io
import json
import logging
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from PIL import Image

from imgapp.adapters.imaging import model_copy
from imgapp.adapters.vision import Picture, Server, connections, default_ask, server_hints
from imgapp.adapters.vision.openai import OpenAIDescriber
from imgapp.adapters.vision.reachability import listed_models
from imgapp.adapters.vision.server_capabilities import Dialect, Dialects
from imgapp.errors import DescriberError, PermanentDescriberError, TransientDescriberError
from tests.conftest import Servers
from tests.support.openai_server import ANSWER, OpenAIServer, Reply, completion
from tests.support.receivers import speaking

ASK = default_ask()
TOO_LONG = Reply(400, error={"message": "This model's maximum context length is 512 tokens"})


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid.uuid4().hex[:8]}") as running:
        yield running


@pytest.fixture
def describer(server: OpenAIServer) -> OpenAIDescriber:
    return OpenAIDescriber(Server(server.url, None), server.model)


@pytest.fixture
def picture(picture_file: Callable[..., Path]) -> Picture:
    preview = io.BytesIO()
    with Image.open(picture_file(size=(1440, 960))) as image:
        image.save(preview, "WEBP")
    return Picture(model_copy(preview.getvalue()), 3000, 2000)


def answer_of(server: OpenAIServer, **members: object) -> Reply:
    """A good answer with other members beside the message."""
    call = server.calls[-1]
    return Reply(body=json.dumps(completion(call, Reply()) | members))


def test_a_small_context_lowers_tokens_then_the_picture_and_says_so(
    server: OpenAIServer,
    describer: OpenAIDescriber,
    picture: Picture,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.script(*[TOO_LONG] * 4)
    assert describer.describe(picture, ASK).alt_text == ANSWER["alt_text"]

    asked = [(call.body["max_completion_tokens"], call.size[0]) for call in server.calls]
    assert asked == [(4000, 1024), (1333, 1024), (500, 1024), (500, 768), (500, 512)]
    assert {call.form for call in server.calls} == {"json_schema"}
    assert describer.dialect.short
    lines = [vars(line) for line in caplog.records if line.message == "vision_context_small"]
    assert [(line["tokens"], line["side"]) for line in lines] == [
        (1333, 1024),
        (500, 1024),
        (500, 768),
        (500, 512),
    ]
    server.calls.clear()
    describer.describe(picture, ASK)
    assert len(server.calls) == 1, "it is remembered"


def test_a_context_too_small_for_anything_is_called_so(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    server.script(*[TOO_LONG] * 6)
    with pytest.raises(PermanentDescriberError) as caught:
        describer.describe(picture, ASK)
    assert caught.value.code == "context_too_small"
    assert "8,192 tokens" in caught.value.detail
    assert len(server.calls) == 6
    assert server.calls[-1].size[0] == 384


@pytest.mark.parametrize("change", [{"model": "another"}, {"system_fingerprint": "b9999-0123456"}])
def test_another_model_or_build_is_asked_as_well_as_can_be(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture, change: dict[str, str]
) -> None:
    server.rejects = {"json_schema"}
    describer.describe(picture, ASK)
    assert server.calls[-1].form == "json_object"
    server.rejects.clear()
    server.script(answer_of(server, **change))
    describer.describe(picture, ASK)
    describer.describe(picture, ASK)
    assert [call.form for call in server.calls[2:]] == ["json_object", "json_schema"]


def test_builds_that_take_turns_do_not_make_it_ask_twice_each_time(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    server.rejects = {"json_schema"}
    describer.describe(picture, ASK)
    server.calls = server.calls[-1:]
    for turn in range(8):
        server.script(answer_of(server, system_fingerprint=f"fp_{turn % 2}"))
        describer.describe(picture, ASK)
    assert [call.form for call in server.calls].count("json_schema") <= 1


@pytest.mark.parametrize("failure", [Reply(drop=True), Reply(503), Reply(502, body="<html>")])
def test_a_server_that_was_away_is_asked_anew(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture, failure: Reply
) -> None:
    server.rejects = {"json_schema"}
    describer.describe(picture, ASK)
    assert describer.dialect.lowered
    server.rejects.clear()
    server.script(failure)
    with pytest.raises(TransientDescriberError):
        describer.describe(picture, ASK)
    assert describer.dialect == Dialect()


def test_a_restart_that_one_process_saw_all_know_of(
    server: OpenAIServer, picture: Picture, servers: Servers, set_env: Callable[..., None]
) -> None:
    set_env(REDIS_URL=servers.redis_url)
    first, second = (OpenAIDescriber(Server(server.url, None), server.model) for _ in range(2))
    first.dialects, second.dialects = Dialects(), Dialects()
    server.rejects = {"json_schema"}
    first.describe(picture, ASK)
    server.rejects.clear()
    server.script(Reply(503))
    with pytest.raises(TransientDescriberError):
        first.describe(picture, ASK)
    second.describe(picture, ASK)
    assert server.calls[-1].form == "json_schema"


def test_what_was_found_is_not_believed_for_long(server: OpenAIServer) -> None:
    assert server_hints.KEPT_SECONDS <= 3600


def test_two_calls_that_are_refused_at_once_step_down_once(server: OpenAIServer) -> None:
    describer = OpenAIDescriber(Server(server.url, None), server.model)
    used = describer.dialect
    once = replace(used, form=1)
    describer.dialects._change(server.url, server.model, used, once)
    describer.dialects._change(server.url, server.model, used, once)
    assert describer.dialect.form == 1


HEAD = b"HTTP/1.1 %s\r\nContent-Type: text/html\r\n\r\n"


def endless(status: bytes) -> Callable[[socket.socket], None]:
    """A page that has no end, as fast as it is read."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HEAD % status)
        while True:
            connection.sendall(b"<p>" * 20_000)

    return talk


def trickling(before: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    """A byte now and then, for hours."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(before)
        for _ in count():
            connection.sendall(piece)
            time.sleep(0.05)

    return talk


def stalling(connection: socket.socket) -> None:
    """The beginning of an answer, and then nothing."""
    connection.recv(65536)
    time.sleep(0.6)
    connection.sendall(HEAD % b"200 OK" + b"{")
    time.sleep(30)


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        (endless(b"200 OK"), "unusable_answer"),
        (endless(b"500 No"), "model_unavailable"),
        (endless(b"401 No"), "key_refused"),
        (trickling(HEAD % b"200 OK", b"<p>"), "model_timeout"),
        (trickling(HEAD % b"500 No", b"<p>"), "model_timeout"),
        (trickling(b"HTTP/1.1 200 OK\r\nX: ", b"y"), "model_timeout"),
        (stalling, "model_timeout"),
    ],
)
def test_an_answer_without_an_end_ends_within_the_limit(
    picture: Picture, talk: Callable[[socket.socket], None], code: str
) -> None:
    limit = 1.0
    with speaking(talk) as url:
        describer = OpenAIDescriber(Server(f"{url}/v1", None, limit), "any")
        began = time.monotonic()
        with pytest.raises(DescriberError) as caught:
            describer.describe(picture, ASK)
    assert caught.value.code == code
    # Twice the limit would be one between bytes.
    assert time.monotonic() - began < 10


def test_an_answer_that_breaks_off_is_of_a_server_that_is_away(picture: Picture) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{")

    with speaking(talk) as url:
        describer = OpenAIDescriber(Server(f"{url}/v1", None, 5.0), "any")
        with pytest.raises(TransientDescriberError) as caught:
            describer.describe(picture, ASK)
    assert caught.value.code == "model_unreachable"


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        (endless(b"200 OK"), "unusable_answer"),
        (endless(b"503 No"), "model_unavailable"),
        (trickling(HEAD % b"200 OK", b"<p>"), "unusable_answer"),
    ],
)
def test_a_list_of_models_ends_as_well(talk: Callable[[socket.socket], None], code: str) -> None:
    with speaking(talk) as url, pytest.raises(TransientDescriberError) as caught:
        listed_models(Server(f"{url}/v1", None), seconds=1.0)
    assert caught.value.code == code


def test_the_transport_is_the_one_that_connects(server: OpenAIServer, picture: Picture) -> None:
    describer = OpenAIDescriber(Server(server.url, None), server.model)
    transport = describer._client._client._transport
    assert isinstance(transport, connections.ServerTransport)
    describer.describe(picture, ASK)
    assert len(transport._pool.connections) == 1


def test_the_log_line_carries_status_code_and_text(
    server: OpenAIServer,
    describer: OpenAIDescriber,
    picture: Picture,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    server.default = Reply(404, error={"message": "no such model", "code": "model_not_found"})
    with pytest.raises(PermanentDescriberError):
        describer.describe(picture, ASK)
    assert "vision_call_failed model_not_found: HTTP 404" in caplog.text
    assert "no such model" in caplog.text

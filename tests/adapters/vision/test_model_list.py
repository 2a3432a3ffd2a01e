"""Lists of models, and what Ollama, LM Studio and llama.cpp say beside them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from imgapp.adapters.vision import Server, model_list, servers
from imgapp.adapters.vision.model_list import ListedModel, list_models, look_around, pull
from imgapp.adapters.vision.servers import ServerKind, at_host
from imgapp.errors import TransientDescriberError
from tests.support.receivers import speaking

LIST = {"object": "list", "data": [{"id": "text"}, {"id": "eyes"}]}


@contextmanager
def answering(answers: dict[str, Callable[[dict[str, Any]], Any]]) -> Iterator[str]:
    """The base URL of a server that answers these paths, with what is made of the request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = answers.get(self.path)
            said = answer(json.loads(body or b"{}")) if answer else None
            lines = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(404 if answer is None else 200)
            self.end_headers()
            self.wfile.write(lines)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def shown(asked: dict[str, Any]) -> dict[str, Any]:
    """As Ollama's `/api/show`."""
    sees = ["completion", "vision"] if asked["model"] == "eyes" else ["completion"]
    return {"capabilities": sees}


OLLAMA = {"/v1/models": lambda _: LIST, "/api/show": shown}
LM_STUDIO = {
    "/v1/models": lambda _: LIST,
    "/api/v0/models": lambda _: {
        "data": [{"id": "eyes", "type": "vlm"}, {"id": "text", "type": "llm"}]
    },
}


@pytest.mark.parametrize("kind", ["ollama", "other"])
@pytest.mark.parametrize("answers", [OLLAMA, LM_STUDIO])
def test_those_that_see_come_first(answers: Any, kind: str) -> None:
    if kind == "ollama" and answers is LM_STUDIO:
        kind = "lmstudio"
    with answering(answers) as url:
        found = list_models(Server(url, None), kind)
    assert found == [ListedModel("eyes", True), ListedModel("text", False)]


@pytest.mark.parametrize(("said", "sees"), [(True, True), (False, False), ("perhaps", None)])
def test_llama_cpp_says_it_of_its_one_model(said: Any, sees: bool | None) -> None:
    answers = {
        "/v1/models": lambda _: {"data": [{"id": "gemma"}]},
        "/props": lambda _: {"modalities": {"vision": said}},
    }
    with answering(answers) as url:
        assert list_models(Server(url, None), "llamacpp") == [ListedModel("gemma", sees)]


def test_where_nobody_says_it_is_unknown() -> None:
    with answering({"/v1/models": lambda _: LIST}) as url:
        found = list_models(Server(url, None), "vllm")
    assert found == [ListedModel("text"), ListedModel("eyes")]


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"data": 1}', b'{"data": [1]}', b"[" * 50_000, b'{"data": [{}]}']
)
def test_what_is_no_list_is_said(body: bytes) -> None:
    with (
        answering({"/v1/models": lambda _: body}) as url,
        pytest.raises(TransientDescriberError, match="not as a vision model server does"),
    ):
        list_models(Server(url, None), "other")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"[" * 50_000, b'{"capabilities": 7}'])
def test_nonsense_beside_the_list_leaves_it_unknown(body: bytes) -> None:
    answers: dict[str, Any] = {"/v1/models": lambda _: LIST, "/api/show": lambda _: body}
    with answering(answers) as url:
        assert list_models(Server(url, None), "ollama") == [
            ListedModel("text"),
            ListedModel("eyes"),
        ]


def test_it_looks_for_the_usual_servers_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(OLLAMA) as there, answering({"/v1/models": lambda _: b"<html>"}) as page:
        kinds = (
            ServerKind("openai", "OpenAI", there, needs_key=True),
            ServerKind("ollama", "Ollama", there),
            ServerKind("llamacpp", "llama.cpp", page),
            ServerKind("lmstudio", "LM Studio", "http://127.0.0.1:1/v1"),
            ServerKind("other", "Another"),
        )
        monkeypatch.setattr(model_list, "KINDS", kinds)
        [found] = look_around(skip_port=3000)
        assert (found.kind, found.base_url, found.models) == ("ollama", there, ("text", "eyes"))
        port = int(there.rpartition(":")[2].partition("/")[0])
        assert list(look_around(skip_port=port)) == []


def test_none_of_the_usual_addresses_is_of_another_machine() -> None:
    for kind in servers.KINDS:
        if kind.base_url and not kind.needs_key:
            assert Server(kind.base_url, None).in_the_house


@pytest.mark.parametrize(
    ("url", "house"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.0.0.1/v1", True),
        ("http://192.168.1.7/v1", True),
        ("http://[fd00::1]/v1", True),
        ("http://nas.local/v1", True),
        ("http://ollama:11434/v1", True),
        ("https://api.openai.com/v1", False),
        ("http://8.8.8.8/v1", False),
        ("http://local.example.org/v1", False),
    ],
)
def test_what_stands_in_the_house(url: str, house: bool) -> None:
    assert Server(url, None).in_the_house is house
    assert Server(url, None).seconds == (60 if "openai" in url else 300)


def test_a_path_beside_the_chat_api() -> None:
    assert at_host(Server("http://host:1/v1", None), "/api/show") == "http://host:1/api/show"
    assert at_host(Server("http://host/a/v1/", None), "/props") == "http://host/a/props"


def lines(*steps: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(step).encode() + b"\n" for step in steps)


def pulled(body: bytes) -> list[tuple[str, float | None]]:
    with answering({"/api/pull": lambda _: body}) as url:
        return list(pull(Server(url, None), "eyes"))


def test_a_pull_says_how_far_it_is() -> None:
    steps = lines(
        {"status": "pulling manifest"},
        {"status": "pulling 1a2b", "total": 200, "completed": 50},
        {"status": "pulling 1a2b", "total": 200, "completed": 900},
        {"status": "success"},
    )
    assert pulled(steps) == [
        ("pulling manifest", None),
        ("pulling 1a2b", 0.25),
        ("pulling 1a2b", 1.0),
        ("success", None),
    ]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (lines({"error": "pull model manifest: file does not exist"}), "file does not exist"),
        (lines({"status": "a"}, {"error": "no space left on device"}), "no space left"),
        (lines({"status": "pulling manifest"}), "ended before"),
        (b"", "ended before"),
        (b"<html>\n<body>\n", "no Ollama"),
        (b"x" * 300_000, "no Ollama"),
    ],
)
def test_a_pull_that_fails_says_why(body: bytes, why: str) -> None:
    with pytest.raises(TransientDescriberError, match=why) as caught:
        pulled(body)
    assert caught.value.code == "pull_failed"


def test_what_pulls_nothing_says_so() -> None:
    with answering({}) as url, pytest.raises(TransientDescriberError, match="HTTP 404"):
        list(pull(Server(url, None), "eyes"))
    with pytest.raises(TransientDescriberError, match="ended before"):
        list(pull(Server("http://127.0.0.1:1/v1", None), "eyes"))


def test_a_line_without_an_end_ends() -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 10_000)

    with speaking(talk) as url, pytest.raises(TransientDescriberError, match="no Ollama"):
        list(pull(Server(f"{url}/v1", None), "eyes"))

"""A real HTTP server on loopback that speaks the OpenAI chat API, and keeps what it was sent.

In a test:   with OpenAIServer() as server: server.script(Reply(status=429), Reply()); server.calls
On its own:  python tests/support/openai_server.py [--port 0] [--delay 1.0]
             prints its base URL, then POST /control {"delay": 2, "script": [{"status": 500}]} and
             GET /control steer it.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import socket
import threading
import time
from dataclasses import dataclass, field, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

ANSWER = {
    "alt_text": "A red bicycle leans on a white wall",
    "description": "A red bicycle leans on a white wall. The sun throws its shadow on the ground.",
    "tags": ["bicycle", "wall", "shadow"],
    "visible_text": None,
    "decorative": False,
    "language": "en",
}
MODEL = "gpt-5.4-mini"


@dataclass
class Reply:
    """What to answer; the default is a good answer at once."""

    status: int = 200
    delay: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    answer: dict[str, Any] | None = None
    """Members that differ from the good answer."""
    content: str | None = None
    """The message's text, instead of the answer as JSON."""
    body: str | None = None
    """The whole response body."""
    error: dict[str, Any] = field(default_factory=dict)
    tokens: tuple[int, int] | None = (900, 80)
    """In and out; None is a server that does not report them."""
    echo: bool = False
    """Describe the picture with everything that was said to the model."""
    finish_reason: str = "stop"
    refusal: str | None = None
    drop: bool = False
    """Close the connection without an answer."""


@dataclass
class Call:
    """One request and what was found in it."""

    started: float
    headers: dict[str, str]
    body: dict[str, Any]
    image_format: str | None
    sizes: list[tuple[int, int]]
    problems: list[str]

    @property
    def size(self) -> tuple[int, int]:
        """Of the picture, or of its first part."""
        return self.sizes[0] if self.sizes else (0, 0)

    @property
    def said(self) -> str:
        """All text that was sent."""
        messages = self.body["messages"]
        plain = [m["content"] for m in messages if isinstance(m["content"], str)]
        parts = [part.get("text", "") for m in messages for part in _parts(m["content"])]
        return "\n".join([*plain, *parts])

    @property
    def form(self) -> str | None:
        """The type of response format asked for."""
        return (self.body.get("response_format") or {}).get("type")


class OpenAIServer:
    """Answers from the script first, then with `default`. Every call is kept in `calls`."""

    def __init__(
        self, *, port: int = 0, delay: float = 0.0, model: str = MODEL, slots: int = 1000
    ) -> None:
        self.model = model
        self._slots = threading.Semaphore(slots)
        """So many calls are answered at once, as by llama.cpp: the others wait."""
        self.default = Reply(delay=delay)
        self.rejects: set[str] = set()
        """Response formats and parameters that are answered with 400."""
        self.calls: list[Call] = []
        self.open = threading.Event()
        """Cleared, no call is answered until it is set again, or all is `reset`."""
        self.open.set()
        self._stopped = threading.Event()
        self.in_flight = 0
        self.most_in_flight = 0
        self._script: list[Reply] = []
        self._lock = threading.Condition()
        server = self
        self._http = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"app": server}))
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    @property
    def alt_text(self) -> str:
        """What the good answer says."""
        return str(ANSWER["alt_text"])

    @property
    def description(self) -> str:
        return str(ANSWER["description"])

    @property
    def delay(self) -> float:
        """Seconds before each answer that no script says otherwise of."""
        return self.default.delay

    @delay.setter
    def delay(self, seconds: float) -> None:
        self.default.delay = seconds

    def fail_with(self, status: int, **headers: str) -> None:
        """Answer everything with an error until `reset`."""
        self.default = Reply(status=status, headers=headers)

    def assert_requests_were_clean(self) -> None:
        """Fail if a call held anything that it should not, or if there was none."""
        assert self.calls
        assert self.problems == []

    @property
    def problems(self) -> list[str]:
        """Everything that should not have been sent, over all calls."""
        return [problem for call in self.calls for problem in call.problems]

    def script(self, *replies: Reply) -> None:
        """Answer the next calls with these, in this order."""
        with self._lock:
            self._script.extend(replies)

    def reset(self) -> None:
        """Forget script, calls and rejections; answer well again."""
        with self._lock:
            self._script.clear()
            self.open.set()
            self.calls.clear()
            self.rejects.clear()
            self.default = Reply()

    def wait_for_calls(self, count: int, timeout: float = 60) -> None:
        """Block until so many calls have arrived (they may still be unanswered)."""
        with self._lock:
            arrived = self._lock.wait_for(lambda: len(self.calls) >= count, timeout)
        assert arrived, f"{len(self.calls)} calls of {count} after {timeout} s"

    def start(self) -> OpenAIServer:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Calls that are not answered yet are answered at once."""
        self._stopped.set()
        self.open.set()
        self._http.shutdown()
        self._http.server_close()

    __enter__ = start

    def __exit__(self, *_: object) -> None:
        self.stop()

    def take(self, call: Call) -> Reply:
        """Keep the call and choose the reply."""
        with self._lock:
            self.calls.append(call)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self._lock.notify_all()
            rejected = self._rejected(call)
            if rejected:
                return rejected
            return self._script.pop(0) if self._script else self.default

    def think(self, seconds: float) -> None:
        """Answer no sooner than that, unless the server stops."""
        with self._slots:
            self._stopped.wait(seconds)
            self.open.wait(60)

    def leave(self) -> None:
        """A call is about to be answered: once it is, the next one may come."""
        with self._lock:
            self.in_flight -= 1

    def _rejected(self, call: Call) -> Reply | None:
        if "system" in self.rejects and call.body["messages"][0]["role"] == "system":
            return Reply(400, error={"message": "System role not supported"})
        for name in ("max_tokens", "max_completion_tokens"):
            if name in self.rejects and name in call.body:
                return Reply(400, error={"message": f"Unsupported parameter: '{name}'"})
        if "several" in self.rejects and len(call.sizes) > 1:
            said = "At most 1 image(s) may be provided in one prompt."
            return Reply(status=400, error={"message": said})
        if call.form in self.rejects:
            return Reply(400, error={"message": f"response_format type {call.form} is unsupported"})
        return None

    def control(self, change: dict[str, Any]) -> dict[str, Any]:
        """Steer the server from another process, and say how it stands."""
        with self._lock:
            if change.get("reset"):
                self._script.clear()
                self.calls.clear()
                self.rejects.clear()
                self.default = Reply()
            if "rejects" in change:
                self.rejects = set(change["rejects"])
            known = {f.name for f in fields(Reply)}
            for name in known & change.keys():
                setattr(self.default, name, change[name])
            self._script.extend(Reply(**reply) for reply in change.get("script", []))
            return {
                "calls": len(self.calls),
                "in_flight": self.in_flight,
                "most_in_flight": self.most_in_flight,
                "scripted": len(self._script),
                "problems": self.problems,
            }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    app: OpenAIServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        if self.path == "/control":
            self._send(200, json.dumps(self.app.control({})))
        elif self.path == "/v1/models":
            data = [{"id": self.app.model, "object": "model", "created": 0, "owned_by": "tests"}]
            self._send(200, json.dumps({"object": "list", "data": data}))
        else:
            self._send(404, json.dumps({"error": {"message": "Not found"}}))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/control":
            self._send(200, json.dumps(self.app.control(json.loads(raw))))
            return
        if self.path != "/v1/chat/completions":
            self._send(404, json.dumps({"error": {"message": "Not found"}}))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = inspect(headers, json.loads(raw), self.app.model)
        reply = self.app.take(call)
        self.app.think(reply.delay)
        self.app.leave()
        self._answer(call, reply)

    def _answer(self, call: Call, reply: Reply) -> None:
        if reply.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif reply.body is not None:
            self._send(reply.status, reply.body, reply.headers)
        elif reply.status != 200:
            error = {"message": "Told to fail", "type": "error", "code": None, **reply.error}
            self._send(reply.status, json.dumps({"error": error}), reply.headers)
        else:
            self._send(200, json.dumps(completion(call, reply)), reply.headers)

    def _send(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        data = body.encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def completion(call: Call, reply: Reply) -> dict[str, Any]:
    """The body of a successful answer."""
    content = reply.content
    if content is None:
        told = {"description": call.said} if reply.echo else {}
        content = json.dumps({**ANSWER, **told, **(reply.answer or {})})
    message = {"role": "assistant", "content": content, "refusal": reply.refusal}
    answered: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": f"{call.body.get('model')}-test",
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish_reason}],
    }
    if reply.tokens is not None:
        sent, written = reply.tokens
        answered["usage"] = {
            "prompt_tokens": sent,
            "completion_tokens": written,
            "total_tokens": sent + written,
        }
    return answered


def inspect(headers: dict[str, str], body: dict[str, Any], model: str) -> Call:
    """Read a request as the real API would, and note what should not be in it."""
    problems: list[str] = []
    if body.get("model") != model:
        problems.append(f"model is {body.get('model')!r}")
    form = body.get("response_format")
    if form and form["type"] == "json_schema":
        problems += _schema_problems(form["json_schema"])
    image_format, sizes = None, []
    try:
        for data in _pictures_of(body):
            image = Image.open(io.BytesIO(data))
            image.load()
            image_format = image.format
            sizes.append(image.size)
            problems += _picture_problems(image)
    except (KeyError, IndexError, TypeError, ValueError, OSError) as error:
        problems.append(f"no picture: {error!r}")
    return Call(time.monotonic(), headers, body, image_format, sizes, problems)


def _pictures_of(body: dict[str, Any]) -> list[bytes]:
    parts = [part for message in body["messages"] for part in _parts(message["content"])]
    urls = [
        part["image_url"]["url"].partition(",") for part in parts if part["type"] == "image_url"
    ]
    heads = {head for head, _, _ in urls}
    if heads != {"data:image/jpeg;base64"}:
        raise ValueError(f"{len(urls)} pictures, {heads}")
    return [base64.b64decode(data, validate=True) for _, _, data in urls]


def _parts(content: Any) -> list[dict[str, Any]]:
    return content if isinstance(content, list) else []


def _picture_problems(image: Image.Image) -> list[str]:
    problems = [f"{name} was sent" for name in ("exif", "icc_profile", "xmp") if name in image.info]
    problems += [f"{name} was sent" for name in ("photoshop", "comment") if name in image.info]
    if image.format != "JPEG":
        problems.append(f"format is {image.format}")
    if max(image.size) > 1024:
        problems.append(f"size is {image.size}")
    if len(image.getexif()):
        problems.append("EXIF tags were sent")
    return problems


def _schema_problems(wrapper: dict[str, Any]) -> list[str]:
    schema = wrapper.get("schema", {})
    checks = {
        "schema is not strict": wrapper.get("strict") is True,
        "schema has no name": bool(wrapper.get("name")),
        "schema allows other members": schema.get("additionalProperties") is False,
        "schema leaves members out": set(schema.get("required", ())) == set(schema["properties"]),
    }
    return [problem for problem, fine in checks.items() if not fine]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--model", default=MODEL)
    options = parser.parse_args()
    with OpenAIServer(port=options.port, delay=options.delay, model=options.model) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()

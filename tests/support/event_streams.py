"""Server-sent events as a program reads them, and a web server of the API alone that sends them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from imgapp.api import create_api
from imgapp.api.routes import events
from imgapp.settings import get_settings
from tests.support.running import REPO, clean_environment, free_port


@dataclass
class Received:
    """One event. `data` is None for comments, whose text is `kind`, and for an id alone."""

    kind: str = ""
    id: str = ""
    data: dict[str, Any] | None = None


def parse(lines: Iterator[str]) -> Iterator[Received]:
    """As a browser does (WHATWG HTML, 9.2.6), but comments and ids alone are told as well."""
    now = Received()
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            yield now
            now = Received(id=now.id)
        elif name == "":
            now.kind = f": {value}"
        elif name == "event":
            now.kind = value
        elif name == "id":
            now.id = value
        elif name == "data":
            now.data = json.loads(value)


@dataclass
class WebServer:
    """Granian with the API, on the servers of the test run."""

    url: str
    process: subprocess.Popen[bytes] = field(repr=False)

    @contextmanager
    def listen(self, token: str, last_id: str | None = None) -> Iterator[Iterator[Received]]:
        headers = {"Authorization": f"Bearer {token}"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        with (
            httpx.Client(timeout=20) as client,
            client.stream("GET", f"{self.url}/api/events", headers=headers) as response,
        ):
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            yield parse(response.iter_lines())


def usual_api() -> FastAPI:
    """As it is."""
    return create_api()


def impatient_api() -> FastAPI:
    """Slow listeners are given up after a second."""
    events.SEND_SECONDS = 1.0
    return create_api()


@contextmanager
def web_server(api: Callable[[], FastAPI] = usual_api, *, workers: int = 1) -> Iterator[WebServer]:
    """Ended with SIGTERM, if the test did not."""
    settings = get_settings()
    port = free_port()
    ours = {name: value for name, value in os.environ.items() if name.startswith("IMGAPP_")}
    assert settings.database_url is not None
    assert settings.redis_url is not None
    env = clean_environment() | ours | {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "IMGAPP_PORT": str(port),
        "PYTHONPATH": str(REPO),
    }  # fmt: skip
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory"]
    command += ["--port", str(port), "--workers", str(workers), "--workers-kill-timeout", "8"]
    command += [f"event_streams:{api.__name__}"]
    folder = Path(__file__).parent
    process = subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.DEVNULL)
    server = WebServer(f"http://127.0.0.1:{port}", process)
    try:
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{server.url}/api/health", timeout=5).status_code == 200:
                    break
            time.sleep(0.1)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(20)

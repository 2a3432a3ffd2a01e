"""What looking the session up costs, for each REST call and each websocket event."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.ingest import upload_all
from bench.pictures import copies, make_camera_jpegs
from bench.report import Result, percentile
from imgapp.adapters.embedded.servers import EmbeddedServers
from imgapp.adapters.frontend import serving_environment
from imgapp.cli.environment import variables_of
from imgapp.settings import Settings
from tests.support.running import REPO, App, free_port, running_app, wait_for_all_described
from tests.support.sockets import ROOT, Tab, open_tab

PICTURES, CALLS, LIMIT = 60, 400, 1.15

Call = Callable[[], float]
"""One call; the seconds it took."""


def run() -> Iterator[Result]:
    with (
        tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name,
        running_app(IMGAPP_VISION="basic", IMGAPP_WEB_PROCESSES="1") as app,
    ):
        folder = Path(name)
        originals = make_camera_jpegs(folder / "originals", 4)
        upload_all(app, copies(originals, folder / "pictures", PICTURES), at_once=4)
        wait_for_all_described(app)
        cookies = app.session_cookie()
        with app.client() as client:
            image_id = client.get("/api/images", params={"limit": 1}).json()["items"][0]["id"]
        with (
            _web_process(app, "imgapp.imgapp:app") as checked,
            _web_process(app, "bench.unchecked:app") as unchecked,
            open_tab(checked, cookies=cookies, token="bench-1") as tab,
            open_tab(unchecked, cookies=cookies, token="bench-2") as free_tab,
        ):
            for one in (tab, free_tab):
                one.boot()
                one.listen(2)
            for path in (f"/api/images/{image_id}", "/api/images?limit=60"):
                get = partial(_timed_get, path=path, cookies=cookies)
                what = f"GET {path.replace(image_id, 'ID')}"
                yield _compare(what, partial(get, checked), partial(get, unchecked))
            gallery = f"{ROOT}.imgapp___ui___gallery____gallery_state.load"
            smallest = f"{ROOT}.imgapp___ui___notices____notice_state.say_that_it_failed"
            for what, event in (("smallest event", smallest), ("reading the gallery", gallery)):
                send = partial(_timed_event, name=event)
                yield _compare(what, partial(send, tab), partial(send, free_tab))


def _compare(what: str, checked: Call, unchecked: Call) -> Result:
    """The two in turns, so that whatever else the machine does falls on both."""
    pairs = []
    for number in range(CALLS + 20):
        if number % 2:
            pairs.append((checked(), unchecked()))
        else:
            pairs.append((unchecked(), checked())[::-1])
    pairs = pairs[20:]
    with_check, without = (percentile([pair[side] for pair in pairs], 0.5) for side in (0, 1))
    return Result(
        f"session check, {what}",
        with_check / without,
        f"median {with_check * 1000:.2f} ms with it, {without * 1000:.2f} ms without, "
        f"over {CALLS} calls each",
        high=LIMIT,
        measured=with_check,
    )


_connections: dict[str, http.client.HTTPConnection] = {}


def _timed_get(url: str, *, path: str, cookies: dict[str, str]) -> float:
    connection = _connections.setdefault(url, http.client.HTTPConnection(urlsplit(url).netloc))
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    begun = time.perf_counter()
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    body = answer.read()
    took = time.perf_counter() - begun
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {body[:200]!r}")
    return took


def _timed_event(tab: Tab, *, name: str) -> float:
    begun = time.perf_counter()
    tab.send(name)
    said = tab.listen(5, until="42/_event,")
    took = time.perf_counter() - begun
    if "delta" not in said:
        raise RuntimeError(f"no answer to {name}: {said[:200]}")
    return took


@contextmanager
def _web_process(app: App, target: str) -> Iterator[str]:
    """A web process of its own beside those of `app`, on the same servers; its address."""
    port = free_port()
    settings = Settings(data_dir=Path(app.env["IMGAPP_DATA_DIR"]), port=port)
    variables: dict[str, Any] = variables_of(EmbeddedServers(settings).fill_in())
    env = serving_environment(app.env | variables | {"IMGAPP_PORT": str(port)})
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory"]
    command += [
        "--port",
        str(port),
        "--log-level",
        "warning",
        "--workers-kill-timeout",
        "3",
        target,
    ]
    with app.log.open("ab") as log:
        process = subprocess.Popen(command, env=env, cwd=REPO, stdout=log, stderr=log)
    url = f"http://localhost:{port}"
    try:
        _wait_until_healthy(url, process)
        yield url
    finally:
        if url in _connections:
            _connections.pop(url).close()
        process.terminate()
        process.wait(15)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if json.loads(httpx.get(f"{url}/api/health", timeout=2).text)["status"] == "ok":
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError("a web process did not start")

"""The websocket of a page, as a program speaks it: a little of Engine.IO 4 and Socket.IO 5."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

from simple_websocket import Client, ConnectionClosed

from tests.support.running import REPO

ROOT = "reflex___state____state"


def built_hashes() -> list[str]:
    """What a page that was built here says that it holds."""
    built = (REPO / ".web" / "utils" / "context.jsx").read_text()
    hashes = re.search(r"initialStateHashes = (\[.*?\])", built)
    assert hashes is not None
    return list(json.loads(hashes[1]))


class Tab:
    """One open tab: what it receives is kept in `received`."""

    def __init__(self, connection: Client) -> None:
        self.connection = connection
        self.received: list[dict[str, Any]] = []
        self.closed = False

    def boot(self, hashes: Any = None, **router_data: Any) -> None:
        """Connect as a page does, with the event that hydrates it.

        `hashes` say what the page was built with.
        """
        payload = {} if hashes is None else {"hashes": hashes}
        event = _event(f"{ROOT}.hydrate_and_load", payload, {"pathname": "/"} | router_data)
        self.connection.send("40/_event," + json.dumps({"event": event}))

    def send(self, name: str, payload: dict[str, Any] | None = None, **router_data: Any) -> None:
        """Call an event handler by its full name."""
        event = _event(name, payload or {}, {"pathname": "/"} | router_data)
        self.connection.send("42/_event," + json.dumps(["event", event]))

    def listen(self, seconds: float, until: str | None = None) -> str:
        """Receive for so long (or until a text appears); all that came in now, as text."""
        deadline, said = time.monotonic() + seconds, ""
        while not self.closed and (left := deadline - time.monotonic()) > 0:
            try:
                frame = self.connection.receive(timeout=left)
            except ConnectionClosed:
                self.closed = True
                break
            if frame is None:
                break
            text = frame if isinstance(frame, str) else frame.decode()
            if text == "2":
                self.connection.send("3")
                continue
            if text.startswith("41/_event"):
                self.closed = True
            if text.startswith("42/_event,"):
                self.received.append(json.loads(text.removeprefix("42/_event,"))[1])
            said += text
            if until is not None and until in said:
                break
        return said

    def wait_for(self, text: str) -> str:
        """Receive until a text appears that has to, however late; all that came in."""
        return self.listen(60, until=text)


@contextmanager
def open_tab(
    url: str,
    *,
    cookies: dict[str, str] | None = None,
    origin: str | None = "",
    token: str = "test-tab",
    headers: dict[str, str] | None = None,
) -> Iterator[Tab]:
    """A websocket to the page at `url`, from its own origin unless another (or None) is given."""
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    query = urlencode({"EIO": 4, "transport": "websocket", "token": token})
    sent = dict(headers or {})
    if cookies:
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    if origin is not None:
        sent["Origin"] = origin or url
    connection = Client(f"{scheme}://{parts.netloc}/_event/?{query}", headers=sent)
    try:
        yield Tab(connection)
    finally:
        connection.close()


def handshake(url: str, *, cookies: dict[str, str], origin: str) -> int:
    """The status with which a websocket is answered: 101 if it is taken."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request(
            "GET",
            "/_event/?EIO=4&transport=websocket&token=test-tab",
            headers={
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                "Origin": origin,
                "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            },
        )
        return connection.getresponse().status
    finally:
        connection.close()


def _event(name: str, payload: dict[str, Any], router_data: dict[str, Any]) -> dict[str, Any]:
    router_data.setdefault("asPath", router_data["pathname"])
    return {"name": name, "payload": payload, "router_data": router_data}

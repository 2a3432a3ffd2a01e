"""A server of pictures on loopback, as awkward as servers on the web are."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


@dataclass
class Page:
    """What is answered; `hold` is waited for before that."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


class WebServer:
    """`server.pages["/a.jpg"] = Page(data)`; a callable gets the number of the request."""

    def __init__(self) -> None:
        self.pages: dict[str, Page | Callable[[int], Page]] = {}
        self.asked: Counter[str] = Counter()
        self.now = self.most = 0
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._http.block_on_close = False

    def __enter__(self) -> WebServer:
        threading.Thread(target=self._http.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for page in self.pages.values():
            if isinstance(page, Page) and page.hold is not None:
                page.hold.set()
        self._http.shutdown()
        self._http.server_close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._http.server_port}{path}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with server._lock:
                    server.asked[self.path] += 1
                    number = server.asked[self.path]
                    server.now += 1
                    server.most = max(server.most, server.now)
                try:
                    self._answer(number)
                except OSError:
                    pass
                finally:
                    with server._lock:
                        server.now -= 1

            def _answer(self, number: int) -> None:
                page = server.pages.get(self.path, Page(status=404))
                page = page if isinstance(page, Page) else page(number)
                if page.hold is not None:
                    page.hold.wait(30)
                self.send_response(page.status)
                for name, value in {"Content-Length": str(len(page.body)), **page.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page.body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

"""A connection that can be slow, and can be cut: bytes between a client and a server."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType

_PIECE = 64 * 1024


class CutProxy:
    """Listens at `url`; `to` is the port behind it. `cut()` ends all connections and takes no
    others until `mend()`; with `cut_after`, by itself when so many more bytes have gone up."""

    def __init__(self) -> None:
        self.to = 0
        self.sent_up = 0
        self.cut_after: int | None = None
        self.bytes_per_second: float | None = None
        self._is_cut = False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._server.getsockname()[1]}"

    def __enter__(self) -> CutProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()
        # Closing alone does not wake who accepts.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    @property
    def is_cut(self) -> bool:
        return self._is_cut

    def cut(self) -> None:
        """As if the cable were pulled."""
        with self._lock:
            self._is_cut = True
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Let everything through again."""
        with self._lock:
            self.cut_after = self.bytes_per_second = None
            self._is_cut = False

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            if self._is_cut:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.to), timeout=10)
            except OSError:
                return
            server.settimeout(None)
            with server:
                with self._lock:
                    self._open |= {client, server}
                back = threading.Thread(target=self._carry, args=[server, client], daemon=True)
                back.start()
                self._carry(client, server, up=True)
                back.join()
                with self._lock:
                    self._open -= {client, server}

    def _carry(self, source: socket.socket, target: socket.socket, *, up: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                target.sendall(data)
                if up:
                    self._count(len(data))
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _count(self, size: int) -> None:
        self.sent_up += size
        if self.bytes_per_second:
            time.sleep(size / self.bytes_per_second)
        if self.cut_after is not None:
            self.cut_after -= size
            if self.cut_after <= 0 and not self._is_cut:
                self.cut()

"""Whoever asks a store or a server while a transaction is open is named at the end of the test.

Such a transaction holds a connection, its locks and the horizon of the change feed for as long as
somebody else's answer takes. PostgreSQL's own driver does not use Python's sockets: whatever does,
on a thread that has a transaction open, is a breach.
"""

from __future__ import annotations

import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from imgapp.adapters.storage.disk import DiskStore

_here = threading.local()
_SENDING = ("connect", "send", "sendall")
_STORING = ("put", "put_all", "read", "open", "exists", "delete_prefix", "check")


@contextmanager
def watched() -> Iterator[list[str]]:
    """Where it happened, once for each time."""
    breaches: list[str] = []
    event.listen(Session, "after_begin", _begin)
    event.listen(Session, "after_transaction_end", _end)
    with pytest.MonkeyPatch.context() as patch:
        for owner, names in ((socket.socket, _SENDING), (DiskStore, _STORING)):
            for name in names:
                patch.setattr(owner, name, _guarded(getattr(owner, name), breaches))
        yield breaches
    event.remove(Session, "after_begin", _begin)
    event.remove(Session, "after_transaction_end", _end)


def hold_for_others(session: Session) -> None:
    """A test keeps this transaction open itself, to see what others do meanwhile on its thread."""
    _open().discard(id(session))


def _open() -> set[int]:
    if not hasattr(_here, "sessions"):
        _here.sessions = set()
    sessions: set[int] = _here.sessions
    return sessions


def _begin(session: Session, *_: Any) -> None:
    _open().add(id(session))


def _end(session: Session, transaction: Any) -> None:
    if transaction.parent is None:
        _open().discard(id(session))


def _guarded(method: Callable[..., Any], breaches: list[str]) -> Callable[..., Any]:
    @wraps(method)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if _open():
            breaches.append("".join(traceback.format_stack(limit=12)))
        return method(*args, **kwargs)

    return guarded

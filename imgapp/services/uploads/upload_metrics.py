"""Upload metrics: count files that come in, by source and outcome."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar
from uuid import UUID

from imgapp.errors import RejectedFile
from imgapp.services.common.metrics import UPLOAD_BYTES, UPLOAD_SECONDS, UPLOADS, UPLOADS_REFUSED
from imgapp.services.storage.spool import SpooledFile

_source: ContextVar[str] = ContextVar("upload_source", default="api")


def upload_refused(code: str) -> None:
    """Count a file that became no picture before it was looked at."""
    UPLOADS.labels(source=_source.get(), outcome="refused").inc()
    UPLOADS_REFUSED.labels(code=code).inc()


def set_upload_source(source: str) -> None:
    """Where this thread's or task's files come from: page, api, import, direct or url."""
    _source.set(source)


class _Taken(Protocol):
    @property
    def duplicate(self) -> bool: ...


P = ParamSpec("P")
R = TypeVar("R", bound=_Taken)
Entrance = Callable[Concatenate[UUID, SpooledFile, P], R]


def counted(take_in: Entrance[P, R]) -> Entrance[P, R]:
    """Counts the files that come in through this function, and what becomes of them."""

    @wraps(take_in)
    def entrance(user_id: UUID, spooled: SpooledFile, /, *args: P.args, **kwargs: P.kwargs) -> R:
        source, began = _source.get(), time.perf_counter()
        UPLOAD_BYTES.labels(source=source).observe(spooled.size)
        try:
            taken = take_in(user_id, spooled, *args, **kwargs)
        except RejectedFile as error:
            upload_refused(error.code)
            raise
        except BaseException:
            UPLOADS.labels(source=source, outcome="failed").inc()
            raise
        outcome = "duplicate" if taken.duplicate else "added"
        UPLOADS.labels(source=source, outcome=outcome).inc()
        UPLOAD_SECONDS.labels(source=source).observe(time.perf_counter() - began)
        return taken

    return entrance

"""Upload metrics: count files that come in, by source and outcome."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

from imgapp.errors import RejectedFile
from imgapp.models import Viewer
from imgapp.services.common.metrics import UPLOAD_BYTES, UPLOAD_SECONDS, UPLOADS, UPLOADS_REFUSED

UploadSource = Literal["page", "api", "import", "direct", "url"]


class _Taken(Protocol):
    @property
    def duplicate(self) -> bool: ...


R = TypeVar("R", bound=_Taken)


def source_of(viewer: Viewer) -> UploadSource:
    """Where what this caller sends comes from."""
    return "page" if viewer.session_id else "api"


def upload_refused(source: UploadSource, code: str) -> None:
    """Count a file that became no picture."""
    UPLOADS.labels(source=source, outcome="refused").inc()
    UPLOADS_REFUSED.labels(code=code).inc()


def counted(take_in: Callable[[], R], source: UploadSource, size: int) -> R:
    """Take a file of `size` bytes in; count it, and what becomes of it."""
    began = time.perf_counter()
    UPLOAD_BYTES.labels(source=source).observe(size)
    try:
        taken = take_in()
    except RejectedFile as error:
        upload_refused(source, error.code)
        raise
    except BaseException:
        UPLOADS.labels(source=source, outcome="failed").inc()
        raise
    outcome = "duplicate" if taken.duplicate else "added"
    UPLOADS.labels(source=source, outcome=outcome).inc()
    UPLOAD_SECONDS.labels(source=source).observe(time.perf_counter() - began)
    return taken

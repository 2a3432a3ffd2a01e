"""Secrets: generates them into files that only imgapp's own user may read."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path


def keep_secret(path: Path, fresh: str | None = None) -> str:
    """The content of `path`; the first caller of several at the same time decides what it is."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text()
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    scratch = Path(name)
    with os.fdopen(descriptor, "w") as file:
        file.write(fresh or secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(scratch)
    scratch.unlink()
    return path.read_text()

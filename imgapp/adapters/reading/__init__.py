"""Reading: finds the words that are written in a picture, in a limited process (OCR).

By RapidOCR with PP-OCRv6 small, whose weights are in its wheel: nothing is fetched. It reads Latin
letters, Chinese and Japanese, and no other script; docs/reading.md says how that was measured.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from imgapp.adapters.imaging.pool import DecoderPool
from imgapp.adapters.languages import known_language
from imgapp.errors import RejectedFile

__all__ = ["NOTHING", "ReadText", "is_built_in", "read_text", "shutdown"]

log = logging.getLogger(__name__)

READ_SECONDS = 80.0
"""Where others have the processors first, a page takes that long."""
WAIT_SECONDS = 60.0
CPU_SECONDS = 30.0
"""A page full of words takes three, and as much again where nothing is loaded yet."""
_MOST_LINES = 2_000
READER = (sys.executable, "-P", "-m", "imgapp.adapters.reading.child")


@dataclass(frozen=True)
class ReadText:
    """What is written in a picture, line by line from the top."""

    lines: list[str] = field(default_factory=list)
    share: float = 0.0
    """Of the picture, which the lines cover, from 0 to 1."""
    legible: float = 0.0
    """Of all that looks written, which could be read, from 0 to 1."""
    language: str | None = None
    """Of the lines (BCP 47), if it is sure."""


NOTHING = ReadText()


def is_built_in() -> bool:
    """Whether there is something to read with on this machine, and it is not switched off."""
    # The child imports this package too, and has no business with the settings.
    from imgapp.settings import get_settings

    wanted = get_settings().reading == "on"
    return wanted and all(find_spec(name) for name in ("rapidocr", "onnxruntime"))


def read_text(copy: bytes, *, seconds: float = READ_SECONDS) -> ReadText | None:
    """What is written in a model copy (JPEG); None if it could not be looked at.

    Safe to call from many threads: one picture is read at a time on a machine. Raises
    ServiceUnavailable when too many wait.
    """
    from imgapp.settings import get_settings

    if not is_built_in():
        return None
    settings = get_settings()
    settings.spool_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=settings.spool_dir, suffix=".jpg") as file:
        file.write(copy)
        file.flush()
        job = {"source": file.name, "cpu_seconds": CPU_SECONDS}
        try:
            found = _pool.run(job, settings.data_dir / "run", seconds)
        except RejectedFile as error:
            # A child that hung or broke: the picture is described without what is written in it.
            log.warning("picture_not_read", extra={"reason": error.code})
            return None
    return _checked(found)


def _checked(found: dict[str, Any]) -> ReadText | None:
    """The answer of a process that reads what others sent."""
    try:
        return ReadText(
            lines=[str(line) for line in found["lines"]][:_MOST_LINES],
            share=float(found["share"]),
            legible=float(found["legible"]),
            language=known_language(found["language"] or ""),
        )
    except (KeyError, TypeError, ValueError):
        log.warning("picture_not_read", extra={"reason": "unusable_answer"})
        return None


def shutdown() -> None:
    """End this process's idle reader."""
    _pool.shutdown()


def _new_pool() -> DecoderPool:
    # One at a time: each takes up to half a gigabyte of memory and a processor of its own.
    return DecoderPool(1, READER, name="reader", patience=WAIT_SECONDS)


_pool = _new_pool()


def _forget_children() -> None:
    # A forked process has no business with its parent's children.
    global _pool
    _pool = _new_pool()


os.register_at_fork(after_in_child=_forget_children)
atexit.register(shutdown)

"""Idle memory: gives back what a process keeps only to be quick while there is work (trimming)."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

from imgapp.adapters import db, languages

QUIET_SECONDS = 60.0
"""So long after the last work it is given back; the next picture waits a second for it."""


def give_back() -> None:
    """Close connections to the database, unload the language detector, and shrink the heap."""
    db.dispose()
    languages.unload()
    gc.collect()
    # Of glibc: what was freed stays with the process otherwise (malloc_trim(3)).
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)

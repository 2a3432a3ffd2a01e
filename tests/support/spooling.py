"""Files of the tests as uploads bring them."""

from __future__ import annotations

from pathlib import Path

from imgapp.services.storage.spool import SpooledFile, spool_stream


def spool_file(source: Path) -> SpooledFile:
    """Spool a copy of a file. Raises FileTooLarge, StoreUnavailable."""
    with source.open("rb") as file:
        return spool_stream(file, source.name)

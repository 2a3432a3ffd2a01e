"""The spool: keeps a file on disk and hashes it, until it is stored or rejected."""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imgapp.errors import FileTooLarge, StoreUnavailable
from imgapp.settings import get_settings

log = logging.getLogger(__name__)

_LEFT_OVER_SECONDS = 3600
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class SpooledFile:
    """A received file. `filename` is what the sender called it; `size` is in bytes."""

    path: Path
    filename: str
    size: int
    sha256: str


def new_spool_path() -> Path:
    """A path for a file or folder that nobody else uses, on the disk store's file system."""
    folder = get_settings().spool_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / uuid.uuid4().hex


class SpoolWriter:
    """Receives one file piece by piece. Leaves nothing behind unless it was finished."""

    def __init__(self, filename: str) -> None:
        self._filename = filename
        self._most = get_settings().max_upload_bytes
        self._size = 0
        self._hash = hashlib.sha256()
        self._path = new_spool_path()
        # Closed by `finish` or `discard`: it lives longer than any block.
        self._file = self._path.open("xb", buffering=0)

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._size

    def write(self, data: bytes) -> None:
        """Append. Raises FileTooLarge, StoreUnavailable (no space)."""
        self._size += len(data)
        if self._size > self._most:
            raise FileTooLarge(f"The file is larger than {get_settings().max_upload_mb} MB.")
        self._hash.update(data)
        try:
            self._file.write(data)
        except OSError as error:
            raise StoreUnavailable(f"The file cannot be received: {error.strerror}.") from error

    def finish(self) -> SpooledFile:
        """Close the file; whoever asked for it removes it."""
        self._file.close()
        return SpooledFile(self._path, self._filename, self._size, self._hash.hexdigest())

    def discard(self) -> None:
        """Remove what was received."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def spool_link(source: Path, filename: str) -> SpooledFile:
    """Spool a file of the data folder under a second name; its own stays. Raises StoreUnavailable.

    Nobody writes to it any more.
    """
    path = new_spool_path()
    try:
        path.hardlink_to(source)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return SpooledFile(path, filename, path.stat().st_size, sha256)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StoreUnavailable(f"The file cannot be received: {error.strerror}.") from error


def spool_stream(file: BinaryIO, filename: str) -> SpooledFile:
    """Spool what an open file still holds. Raises FileTooLarge, StoreUnavailable, OSError."""
    writer = SpoolWriter(filename)
    try:
        while data := file.read(_CHUNK):
            writer.write(data)
    except BaseException:
        writer.discard()
        raise
    return writer.finish()


def sweep_spool() -> int:
    """Remove what killed processes left behind more than an hour ago; returns how much."""
    oldest = time.time() - _LEFT_OVER_SECONDS
    removed = 0
    for path in get_settings().spool_dir.glob("*"):
        try:
            if path.stat().st_mtime > oldest:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            removed += 1
        except OSError:
            log.warning("spool_not_swept", exc_info=True)
    return removed

"""The disk store: keeps objects in a folder that only imgapp's user can enter."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from imgapp.adapters.storage import LOCAL, Disposition
from imgapp.errors import NotFound, StoreUnavailable

_UNFINISHED = ".unfinished-"
_MARK = ".imgapp-pictures"
_AWAY = "The picture folder is not there, or it is empty."


class DiskStore:
    """Files under `root`, written whole or not at all."""

    bucket = LOCAL
    incoming = None

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, path: Path, content_type: str) -> None:  # noqa: ARG002
        """Move the file at `path` to its place; it is on the disk when this returns."""
        target = self._path(key)
        with _translated(self._root, writing=True):
            _prepare(self._root)
            _make_folder(target.parent)
            _move(path, target)

    def put_all(self, files: Sequence[tuple[str, Path, str]]) -> None:
        """One after the other."""
        for file in files:
            self.put(*file)

    def read(self, key: str) -> bytes:
        """All of a small file."""
        with _translated(self._root):
            return self._path(key).read_bytes()

    def open(self, key: str) -> BinaryIO:
        """A file to read piece by piece."""
        with _translated(self._root):
            return self._path(key).open("rb")

    def exists(self, key: str) -> bool:
        """Whether there is such a file."""
        with _translated():
            return self._path(key).is_file()

    def delete_prefix(self, prefix: str) -> None:
        """Delete a folder, and the folders above it that are empty then."""
        folder = self._path(prefix)
        if _is_away(self._root):
            raise StoreUnavailable(_AWAY)
        with _translated():
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)
            for parent in folder.parents:
                if parent == self._root:
                    break
                try:
                    parent.rmdir()
                except OSError:
                    break

    def local_path(self, key: str) -> Path:
        """Where the file is."""
        return self._path(key)

    def signed_url(
        self,
        key: str,
        expires_at: datetime,
        filename: str,
        content_type: str,
        disposition: Disposition,
    ) -> None:
        """The disk cannot serve files by itself."""

    def check(self) -> None:
        """Raise StoreUnavailable unless a file can be written."""
        probe = self._root / f"{_UNFINISHED}{uuid.uuid4().hex}"
        try:
            _prepare(self._root)
            probe.write_bytes(b"imgapp")
        except OSError as error:
            raise StoreUnavailable(
                f"The picture folder {self._root} cannot be written to: {error.strerror}."
            ) from error
        finally:
            with suppress(OSError):
                probe.unlink()

    def try_out(self) -> None:
        """As `check`, which writes a file already."""
        self.check()

    def readable_by_anyone(self) -> bool:
        """Whether other users of this machine can enter the folder."""
        return self._root.exists() and bool(self._root.stat().st_mode & 0o007)

    def faults(self) -> list[str]:
        """Whether strangers can come in."""
        if self.readable_by_anyone():
            return [f"Other users of this machine can enter {self._root}"]
        return []

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key).parts
        if not parts or key.startswith("/") or ".." in parts or "\0" in key or "\\" in key:
            raise ValueError(f"not a key: {key!r}")
        return self._root.joinpath(*parts)


def _prepare(root: Path) -> None:
    """Make the folder once. One that was there, and is away or empty, is never made again."""
    if (root / _MARK).exists():
        return
    if _is_away(root):
        raise StoreUnavailable(_AWAY)
    _make_folder(root)
    for mark in (root / _MARK, root.with_name(f".{root.name}-made")):
        _make_folder(mark)


def _is_away(root: Path) -> bool:
    # A disk that is not mounted has lost nothing, and nothing is to be written in its place.
    was_there = root.with_name(f".{root.name}-made").exists()
    return was_there and not (root.is_dir() and any(root.iterdir()))


@contextmanager
def _translated(root: Path | None = None, *, writing: bool = False) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        if writing or (root is not None and _is_away(root)):
            raise StoreUnavailable(_AWAY) from error
        raise NotFound("The file is not in the store.") from error
    except OSError as error:
        raise StoreUnavailable(f"The picture store failed: {error.strerror}.") from error


def _make_folder(folder: Path) -> None:
    """Like `mkdir -p`, with every new folder closed to other users."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _move(path: Path, target: Path) -> None:
    try:
        _sync(path)
        path.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(path, target)


def _copy(path: Path, target: Path) -> None:
    unfinished = target.with_name(f"{_UNFINISHED}{uuid.uuid4().hex}")
    try:
        shutil.copyfile(path, unfinished)
        _sync(unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    path.unlink()


def _sync(path: Path) -> None:
    """See that a file is on the disk, and closed to other users."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(handle, 0o600)
        os.fsync(handle)
    finally:
        os.close(handle)

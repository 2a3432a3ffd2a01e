"""Folder scan: finds files that may be pictures, and says why the others are not.

Nothing outside the folder is reached: links are not followed, and every file is opened from the
open folder that it was found in, so that nobody can put a link in its place meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imgapp.errors import InvalidRequest

# What systems leave in folders of pictures.
_CLUTTER = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_CLUTTER_FOLDERS = frozenset(
    {"@eadir", "$recycle.bin", "system volume information", "__macosx", "lost+found"}
)


@dataclass(frozen=True)
class Candidate:
    """A file, open for reading; whoever gets it closes it. `path` is relative, `size` in bytes."""

    path: str
    file: BinaryIO
    size: int


@dataclass(frozen=True)
class SkippedFile:
    """What is not read: because it is no candidate, or because it could not be."""

    path: str
    code: str
    detail: str
    is_folder: bool = False

    @property
    def failed(self) -> bool:
        """Whether it might have been a picture."""
        return self.code == "unreadable"


def check_folder(folder: Path) -> Path:
    """The folder with all links on the way to it resolved. Raises InvalidRequest."""
    try:
        found = folder.expanduser().resolve(strict=True)
        os.close(os.open(found, os.O_RDONLY | os.O_DIRECTORY))
    except OSError as error:
        raise InvalidRequest(f"{folder} cannot be read: {error.strerror}.") from None
    return found


def count_files(folder: Path) -> int:
    """How many files `find_files` reports on."""
    return sum(1 for entry in _entries(folder) if not isinstance(entry, SkippedFile))


def find_files(folder: Path) -> Iterator[Candidate | SkippedFile]:
    """Every file below the folder, in the order of names, one open at a time per item taken."""
    for entry in _entries(folder):
        yield entry if isinstance(entry, SkippedFile) else _open(*entry)


def shown(path: str) -> str:
    """A path as it can be printed anywhere, whatever bytes its name is made of."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _entries(folder: Path) -> Iterator[tuple[str, str, int] | SkippedFile]:
    """Files as relative path, name and descriptor of their folder; folders that are left out."""
    unreadable: list[SkippedFile] = []

    def note(error: OSError) -> None:
        path = os.path.relpath(error.filename, folder) if error.filename else "?"
        unreadable.append(SkippedFile(path, "unreadable", _why("folder", error), is_folder=True))

    for parent, folders, files, descriptor in os.fwalk(folder, onerror=note):
        here = os.path.relpath(parent, folder)
        left_out = [found for name in sorted(folders) if (found := _closed(here, name, descriptor))]
        closed = {os.path.basename(found.path) for found in left_out}
        folders[:] = sorted(name for name in folders if name not in closed)
        yield from left_out
        for name in sorted(files):
            yield _join(here, name), name, descriptor
        yield from unreadable
        unreadable.clear()
    yield from unreadable


def _closed(here: str, name: str, descriptor: int) -> SkippedFile | None:
    """Why a folder is not entered."""
    path = _join(here, name)
    if name.startswith("."):
        return SkippedFile(path, "hidden", "The folder is hidden.", is_folder=True)
    if name.casefold() in _CLUTTER_FOLDERS:
        return SkippedFile(path, "clutter", "A system keeps its own files there.", is_folder=True)
    try:
        status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except OSError as error:
        return SkippedFile(path, "unreadable", _why("folder", error), is_folder=True)
    if stat.S_ISLNK(status.st_mode):
        return SkippedFile(path, "link", "Links are not followed.", is_folder=True)
    return None


def _open(path: str, name: str, descriptor: int) -> Candidate | SkippedFile:
    if name.startswith("."):
        return SkippedFile(path, "hidden", "The file is hidden.")
    if name.casefold() in _CLUTTER:
        return SkippedFile(path, "clutter", "A system made it, and it is no picture.")
    try:
        status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            return SkippedFile(path, "link", "Links are not followed.")
        if stat.S_ISREG(status.st_mode):
            # Should it have become a link or a pipe meanwhile, opening fails or does not wait.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            opened = os.open(name, flags, dir_fd=descriptor)
            status = os.fstat(opened)
            if stat.S_ISREG(status.st_mode):
                return Candidate(path, os.fdopen(opened, "rb", buffering=0), status.st_size)
            os.close(opened)
    except OSError as error:
        return SkippedFile(path, "unreadable", _why("file", error))
    return SkippedFile(path, "special", "It is no ordinary file.")


def _join(here: str, name: str) -> str:
    return name if here == os.curdir else os.path.join(here, name)


def _why(what: str, error: OSError) -> str:
    return f"The {what} cannot be read: {error.strerror or error}."

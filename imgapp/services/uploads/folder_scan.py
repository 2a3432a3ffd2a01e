"""Folder scan: finds files that may be pictures, and says why the others are not.

Nothing outside the folder is reached: links are not followed, and every file is opened from the
open folder that it was found in, so that nobody can put a link in its place meanwhile.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imgapp.errors import InvalidRequest
from imgapp.services.storage.filenames import decode_name, has_picture_extension

# What systems and programs leave in folders of pictures: one list with the page's folder picker.
_LEFT_BEHIND = json.loads(
    (Path(__file__).parents[3] / "assets" / "uploads" / "left-behind.json").read_text()
)
_CLUTTER = frozenset(_LEFT_BEHIND["files"])
_CLUTTER_FOLDERS = frozenset(_LEFT_BEHIND["folders"])
_SIDECARS = tuple(_LEFT_BEHIND["sidecars"])
_SIDECARS_OF_PICTURES = tuple(_LEFT_BEHIND["sidecarsOfPictures"])
"""Only where a picture of the same name is: by themselves they are films."""


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
    return sum(
        not (isinstance(entry, SkippedFile) and entry.is_folder) for entry in _entries(folder)
    )


def find_files(folder: Path) -> Iterator[Candidate | SkippedFile]:
    """Every file below the folder, in the order of names, one open at a time per item taken."""
    for entry in _entries(folder):
        yield entry if isinstance(entry, SkippedFile) else _open(*entry)


def shown(path: str) -> str:
    """A path as it can be printed anywhere, whatever bytes its name is made of."""
    text = decode_name(os.fsencode(path))
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
        pictures = {os.path.splitext(name)[0] for name in files if has_picture_extension(name)}
        for name in sorted(files):
            path = _join(here, name)
            yield _passed_over(path, name, pictures) or (path, name, descriptor)
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


def _passed_over(path: str, name: str, pictures: set[str]) -> SkippedFile | None:
    """Why a file is none of those to read, by its name."""
    if name.startswith("."):
        return SkippedFile(path, "hidden", "The file is hidden.")
    plain = name.casefold()
    if plain in _CLUTTER:
        return SkippedFile(path, "clutter", "A system made it, and it is no picture.")
    stem, _ = os.path.splitext(name)
    if plain.endswith(_SIDECARS) or (plain.endswith(_SIDECARS_OF_PICTURES) and stem in pictures):
        return SkippedFile(path, "sidecar", "It belongs to a picture, and is none itself.")
    return None


def _open(path: str, name: str, descriptor: int) -> Candidate | SkippedFile:
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

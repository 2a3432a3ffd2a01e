"""Pulling: fetches a model from the hub, and goes on where it was (resumable download).

What has come stays in `.making-NAME` until it is whole, whatever is killed. A file counts once its
SHA-256 is the catalogue's; a wrong one is thrown away.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from imgapp.adapters.model_runtime.catalogue import CatalogueModel, HubFile
from imgapp.adapters.model_runtime.model_folder import (
    MODEL,
    PROJECTOR,
    InstalledModel,
    ModelFolder,
    check_room,
    disk_full,
    is_full,
)
from imgapp.adapters.outbound_http import fetch
from imgapp.errors import OutboundFailed

_PART = ".part"
_MAGIC = b"GGUF"
_LONGEST_SECONDS = 24 * 3600.0
"""For one file on one connection; a line that is slower than that is of no use."""
_ATTEMPTS = 5
"""In a row without a byte more than before."""
_FIRST_PAUSE = 1.0
_CHECK_ROOM_EVERY = 64 * 1024**2
_HASH_PIECE = 4 * 1024**2


@dataclass(frozen=True)
class PullProgress:
    """How far a pull is, in bytes. `checking` is when all has come and is read once more."""

    done: int
    total: int
    checking: bool = False


Tell = Callable[[PullProgress], object]


def pull(
    folder: ModelFolder, chosen: CatalogueModel, hub: str, tell: Tell = lambda _: None
) -> InstalledModel:
    """Fetch a model; `hub` is the hub's address without a path, `tell` hears of each step.

    Raises Conflict (`model_exists`, `model_busy`), ServiceUnavailable (`disk_full`),
    OutboundRefused and OutboundFailed, whose `code` is `wrong_file` where what came is not what
    the catalogue lists. Called again, it goes on where it was.
    """
    with folder.claim(chosen.name) as making:
        making.mkdir(mode=0o700, exist_ok=True)
        check_room(making, chosen.size - _come(making, chosen))
        base = f"{hub}/{chosen.repository}/resolve/{chosen.revision}"
        before = 0
        for file, target in ((chosen.model, MODEL), (chosen.projector, PROJECTOR)):
            _Download(f"{base}/{file.name}", file, making / target, before, chosen.size, tell).run()
            before += file.size
        about = {"title": chosen.title, "license": chosen.license, "source": chosen.source}
        folder.complete(chosen.name, about)
    return folder.get(chosen.name)


def progress(folder: ModelFolder, chosen: CatalogueModel) -> PullProgress | None:
    """How much of a model has come, whoever fetches it; None if nothing was begun."""
    making = folder.making(chosen.name)
    return PullProgress(_come(making, chosen), chosen.size) if making.is_dir() else None


def discard(folder: ModelFolder, chosen: CatalogueModel) -> None:
    """Throw away what has come. Raises Conflict while it is being fetched, or is there."""
    with folder.claim(chosen.name) as making:
        shutil.rmtree(making, ignore_errors=True)


def _come(making: Path, chosen: CatalogueModel) -> int:
    files = ((making / MODEL, chosen.model.size), (making / PROJECTOR, chosen.projector.size))
    return sum(min(max(_size(path), _size(_part(path))), most) for path, most in files)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _part(path: Path) -> Path:
    return path.with_name(path.name + _PART)


@dataclass
class _Download:
    """One file on its way."""

    url: str
    file: HubFile
    target: Path
    before: int
    total: int
    tell: Tell
    _unchecked: int = field(default=0, init=False)

    def run(self) -> None:
        if self.target.exists():  # and was checked
            return
        part = _part(self.target)
        try:
            with part.open("ab") as out:
                self._fetch_all(out)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            if is_full(error):
                raise disk_full(self.target.parent, "none is left") from error
            raise
        self.tell(PullProgress(self.before + self.file.size, self.total, checking=True))
        if _sha256(part) != self.file.sha256:
            part.unlink()
            raise _wrong(f"{self.file.name} is not the file that the catalogue lists (SHA-256)")
        part.rename(self.target)

    def _fetch_all(self, out: BinaryIO) -> None:
        """Ask again where a connection breaks, as long as something comes."""
        failed = 0
        while (come := out.tell()) < self.file.size:
            try:
                self._fetch_rest(out, come)
                failure = OutboundFailed("The server ended the file too early", code="bad_answer")
            except OutboundFailed as error:
                if error.code in ("no_ranges", "too_large") or error.http_status == 416:
                    out.truncate(0)  # what is there is of no use
                if error.code == "wrong_file":
                    raise
                if error.lasts and error.code != "no_ranges":
                    raise _named(error, self.file) from error
                failure = error
            out.seek(0, os.SEEK_END)
            failed = 0 if out.tell() > come else failed + 1
            if failed == _ATTEMPTS:
                raise _named(failure, self.file)
            if failed and failure.code != "no_ranges":
                time.sleep(_FIRST_PAUSE * 2 ** (failed - 1))

    def _fetch_rest(self, out: BinaryIO, come: int) -> None:
        def write(piece: bytes) -> None:
            if out.tell() == 0 and not piece.startswith(_MAGIC):
                raise _wrong(f"What came for {self.file.name} is no model")
            self._unchecked += len(piece)
            if self._unchecked >= _CHECK_ROOM_EVERY:
                self._unchecked = 0
                check_room(self.target.parent, 0)
            out.write(piece)
            self.tell(PullProgress(self.before + out.tell(), self.total))

        fetch(self.url, self.file.size - come, write, timeout=_LONGEST_SECONDS, offset=come)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while piece := file.read(_HASH_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _wrong(sentence: str) -> OutboundFailed:
    return OutboundFailed(f"{sentence}.", code="wrong_file")


def _named(error: OutboundFailed, file: HubFile) -> OutboundFailed:
    """The same failure, as a sentence about the file."""
    return OutboundFailed(
        f"{file.name} could not be fetched: {error.detail}.",
        code=error.code,
        lasts=error.lasts,
        http_status=error.http_status,
    )

"""tus uploads: keep what has arrived on this machine, and go on after a lost connection.

An upload is a few files in its owner's folder: `ID.json` says what was announced and, in the end,
what became of it; `ID.part` holds the bytes, and its length is how many have arrived. So whatever
is killed at whatever moment, what was written is there and nothing else is claimed. Who writes
holds a lock on the part, which the system gives back when the process dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from imgapp.adapters.db import transaction
from imgapp.errors import Conflict, FileTooLarge, NotFound, StoreUnavailable
from imgapp.models import new_id
from imgapp.services.uploads import quotas
from imgapp.settings import get_settings

log = logging.getLogger(__name__)

LIFE = timedelta(hours=24)
"""So long after its last byte an upload can be gone on with."""
OUTCOME_LIFE = timedelta(hours=1)
"""So long what became of it is told: the answer may have been lost."""
MOST_OPEN = 200
"""Uploads of one person that have begun and not ended."""


@dataclass(frozen=True)
class TusResult:
    """What became of an upload: a picture, or why not (`full`: there was no room for it)."""

    image_id: UUID | None = None
    duplicate: bool = False
    code: str = ""
    detail: str = ""
    full: bool = False


@dataclass(frozen=True)
class Upload:
    """What was announced: `size` is in bytes, `metadata` is as the client sent it."""

    id: UUID
    user_id: UUID
    filename: str
    size: int
    metadata: str = ""
    outcome: TusResult | None = None

    @property
    def part(self) -> Path:
        """The bytes."""
        return self._file("part")

    @property
    def wanted(self) -> Path:
        """There while somebody waits for the one who writes to stop."""
        return self._file("wanted")

    def _file(self, suffix: str) -> Path:
        return _folder(self.user_id) / f"{self.id}.{suffix}"


def create(user_id: UUID, filename: str, size: int, metadata: str = "") -> Upload:
    """Begin an upload of `size` bytes.

    Raises FileTooLarge, QuotaExceeded, Conflict (`too_many_uploads`), StoreUnavailable.
    """
    if size > get_settings().max_upload_bytes:
        raise FileTooLarge(f"The file is larger than {get_settings().max_upload_mb} MB.")
    open_ones = [one for one in _uploads_of(user_id) if one.outcome is None]
    if len(open_ones) >= MOST_OPEN:
        raise Conflict(
            f"{MOST_OPEN} uploads have begun and not ended: end or cancel some.",
            code="too_many_uploads",
        )
    with transaction(user_id) as session:
        promised = sum(one.size for one in open_ones)
        quotas.check_promise(session, images=len(open_ones) + 1, size=promised + size)
    upload = announced(user_id, filename, size, metadata)
    try:
        _folder(user_id).mkdir(mode=0o700, parents=True, exist_ok=True)
        upload.part.touch(mode=0o600, exist_ok=False)
        _write(upload)
    except OSError as error:
        remove(upload)
        raise StoreUnavailable(f"The file cannot be received: {error.strerror}.") from error
    return upload


def announced(user_id: UUID, filename: str, size: int, metadata: str) -> Upload:
    """An upload of which nothing is kept yet."""
    return Upload(new_id(), user_id, filename, size, metadata)


def keep_whole(upload: Upload, outcome: TusResult) -> Upload:
    """Write down what became of a file that came whole with its announcement.

    Raises StoreUnavailable.
    """
    ended = replace(upload, outcome=outcome)
    try:
        _folder(upload.user_id).mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(ended)
    except OSError as error:
        raise StoreUnavailable(f"The file cannot be received: {error.strerror}.") from error
    return ended


def fetch(user_id: UUID, upload_id: UUID) -> Upload:
    """An upload of this person that has not expired. Raises NotFound."""
    upload = _read(_folder(user_id) / f"{upload_id}.json")
    if upload is None or expires_at(upload) < datetime.now(UTC):
        raise NotFound
    return upload


def arrived(upload: Upload) -> int:
    """How many bytes are there. Raises NotFound if it was cancelled since."""
    if upload.outcome is not None:
        return upload.size
    try:
        return upload.part.stat().st_size
    except FileNotFoundError:
        # Saved in this moment, or gone.
        return arrived_or_gone(upload)


def arrived_or_gone(upload: Upload) -> int:
    """As `arrived`, of an upload whose bytes are not there any more. Raises NotFound."""
    if fetch(upload.user_id, upload.id).outcome is None:
        raise NotFound
    return upload.size


def expires_at(upload: Upload) -> datetime:
    """When it is forgotten unless more arrives."""
    path = upload.part if upload.outcome is None else upload._file("json")
    try:
        touched = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        touched = datetime.now(UTC)
    return touched + (LIFE if upload.outcome is None else OUTCOME_LIFE)


def keep_outcome(upload: Upload, outcome: TusResult) -> Upload:
    """Write down what became of it; its bytes are not needed any more."""
    ended = replace(upload, outcome=outcome)
    with contextlib.suppress(FileNotFoundError):  # its owner is just being deleted
        _write(ended)
    upload.part.unlink(missing_ok=True)
    upload.wanted.unlink(missing_ok=True)
    return ended


def remove(upload: Upload) -> None:
    """Forget it, with what arrived of it."""
    # Named first: without it there is no upload.
    for suffix in ("json", "part", "wanted"):
        upload._file(suffix).unlink(missing_ok=True)


def remove_all(user_id: UUID) -> None:
    """Forget every upload of a person who is being deleted."""
    shutil.rmtree(_folder(user_id), ignore_errors=True)


def sweep() -> int:
    """Remove what expired, and what has no use any more; returns how many files."""
    removed = 0
    for path in get_settings().uploads_dir.glob("*/*"):
        upload = _read(path.with_name(f"{path.name.split('.')[0]}.json"))
        try:
            if upload is not None and expires_at(upload) < datetime.now(UTC):
                remove(upload)
            elif upload is None and path.stat().st_mtime < time.time() - LIFE.total_seconds():
                path.unlink()
            else:
                continue
            removed += 1
        except FileNotFoundError:
            pass  # it went with the file before
        except OSError:
            log.warning("upload_not_swept", exc_info=True)
    return removed


def left_whole(older_than: timedelta) -> Iterator[Upload]:
    """Uploads all of whose bytes arrived so long ago without an end: a process was killed."""
    limit = time.time() - older_than.total_seconds()
    for path in get_settings().uploads_dir.glob("*/*.part"):
        upload = _read(path.with_suffix(".json"))
        with contextlib.suppress(FileNotFoundError):
            found = path.stat()
            if upload is None or upload.outcome is not None:
                continue
            if found.st_size == upload.size and found.st_mtime < limit:
                yield upload


class Receiver:
    """The only one who writes to an upload, of all processes of this machine, until closed."""

    def __init__(self, upload: Upload, file: BinaryIO) -> None:
        self.upload = upload
        self._file = file
        self._turn = threading.Lock()

    @property
    def offset(self) -> int:
        """How many bytes are there."""
        return os.fstat(self._file.fileno()).st_size

    @property
    def missing(self) -> int:
        """How many bytes are not."""
        return self.upload.size - self.offset

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits: the client came back while this connection still looks alive."""
        return self.upload.wanted.exists()

    def write(self, data: bytes) -> None:
        """Append. Raises FileTooLarge (more than was announced), StoreUnavailable (no space)."""
        with self._turn:
            if self._file.closed:
                return  # the request was given up meanwhile
            room = self.missing
            try:
                self._file.seek(0, os.SEEK_END)
                self._file.write(data[:room])
            except OSError as error:
                raise StoreUnavailable(f"The file cannot be received: {error.strerror}.") from error
        if len(data) > room:
            raise FileTooLarge("More bytes came than were announced.")

    def close(self) -> None:
        """Let others write."""
        with self._turn:
            self._file.close()


def try_to_receive(upload: Upload, *, want: bool = False) -> Receiver | None:
    """Become the one who writes; None while somebody else is, who is asked to stop with `want`.

    Raises NotFound if its bytes are gone: it was cancelled, or has ended.
    """
    try:
        # Closed by the receiver. Not made anew if it is gone.
        file = upload.part.open("r+b", buffering=0)
    except FileNotFoundError:
        raise NotFound from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not upload.part.exists() or not os.path.samestat(
            upload.part.stat(), os.fstat(file.fileno())
        ):
            raise NotFound
    except BlockingIOError:
        file.close()
        if want:
            upload.wanted.touch(mode=0o600)
        return None
    except BaseException:
        file.close()
        raise
    upload.wanted.unlink(missing_ok=True)
    return Receiver(upload, file)


def _uploads_of(user_id: UUID) -> Iterator[Upload]:
    """Those with bytes, which are the open ones or just being saved."""
    for path in _folder(user_id).glob("*.part"):
        upload = _read(path.with_suffix(".json"))
        if upload is not None:
            yield upload


def _folder(user_id: UUID) -> Path:
    return get_settings().uploads_dir / str(user_id)


def _write(upload: Upload) -> None:
    """All of it or nothing."""
    said = {key: value for key, value in asdict(upload).items() if key not in ("id", "user_id")}
    path = upload._file("json")
    draft = upload._file(f"{os.getpid()}.draft")
    draft.write_text(json.dumps(said, default=str))
    draft.replace(path)


def _read(path: Path) -> Upload | None:
    try:
        said = json.loads(path.read_text())
        outcome = said.pop("outcome")
        if outcome is not None:
            image_id = outcome.pop("image_id")
            outcome = TusResult(image_id=UUID(image_id) if image_id else None, **outcome)
        return Upload(UUID(path.stem), UUID(path.parent.name), outcome=outcome, **said)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        log.warning("upload_not_read", exc_info=True)
        return None

"""Imports: a folder of this machine into a person's library, after what people upload by hand.

An import that was interrupted is run again: what is there already is known by its hash and passed
over without a copy. However large the folder, a few files at a time are open and in memory.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from sqlmodel import col, select

from imgapp.adapters.db import transaction
from imgapp.adapters.imaging.pool import cpu_count
from imgapp.errors import Conflict, FileTooLarge, RejectedFile, ServiceUnavailable
from imgapp.models import Image, Priority
from imgapp.services import metrics
from imgapp.services.folders import Candidate, PassedOver, find_files
from imgapp.services.ingest import ingest
from imgapp.services.spool import spool_stream
from imgapp.settings import get_settings

_CHUNK = 1024 * 1024
_WAITING_PER_THREAD = 2
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts while the database or the store does not answer."""


class Outcome(StrEnum):
    ADDED = "added"
    THERE = "there"
    """This person has a picture of these very bytes."""
    SKIPPED = "skipped"
    REFUSED = "refused"


@dataclass(frozen=True)
class FileReport:
    """What became of a file. `detail` is a sentence for people; `path` is below the folder."""

    path: str
    outcome: Outcome
    code: str = ""
    detail: str = ""
    is_folder: bool = False


def import_folder(user_id: UUID, folder: Path) -> Generator[FileReport]:
    """Take in every picture below a folder, as many at a time as there are processors.

    Closing the iterator ends the import after the pictures in hand. Raises NotSignedIn when the
    account is gone, and ServiceUnavailable when the database or the store stays away.
    """
    stopping = threading.Event()
    under_way: dict[Future[FileReport], Candidate] = {}
    threads = cpu_count()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="import")
    try:
        for found in find_files(folder):
            if isinstance(found, PassedOver):
                yield _passed_over(found)
                continue
            under_way[pool.submit(_take_in, user_id, found, stopping)] = found
            if len(under_way) >= threads * _WAITING_PER_THREAD:
                yield from _finished(under_way)
        while under_way:
            yield from _finished(under_way)
    finally:
        stopping.set()
        pool.shutdown(cancel_futures=True)
        for candidate in under_way.values():
            candidate.file.close()


def _finished(under_way: dict[Future[FileReport], Candidate]) -> Iterator[FileReport]:
    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
        under_way.pop(future).file.close()
        yield future.result()


def _take_in(user_id: UUID, found: Candidate, stopping: threading.Event) -> FileReport:
    for pause in _PAUSES:
        try:
            return _try_to_take_in(user_id, found)
        except ServiceUnavailable:
            if stopping.wait(pause):
                raise
    return _try_to_take_in(user_id, found)


def _try_to_take_in(user_id: UUID, found: Candidate) -> FileReport:
    metrics.set_upload_source("import")
    try:
        if found.size > get_settings().max_upload_bytes:
            metrics.upload_refused(FileTooLarge.code)
            raise FileTooLarge(f"The file is larger than {get_settings().max_upload_mb} MB.")
        if _has_picture(user_id, _hash_of(found)):
            return FileReport(found.path, Outcome.THERE)
        found.file.seek(0)
        spooled = spool_stream(found.file, os.path.basename(found.path))
        taken = ingest(user_id, spooled, priority=Priority.BULK)
    except (RejectedFile, Conflict) as error:
        return FileReport(found.path, Outcome.REFUSED, error.code, error.detail)
    except OSError as error:
        detail = f"The file cannot be read: {error.strerror or error}."
        return FileReport(found.path, Outcome.REFUSED, "unreadable", detail)
    return FileReport(found.path, Outcome.THERE if taken.duplicate else Outcome.ADDED)


def _hash_of(found: Candidate) -> str:
    digest = hashlib.sha256()
    found.file.seek(0)
    while data := found.file.read(_CHUNK):
        digest.update(data)
    return digest.hexdigest()


def _has_picture(user_id: UUID, sha256: str) -> bool:
    """Whether it is in the library; one in the trash comes out of it on the usual way."""
    query = select(Image.id).where(col(Image.sha256) == sha256, col(Image.deleted_at).is_(None))
    with transaction(user_id) as session:
        return session.exec(query).first() is not None


def _passed_over(found: PassedOver) -> FileReport:
    outcome = Outcome.REFUSED if found.failed else Outcome.SKIPPED
    return FileReport(found.path, outcome, found.code, found.detail, found.is_folder)

"""Folder import: takes a folder into a person's library, behind what people upload by hand.

An import that was interrupted is run again: what is there already is known by its hash and passed
over without a copy, and the same batch goes on, which programs follow. However large the folder, a
few files at a time are open and in memory.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from uuid import UUID

from imgapp.adapters import db
from imgapp.adapters.cores import cpu_count
from imgapp.adapters.db import transaction
from imgapp.errors import Conflict, FileTooLarge, RejectedFile, ServiceUnavailable
from imgapp.models import Priority
from imgapp.services.common.retries import retry
from imgapp.services.storage.spool import spool_stream
from imgapp.services.uploads import batch_intake, upload_metrics
from imgapp.services.uploads.batch_intake import FileOfBatch
from imgapp.services.uploads.folder_scan import Candidate, SkippedFile, find_files, shown
from imgapp.services.uploads.ingest import Ingested, ingest
from imgapp.settings import get_settings

_CHUNK = 1024 * 1024
_FILES_PER_CORE = 2
"""While a picture is decoded, the one before it is stored or the next one is read."""
_PATIENCE = 15.0
"""Seconds that a database or a store may be away."""


_THERE = "SELECT id FROM images WHERE sha256 = %(sha256)s AND deleted_at IS NULL"


class ImportOutcome(StrEnum):
    ADDED = "added"
    THERE = "there"
    """This person has a picture of these very bytes."""
    SKIPPED = "skipped"
    REFUSED = "refused"


@dataclass(frozen=True)
class FileReport:
    """What became of a file. `detail` is a sentence for people; `path` is below the folder."""

    path: str
    outcome: ImportOutcome
    code: str = ""
    detail: str = ""
    is_folder: bool = False


@dataclass
class _Seen:
    """What an import has met. Of files that are there already it is enough to read their hash;
    others would be read twice."""

    are_there: bool = True


def open_batch(user_id: UUID, folder: Path, name: str | None = None) -> UUID:
    """The batch that an import of this folder fills, or goes on to. Raises NotSignedIn."""
    key = hashlib.sha256(os.fsencode(folder.absolute()) + b"\0" + (name or "").encode())
    return batch_intake.open_import(user_id, name or shown(folder.name), key.hexdigest())


def import_folder(user_id: UUID, folder: Path, batch_id: UUID) -> Generator[FileReport]:
    """Take in every picture below a folder, two at a time for each processor.

    The batch stays open unless all files were read. Closing the iterator ends the import after the
    pictures in hand. Raises NotSignedIn when the account is gone, and ServiceUnavailable when the
    database or the store stays away.
    """
    stopping = threading.Event()
    seen = _Seen()
    under_way: dict[Future[FileReport], Candidate] = {}
    at_once = _FILES_PER_CORE * cpu_count()
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="import")
    try:
        for found in find_files(folder):
            if isinstance(found, SkippedFile):
                yield _passed_over(found, _of_batch(user_id, batch_id, found.path), stopping)
                continue
            file = _of_batch(user_id, batch_id, found.path)
            under_way[pool.submit(_take_in, found, file, seen, stopping)] = found
            if len(under_way) >= at_once:
                yield from _finished(under_way)
        while under_way:
            yield from _finished(under_way)
        batch_intake.close_import(user_id, batch_id)
    finally:
        stopping.set()
        pool.shutdown(cancel_futures=True)
        for candidate in under_way.values():
            candidate.file.close()


def _finished(under_way: dict[Future[FileReport], Candidate]) -> Iterator[FileReport]:
    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
        under_way.pop(future).file.close()
        yield future.result()


def _of_batch(user_id: UUID, batch_id: UUID, path: str) -> FileOfBatch:
    key = hashlib.sha256(os.fsencode(path)).hexdigest()
    return FileOfBatch(user_id, batch_id, shown(path), key)


def _take_in(
    found: Candidate, file: FileOfBatch, seen: _Seen, stopping: threading.Event
) -> FileReport:
    return _patiently(partial(_try_to_take_in, found, file, seen), file, stopping)


def _passed_over(found: SkippedFile, file: FileOfBatch, stopping: threading.Event) -> FileReport:
    outcome = ImportOutcome.REFUSED if found.failed else ImportOutcome.SKIPPED
    report = FileReport(found.path, outcome, found.code, found.detail, found.is_folder)
    return _patiently(lambda: report, file, stopping)


def _patiently(
    attempt: Callable[[], FileReport], file: FileOfBatch, stopping: threading.Event
) -> FileReport:
    """Wait for a database or store that is away. What is refused is in the batch, too."""

    def attempt_and_tell() -> FileReport:
        report = attempt()
        if report.outcome == ImportOutcome.REFUSED:
            file.refuse(report.code, report.detail)
        return report

    return retry(attempt_and_tell, seconds=_PATIENCE, stopping=stopping, on=ServiceUnavailable)


def _try_to_take_in(found: Candidate, file: FileOfBatch, seen: _Seen) -> FileReport:
    try:
        if found.size > get_settings().max_upload_bytes:
            upload_metrics.upload_refused("import", FileTooLarge.code)
            raise FileTooLarge(f"The file is larger than {get_settings().max_upload_mb} MB.")
        if seen.are_there and _is_there(file, _hash_of(found)):
            return FileReport(found.path, ImportOutcome.THERE)
        found.file.seek(0)
        spooled = spool_stream(found.file, os.path.basename(found.path))
        taken = ingest(file.user_id, spooled, "import", priority=Priority.BULK, note=file.note)
        seen.are_there = taken.duplicate
    except (RejectedFile, Conflict) as error:
        return FileReport(found.path, ImportOutcome.REFUSED, error.code, error.detail)
    except OSError as error:
        detail = f"The file cannot be read: {error.strerror or error}."
        return FileReport(found.path, ImportOutcome.REFUSED, "unreadable", detail)
    return FileReport(found.path, ImportOutcome.THERE if taken.duplicate else ImportOutcome.ADDED)


def _hash_of(found: Candidate) -> str:
    digest = hashlib.sha256()
    found.file.seek(0)
    while data := found.file.read(_CHUNK):
        digest.update(data)
    return digest.hexdigest()


def _is_there(file: FileOfBatch, sha256: str) -> bool:
    """Whether it is in the library; one in the trash comes out of it on the usual way."""
    with transaction(file.user_id) as session:
        [rows] = db.execute(session, (_THERE, {"sha256": sha256}))
        if rows:
            file.note(session, Ingested(rows[0].id, duplicate=True))
        return bool(rows)

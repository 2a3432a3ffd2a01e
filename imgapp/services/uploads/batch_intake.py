"""Batch intake: takes the files of a batch in, behind what is uploaded by hand, and notes each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from imgapp.adapters import db
from imgapp.adapters.db import transaction
from imgapp.errors import NotSignedIn
from imgapp.models import Batch, FileOutcome, Priority, new_id, now
from imgapp.services.common.sanitize import clean_line
from imgapp.services.storage.filenames import shown_name
from imgapp.services.storage.spool import SpooledFile
from imgapp.services.uploads.ingest import Ingested, ingest
from imgapp.services.uploads.upload_metrics import UploadSource

_LONGEST_NAME = 1_000

# Sent again, what was added stays added.
_WRITE = """
    INSERT INTO batch_items AS b (
        id, batch_id, user_id, item_key, filename, created_at,
        outcome, image_id, code, detail, finished_at, attempts
    ) VALUES (
        %(id)s, %(batch_id)s, %(user_id)s, %(item_key)s, %(filename)s, %(finished_at)s,
        %(outcome)s, %(image_id)s, %(code)s, %(detail)s, %(finished_at)s, 0
    )
    ON CONFLICT (batch_id, item_key) DO UPDATE
    SET outcome = excluded.outcome, image_id = excluded.image_id, code = excluded.code,
        detail = excluded.detail, finished_at = excluded.finished_at
    WHERE (b.image_id, b.code) IS DISTINCT FROM (excluded.image_id, excluded.code)
"""


@dataclass(frozen=True)
class FileOfBatch:
    """A file that is being sent. With a `key`, it is in its batch once, however often it comes."""

    user_id: UUID
    batch_id: UUID
    filename: str
    key: str | None = None

    def note(self, session: Session, taken: Ingested) -> None:
        """What `ingest` calls: the picture and its place in the batch are there, or neither."""
        outcome = FileOutcome.DUPLICATE if taken.duplicate else FileOutcome.ADDED
        self._write(session, outcome=outcome, image_id=taken.image_id)

    def refuse(self, code: str, detail: str) -> None:
        """The file is no picture, for this reason."""
        with transaction(self.user_id) as session:
            self._write(session, outcome=FileOutcome.REFUSED, code=code, detail=detail)

    def _write(self, session: Session, **settled: Any) -> None:
        values = {"image_id": None, "code": None, "detail": None, "finished_at": now(), **settled}
        named = {
            "id": new_id(),
            "batch_id": self.batch_id,
            "user_id": self.user_id,
            "item_key": self.key,
            "filename": clean_line(self.filename)[-_LONGEST_NAME:] or None,
        }
        db.execute(session, (_WRITE, named | values))


@dataclass(frozen=True)
class Intake:
    """Takes in what one person sends: with a batch into it, and behind other uploads."""

    user_id: UUID
    source: UploadSource
    batch_id: UUID | None = None

    def add(self, spooled: SpooledFile) -> Ingested:
        """Raises what `ingest` raises; a file that is refused is not noted yet."""
        if self.batch_id is None:
            return ingest(self.user_id, spooled, self.source)
        note = self._file(self.batch_id, spooled.filename).note
        return ingest(self.user_id, spooled, self.source, priority=Priority.BULK, note=note)

    def refuse(self, filename: str, code: str, detail: str) -> None:
        """Note in the batch, if there is one, that a file is no picture."""
        if self.batch_id is not None:
            self._file(self.batch_id, filename).refuse(code, detail)

    def _file(self, batch_id: UUID, filename: str) -> FileOfBatch:
        return FileOfBatch(self.user_id, batch_id, shown_name(filename))


def open_import(user_id: UUID, name: str, key: str) -> UUID:
    """The batch of an import that begins: that of the same `key`, or a new one.

    Raises NotSignedIn when the account is gone.
    """
    at = now()
    statement = insert(Batch).values(
        id=new_id(),
        user_id=user_id,
        name=clean_line(name)[:200] or None,
        import_key=key,
        is_open=True,
        created_at=at,
        updated_at=at,
    )
    statement = statement.on_conflict_do_update(
        index_elements=["user_id", "import_key"],
        set_={"is_open": True, "cancelled_at": None, "updated_at": at},
    )
    try:
        with transaction(user_id) as session:
            found: UUID = session.execute(statement.returning(col(Batch.id))).scalar_one()
    except IntegrityError:
        raise NotSignedIn("The account does not exist any more.") from None
    return found


def close_import(user_id: UUID, batch_id: UUID) -> None:
    """The import has been through all files."""
    with transaction(user_id) as session:
        session.execute(
            update(Batch).where(col(Batch.id) == batch_id).values(is_open=False, updated_at=now())
        )

"""S3 uploads: promise clients presigned requests, and say how far an upload is.

A client asks, sends the bytes with presigned requests, and confirms; `s3_completion` then looks at
what arrived, and only what comes through the one entrance is a picture.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, select, update
from sqlmodel import Session, col

from imgapp.adapters import storage
from imgapp.adapters.db import transaction
from imgapp.adapters.storage.upload_schemas import PREFIX, ArrivedObject, IncomingObject
from imgapp.errors import Conflict, FileTooLarge, InvalidRequest, NotFound
from imgapp.models import DirectUpload, ErrorInfo, Shape, UploadState, new_id, now
from imgapp.services.common.one_at_a_time import one_at_a_time
from imgapp.services.storage.filenames import shown_name
from imgapp.services.uploads import quotas
from imgapp.settings import get_settings

if TYPE_CHECKING:
    # Brings boto3, which only a bucket needs.
    from imgapp.adapters.storage.presigned_uploads import Incoming

LIFE = timedelta(hours=24)
"""So long a client may take for its bytes."""
LINK_LIFE = timedelta(minutes=15)
"""So long a presigned request may be begun; a client asks for new ones after that."""
MOST_OPEN = 1_000
MOST_PARTS = 1_000
_MEGABYTE = 1024 * 1024
SINGLE_BYTES = 16 * _MEGABYTE
"""What is larger arrives in parts."""
PART_BYTES = 8 * _MEGABYTE
BEING_SAVED = "upload_being_saved"
UNDER_WAY = (UploadState.OPEN, UploadState.SAVING)


class NewUpload(BaseModel):
    """A file that is about to be sent. With its SHA-256, one that you have is not sent at all."""

    model_config = ConfigDict(extra="forbid")

    filename: str = Field(min_length=1, max_length=1_000)
    size: int = Field(ge=1, le=10**12, description="Bytes")
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    content_type: str | None = Field(
        default=None,
        max_length=100,
        pattern=r"^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+$",
        description="Bound by the signature if it is given; the content alone says what it is",
    )
    batch: UUID | None = Field(default=None, description="The batch that it belongs to")


class PartNumbers(BaseModel):
    """Parts to send, or to send again."""

    model_config = ConfigDict(extra="forbid")

    numbers: list[Annotated[int, Field(ge=1, le=MOST_PARTS)]] = Field(
        min_length=1, max_length=MOST_PARTS
    )


class PartRequest(Shape):
    number: int
    size: int = Field(description="Bytes; no other number is taken")
    url: str


class UploadRequests(Shape):
    """Presigned requests. `url` takes the whole file, or `parts` take a part each."""

    id: UUID
    method: Literal["PUT"] = "PUT"
    url: str | None
    headers: dict[str, str] = Field(description="To be sent with every request, as they are")
    part_size: int | None = Field(description="Bytes of every part but the last")
    parts: list[PartRequest]
    urls_expire_at: datetime = Field(description="Requests begin before; ask for new ones after")
    expires_at: datetime = Field(description="What was not confirmed by then is removed")


class PartStatus(Shape):
    number: int
    size: int
    arrived: bool


class UploadStatus(Shape):
    """Where an upload is. `image_id` once it is a picture, `error` once it was refused."""

    id: UUID
    state: UploadState
    filename: str
    size: int
    sha256: str | None
    part_size: int | None
    parts: list[PartStatus]
    created_at: datetime
    expires_at: datetime
    image_id: UUID | None
    error: ErrorInfo | None


def begin(user_id: UUID, new: NewUpload) -> UploadRequests:
    """Promise to take a file, and say where to send it.

    Raises Conflict (`direct_uploads_unavailable`, `too_many_uploads`), FileTooLarge, QuotaExceeded,
    StoreUnavailable.
    """
    incoming = current_incoming()
    if new.size > get_settings().max_upload_bytes:
        raise FileTooLarge(f"The file is larger than {get_settings().max_upload_mb} MB.")
    upload = _row(user_id, new, incoming.bucket)
    with transaction(user_id) as session:
        _check_room(session, user_id, new.size)
        session.add(upload)
    try:
        numbers = range(1, part_count(upload) + 1)
        return _requests(incoming, upload, list(numbers))
    except BaseException:
        _forget(upload)
        raise


def get_upload(user_id: UUID, upload_id: UUID) -> UploadStatus:
    """How far an upload is, asked of the store while it is open. Raises NotFound."""
    upload = fetch(user_id, upload_id)
    if upload.state == UploadState.OPEN:
        arrived = _arrived(incoming_of(upload), upload)
    else:
        arrived = set(part_sizes(upload)) if upload.state != UploadState.FAILED else set()
    return UploadStatus(
        **upload.model_dump(include=set(UploadStatus.model_fields) - {"part_size"}),
        part_size=upload.part_size if in_parts(upload) else None,
        parts=[
            PartStatus(number=number, size=size, arrived=number in arrived)
            for number, size in part_sizes(upload).items()
        ],
        error=error_of(upload),
    )


def request_parts(user_id: UUID, upload_id: UUID, numbers: list[int]) -> UploadRequests:
    """New presigned requests. Raises NotFound, Conflict (`upload_ended`), InvalidRequest."""
    upload = fetch(user_id, upload_id)
    if upload.state != UploadState.OPEN:
        raise Conflict("This upload takes no more bytes.", code="upload_ended")
    if max(numbers) > part_count(upload):
        raise InvalidRequest(
            f"This upload has {part_count(upload)} parts, counted from 1.", code="invalid_part"
        )
    return _requests(incoming_of(upload), upload, sorted(set(numbers)))


def cancel(user_id: UUID, upload_id: UUID) -> None:
    """Give an upload up; what arrived is removed. Raises NotFound, Conflict
    (`upload_being_saved`)."""
    upload = fetch(user_id, upload_id)
    with transaction(user_id) as session:
        gone = session.execute(
            delete(DirectUpload)
            .where(col(DirectUpload.id) == upload_id)
            .where(col(DirectUpload.state) != UploadState.SAVING)
        )
        if not gone.rowcount:  # type: ignore[attr-defined]
            raise being_saved()
    # Only now: were the process killed between, `s3_cleanup` finds what nobody knows.
    incoming_of(upload).discard([place_of(upload)])


def current_incoming() -> Incoming:
    """Where new uploads go. Raises Conflict (`direct_uploads_unavailable`)."""
    return _of_store(storage.get_store())


def incoming_of(upload: DirectUpload) -> Incoming:
    """Where this upload goes. Raises Conflict (`direct_uploads_unavailable`)."""
    return _of_store(storage.get_store(upload.s3_bucket))


def fetch(user_id: UUID, upload_id: UUID) -> DirectUpload:
    """A row that has not expired. Raises NotFound, also when it is somebody else's."""
    query = select(DirectUpload).where(
        col(DirectUpload.id) == upload_id, col(DirectUpload.expires_at) > now()
    )
    with transaction(user_id) as session:
        upload: DirectUpload | None = session.execute(query).scalar_one_or_none()
    if upload is None:
        raise NotFound
    return upload


def in_parts(upload: DirectUpload) -> bool:
    """Whether it arrives in several requests."""
    return upload.part_size < upload.size


def part_count(upload: DirectUpload) -> int:
    """In how many requests it arrives."""
    return -(-upload.size // upload.part_size)


def part_sizes(upload: DirectUpload) -> dict[int, int]:
    """The bytes of each part, by number from 1."""
    whole, last = divmod(upload.size, upload.part_size)
    sizes = [upload.part_size] * whole + ([last] if last else [])
    return dict(enumerate(sizes, start=1))


def missing_parts(upload: DirectUpload, arrived: dict[int, ArrivedObject]) -> list[int]:
    """Numbers of parts that are not there, or not whole."""
    return [
        number
        for number, size in part_sizes(upload).items()
        if number not in arrived or arrived[number].size != size
    ]


def place_of(upload: DirectUpload) -> IncomingObject:
    """Where in the store its bytes are."""
    return IncomingObject(upload.s3_key, upload.multipart_id)


def error_of(upload: DirectUpload) -> ErrorInfo | None:
    """Why it was refused."""
    if upload.error_code is None:
        return None
    return ErrorInfo(code=upload.error_code, message=upload.error_detail or "")


def being_saved() -> Conflict:
    """What is said while somebody else takes the upload in."""
    return Conflict("This upload is being saved right now.", code=BEING_SAVED)


def _of_store(store: storage.Store) -> Incoming:
    if store.incoming is None:
        raise Conflict(
            "Pictures are kept on the server's disk, which takes no direct uploads: send files to"
            " POST /api/upload.",
            code="direct_uploads_unavailable",
        )
    return store.incoming


def _row(user_id: UUID, new: NewUpload, bucket: str) -> DirectUpload:
    upload_id = new_id()
    smallest = -(-new.size // MOST_PARTS)
    part_size = max(PART_BYTES, -(-smallest // _MEGABYTE) * _MEGABYTE)
    return DirectUpload(
        id=upload_id,
        user_id=user_id,
        filename=shown_name(new.filename),
        size=new.size,
        sha256=new.sha256,
        content_type=new.content_type,
        batch_id=new.batch,
        s3_bucket=bucket,
        s3_key=f"{PREFIX}{user_id}/{upload_id}",
        part_size=new.size if new.size <= SINGLE_BYTES else part_size,
        expires_at=now() + LIFE,
    )


def _check_room(session: Session, user_id: UUID, size: int) -> None:
    """What was promised to others of the person's uploads counts as if it were there."""
    one_at_a_time(session, user_id, "uploads")
    promised = select(func.count(), func.coalesce(func.sum(DirectUpload.size), 0)).where(
        col(DirectUpload.state).in_(UNDER_WAY), col(DirectUpload.expires_at) > now()
    )
    uploads, taken = session.execute(promised).one()
    if uploads >= MOST_OPEN:
        raise Conflict(
            f"You have {MOST_OPEN:,} uploads that are not completed. Complete or delete some.",
            code="too_many_uploads",
        )
    quotas.check_promise(session, images=uploads + 1, size=int(taken) + size)


def _requests(incoming: Incoming, upload: DirectUpload, numbers: list[int]) -> UploadRequests:
    until = min(now() + LINK_LIFE, upload.expires_at)
    seconds = max(1, int((until - now()).total_seconds()))
    url, headers = None, dict[str, str]()
    parts: list[PartRequest] = []
    if in_parts(upload):
        multipart_id = upload.multipart_id or _begin_parts(incoming, upload)
        sizes = part_sizes(upload)
        for number in numbers:
            signed = incoming.part_request(
                upload.s3_key, multipart_id, number, sizes[number], seconds
            )
            parts.append(PartRequest(number=number, size=sizes[number], url=signed))
    else:
        url, headers = incoming.put_request(
            upload.s3_key, upload.size, upload.content_type, seconds
        )
    return UploadRequests(
        id=upload.id,
        url=url,
        headers=headers,
        part_size=upload.part_size if in_parts(upload) else None,
        parts=parts,
        urls_expire_at=until,
        expires_at=upload.expires_at,
    )


def _begin_parts(incoming: Incoming, upload: DirectUpload) -> str:
    """Start the parts; whoever comes second takes those of the first."""
    begun = incoming.begin_parts(upload.s3_key)
    known = col(DirectUpload.multipart_id)
    with transaction(upload.user_id) as session:
        kept: str | None = session.execute(
            update(DirectUpload)
            .where(col(DirectUpload.id) == upload.id)
            .values(multipart_id=func.coalesce(known, begun))
            .returning(known)
        ).scalar_one_or_none()
    if kept is None:
        raise NotFound
    upload.multipart_id = kept
    return kept


def _arrived(incoming: Incoming, upload: DirectUpload) -> set[int]:
    if in_parts(upload):
        if upload.multipart_id is None:
            return set()
        found = incoming.arrived_parts(upload.s3_key, upload.multipart_id)
        if found is not None:
            return set(part_sizes(upload)) - set(missing_parts(upload, found))
    whole = incoming.size_of(upload.s3_key) == upload.size
    return set(part_sizes(upload)) if whole else set()


def _forget(upload: DirectUpload) -> None:
    with transaction(upload.user_id) as session:
        session.execute(delete(DirectUpload).where(col(DirectUpload.id) == upload.id))

"""The tables, the shapes that leave them, and the rules of a picture's status.

Rows never leave the services: what the API, the page and the command line get are the plain shapes
at the end of this module.
"""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, Any, cast

import uuid_utils
from pydantic import BaseModel, ConfigDict
from pydantic import Field as PydanticField
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


def new_id() -> uuid.UUID:
    """A version 7 UUID (RFC 9562): unique, and sorted by the time it was made."""
    return uuid.UUID(bytes=uuid_utils.uuid7().bytes)


def now() -> datetime:
    """The current time, with its zone."""
    return datetime.now(UTC)


class AnalysisStatus(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


class WaitingReason(StrEnum):
    """Why a pending picture is not being analysed."""

    BUDGET = "budget"
    PAUSED = "paused"
    PROVIDER_DOWN = "provider_down"


class FileOutcome(StrEnum):
    """What became of a file of a batch, so far."""

    WAITING = "waiting"
    FETCHING = "fetching"
    ADDED = "added"
    DUPLICATE = "duplicate"
    """Its owner had a picture of these very bytes."""
    REFUSED = "refused"
    CANCELLED = "cancelled"


class RunOutcome(StrEnum):
    """What became of a picture of a run, so far."""

    WAITING = "waiting"
    QUEUED = "queued"
    COMPLETED = "completed"
    REUSED = "reused"
    """An earlier answer to the same question was taken again."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """It went to the trash, or was asked for otherwise in the meantime."""
    CANCELLED = "cancelled"


class WrittenBy(StrEnum):
    """Who wrote a text field. What a person wrote is never overwritten by a model."""

    PERSON = "person"
    MODEL = "model"


class Priority(IntEnum):
    """Lower goes first."""

    INTERACTIVE = 0
    BULK = 10


class WebhookEvent(StrEnum):
    """What a webhook can be told of."""

    ANALYSIS_COMPLETED = "analysis.completed"
    ANALYSIS_FAILED = "analysis.failed"


class DeliveryState(StrEnum):
    """Where a delivery is: `cancelled` is one that nobody wants any more."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Scope(StrEnum):
    READ = "read"
    WRITE = "write"


class UploadState(StrEnum):
    """Where a direct upload is: bytes arriving, being taken in, a picture, refused."""

    OPEN = "open"
    SAVING = "saving"
    COMPLETED = "completed"
    FAILED = "failed"


def _timestamp(**kwargs: Any) -> Any:
    return Field(sa_type=DateTime(timezone=True), **kwargs)


def _text_or_null() -> Any:
    return Field(default=None, sa_type=Text)


class User(SQLModel, table=True):
    """A person. `email` is unique whatever its case (index on lower(email))."""

    __tablename__ = "users"
    __table_args__ = (
        Index("users_email_key", text("lower(email)"), unique=True),
        Index("users_deleting", "deleting_at", postgresql_where=text("deleting_at IS NOT NULL")),
        Index("users_over_budget", "id", postgresql_where=text("over_budget")),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    email: str = Field(sa_type=Text)
    password_hash: str | None = _text_or_null()
    is_admin: bool = False
    disabled_at: datetime | None = _timestamp(default=None)
    created_at: datetime = _timestamp(default_factory=now)
    last_claimed_at: datetime | None = _timestamp(default=None)
    """When the worker last took one of this person's pictures: people take turns."""
    quota_bytes: int | None = Field(default=None, sa_type=BigInteger)
    """null quotas are the installation's."""
    quota_images: int | None = None
    deleting_at: datetime | None = _timestamp(default=None)
    """Signed out for good; the worker removes what is theirs, and this row last."""
    last_seen_at: datetime | None = _timestamp(default=None)
    password_changed_at: datetime | None = _timestamp(default=None)
    password_is_temporary: bool = False
    """Somebody else chose it."""
    self_registered: bool = False
    """Nobody has shown that the address is theirs: whoever typed it made the account."""
    budget: Decimal | None = Field(default=None, sa_type=Numeric)
    """US dollars a month; null is the installation's `person_budget`."""
    over_budget: bool = False
    """Noted by the sweep for those who have pictures waiting."""


class Preferences(SQLModel, table=True):
    """What a person has said of all their pictures. There is no row before they say something."""

    __tablename__ = "preferences"

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    language: str | None = _text_or_null()
    """What to write in (BCP 47)."""
    context: str | None = _text_or_null()
    glossary: str | None = _text_or_null()
    vocabulary: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    """Tags of their own."""
    never_cloud: bool = False
    paused: bool = False
    paused_at: datetime | None = _timestamp(default=None)
    """Set by the database, as `updated_at` is."""
    updated_at: datetime = _timestamp(default_factory=now)


class Prompt(SQLModel, table=True):
    """A version of what a person asks of models; the newest holds."""

    __tablename__ = "prompts"

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    number: int = Field(primary_key=True)
    template: str | None = _text_or_null()
    """null: what everybody asks."""
    created_at: datetime = _timestamp(default_factory=now)


class InstallationPrompt(SQLModel, table=True):
    """A version of what everybody asks who has said nothing of their own; the newest holds."""

    __tablename__ = "installation_prompts"

    number: int = Field(primary_key=True)
    template: str | None = _text_or_null()
    """null: what is built in."""
    author: str = Field(sa_type=Text)
    created_at: datetime = _timestamp(default_factory=now)


class PromptTrial(SQLModel, table=True):
    """A question about one picture, of a prompt that is tried before it is saved."""

    __tablename__ = "prompt_trials"
    __table_args__ = (
        UniqueConstraint("trial_id", "image_id", "side", name="prompt_trials_question_key"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    trial_id: uuid.UUID
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    image_id: uuid.UUID = Field(foreign_key="images.id", ondelete="CASCADE", index=True)
    side: str = Field(sa_type=Text)
    """`now` is the prompt as it is, `new` the one that is tried."""
    template: str = Field(sa_type=Text)
    prompt_version: str = Field(sa_type=Text)
    state: str = Field(default="waiting", sa_type=Text)
    """`waiting`, `asking`, `answered` or `failed`."""
    created_at: datetime = _timestamp(default_factory=now)
    started_at: datetime | None = _timestamp(default=None)
    finished_at: datetime | None = _timestamp(default=None)
    answer: dict[str, Any] | None = Field(default=None, sa_type=cast(Any, JSONB(none_as_null=True)))
    model_version: str | None = _text_or_null()
    processing_time: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = Field(default=None, sa_type=Numeric)
    error_code: str | None = _text_or_null()
    error_message: str | None = _text_or_null()


class Installation(SQLModel, table=True):
    """What administrators decide for everybody while imgapp runs: one row. null is no limit."""

    __tablename__ = "installation"

    id: int = Field(default=1, primary_key=True)
    paused: bool = False
    paused_at: datetime | None = _timestamp(default=None)
    max_in_flight: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    models: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    """Those that people may choose, besides the one of the settings."""
    prices: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """By model, US dollars for a million tokens: {"input": …, "output": …}."""
    budget: Decimal | None = Field(default=None, sa_type=Numeric)
    """US dollars a month, for everybody together."""
    person_budget: Decimal | None = Field(default=None, sa_type=Numeric)
    """US dollars a month, for one person."""
    updated_at: datetime = _timestamp(default_factory=now)


class UsageMonth(SQLModel, table=True):
    """What models took of a person in a month, by the model that was asked."""

    __tablename__ = "usage_months"
    __table_args__ = (Index("usage_months_by_month", "month", "model"),)

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    month: date = Field(primary_key=True)
    """Its first day, by the clock of UTC."""
    model: str = Field(sa_type=Text, primary_key=True)
    answers: int
    failures: int
    """Those that the server reported tokens for."""
    unpriced: int
    """Calls of which nobody knows what they cost."""
    input_tokens: int = Field(sa_type=BigInteger)
    output_tokens: int = Field(sa_type=BigInteger)
    cost: Decimal = Field(sa_type=Numeric)
    """US dollars."""


class UsageRemoved(SQLModel, table=True):
    """The same of people who were removed, together."""

    __tablename__ = "usage_removed"

    month: date = Field(primary_key=True)
    model: str = Field(sa_type=Text, primary_key=True)
    answers: int
    failures: int
    unpriced: int
    input_tokens: int = Field(sa_type=BigInteger)
    output_tokens: int = Field(sa_type=BigInteger)
    cost: Decimal = Field(sa_type=Numeric)


class ModelCall(SQLModel, table=True):
    """A call of a model that is under way. Its row goes when what it cost is written down."""

    __tablename__ = "model_calls"
    __table_args__ = (Index("model_calls_expires", "expires_at"),)

    id: uuid.UUID = Field(primary_key=True)
    """The lease of its picture, if it has one."""
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    model: str = Field(sa_type=Text)
    reserved: Decimal = Field(sa_type=Numeric)
    """US dollars of the budgets, until then."""
    expires_at: datetime = _timestamp()


class ProviderState(SQLModel, table=True):
    """The breaker: how a model of a server fares, or the picture store (`store`, '')."""

    __tablename__ = "provider_state"

    server: str = Field(sa_type=Text, primary_key=True)
    """A hash of its address and key, which may be secrets."""
    model: str = Field(sa_type=Text, primary_key=True)
    failures: int = 0
    """In a row, over all workers."""
    openings: int = 0
    opened_at: datetime | None = _timestamp(default=None)
    """Since when it is left alone; null once it answers."""
    open_until: datetime | None = _timestamp(default=None)
    """Then one picture tries."""
    held_until: datetime | None = _timestamp(default=None)
    """Asked for by the server (`Retry-After`)."""
    probe_lease: uuid.UUID | None = None
    code: str | None = _text_or_null()
    message: str | None = _text_or_null()
    """Of the last failure, for people."""
    updated_at: datetime = _timestamp(default_factory=now)


class UserSession(SQLModel, table=True):
    """A browser that is signed in. Only the SHA-256 of the cookie is stored."""

    __tablename__ = "sessions"

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    token_hash: str = Field(sa_type=Text, unique=True)
    created_at: datetime = _timestamp(default_factory=now)
    expires_at: datetime = _timestamp()
    last_seen_at: datetime = _timestamp(default_factory=now)
    user_agent: str = Field(default="", sa_type=Text)
    address: str = Field(default="", sa_type=Text)
    auth_method: str = Field(default="password", sa_type=Text)
    """How the person proved who they are: `password` or `oidc`."""


class Identity(SQLModel, table=True):
    """A person as a single sign-on provider knows them."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject", name="identities_issuer_subject_key"),)

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    issuer: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    email: str | None = _text_or_null()
    created_at: datetime = _timestamp(default_factory=now)
    last_used_at: datetime | None = _timestamp(default=None)


class StorageUsage(SQLModel, table=True):
    """What a person's pictures take, the trash included. Counted by the database, at each change.

    There is no row before the first picture.
    """

    __tablename__ = "storage_usage"

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    images: int
    bytes: int = Field(sa_type=BigInteger)
    listed: int
    """Those outside the trash."""


class AuditEvent(SQLModel, table=True):
    """Something that somebody did. Only added to; it outlives the person."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("audit_events_newest", text("at DESC"), text("id DESC")),
        Index("audit_events_by_kind", "kind", text("at DESC"), text("id DESC")),
        Index("audit_events_by_person", "user_id", text("at DESC")),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = _timestamp(default_factory=now)
    user_id: uuid.UUID | None = None
    actor_email: str | None = _text_or_null()
    kind: str = Field(sa_type=Text)
    address: str = Field(default="", sa_type=Text)
    user_agent: str = Field(default="", sa_type=Text)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)


class AccessToken(SQLModel, table=True):
    """A personal access token. Only its SHA-256 is stored; `hint` is its first characters."""

    __tablename__ = "tokens"

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    name: str = Field(sa_type=Text)
    token_hash: str = Field(sa_type=Text, unique=True)
    hint: str = Field(sa_type=Text)
    scopes: list[str] = Field(sa_type=ARRAY(Text))
    created_at: datetime = _timestamp(default_factory=now)
    expires_at: datetime | None = _timestamp(default=None)
    last_used_at: datetime | None = _timestamp(default=None)


class Image(SQLModel, table=True):
    """A picture, its place in the queue and its current text. null text is unknown."""

    __tablename__ = "images"
    __table_args__ = (
        UniqueConstraint("user_id", "sha256", name="images_user_id_sha256_key"),
        Index(
            "images_gallery",
            "user_id",
            text("uploaded_at DESC"),
            text("id DESC"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "images_by_status",
            "analysis_status",
            "user_id",
            text("uploaded_at DESC"),
            text("id DESC"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("images_changes", "user_id", "updated_at", "id"),
        Index(
            "images_due",
            "priority",
            "user_id",
            "lane",
            "due_at",
            "id",
            postgresql_where=text("analysis_status = 'pending' AND deleted_at IS NULL"),
        ),
        Index(
            "images_waiting",
            "user_id",
            "lane",
            "waiting_reason",
            "id",
            postgresql_where=text("analysis_status = 'pending' AND deleted_at IS NULL"),
        ),
        Index(
            "images_leased",
            "lease_expires_at",
            postgresql_where=text("analysis_status = 'in_progress'"),
        ),
        Index("images_trash", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
        Index(
            "images_tags",
            "tags",
            postgresql_using="gin",
            postgresql_with={"fastupdate": False},
        ),
        Index(
            "images_finished",
            "user_id",
            "completed_at",
            postgresql_where=text("completed_at IS NOT NULL AND deleted_at IS NULL"),
        ),
        Index(
            "images_failed",
            "user_id",
            "error_code",
            text("completed_at DESC"),
            text("id DESC"),
            postgresql_where=text("analysis_status = 'failed' AND deleted_at IS NULL"),
        ),
        # Without it, removing a picture reads the whole table for each of its analyses.
        Index("images_analysis", "analysis_id", postgresql_where=text("analysis_id IS NOT NULL")),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    filename: str = Field(sa_type=Text)
    s3_key: str = Field(sa_type=Text)
    s3_bucket: str = Field(sa_type=Text)
    mime_type: str = Field(sa_type=Text)
    file_size: int = Field(sa_type=BigInteger)
    sha256: str = Field(sa_type=Text)
    width: int
    height: int
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """What the file says of itself: camera, lens, exposure, taken_at, … (never GPS)."""
    uploaded_at: datetime = _timestamp(default_factory=now)
    updated_at: datetime = _timestamp(default_factory=now)
    """Set by the database, at every change of what is shown of the picture."""
    deleted_at: datetime | None = _timestamp(default=None)

    analysis_status: str = Field(default=AnalysisStatus.PENDING, sa_type=Text)
    waiting_reason: str | None = _text_or_null()
    priority: int = Field(default=Priority.INTERACTIVE)
    queued_at: datetime = _timestamp(default_factory=now)
    due_at: datetime = _timestamp(default_factory=now)
    started_at: datetime | None = _timestamp(default=None)
    completed_at: datetime | None = _timestamp(default=None)
    lease_id: uuid.UUID | None = None
    lease_expires_at: datetime | None = _timestamp(default=None)
    attempts: int = 0
    """Attempts that the model answered or failed, since the picture was last queued."""
    lost_attempts: int = 0
    """Attempts lost to a killed worker, since the picture was last queued."""
    error_code: str | None = _text_or_null()
    error_message: str | None = _text_or_null()
    never_cloud: bool = False
    context: str | None = _text_or_null()
    """What the describer should know of this picture."""
    ask: dict[str, Any] | None = Field(default=None, sa_type=cast(Any, JSONB(none_as_null=True)))
    """How the request that is queued is to be answered: model, language, detail, run_id, reuse."""
    lane: str = Field(default="", sa_type=Text)
    """Which model is asked, as the database derives it from `ask` and `never_cloud`: '' is the one
    of the settings, '!' in front is never sent to a cloud."""

    analysis_id: uuid.UUID | None = Field(
        default=None,
        sa_column=Column(
            # The two tables point at each other, so this key is added after both exist.
            ForeignKey(
                "image_analyses.id",
                name="images_analysis_id_fkey",
                ondelete="SET NULL",
                use_alter=True,
            )
        ),
    )
    """The newest analysis."""
    alt_text: str | None = _text_or_null()
    alt_text_by: str | None = _text_or_null()
    description: str | None = _text_or_null()
    description_by: str | None = _text_or_null()
    tags: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    tags_by: str | None = _text_or_null()
    visible_text: str | None = _text_or_null()
    visible_text_by: str | None = _text_or_null()
    decorative: bool | None = None
    decorative_by: str | None = _text_or_null()
    language: str | None = _text_or_null()
    language_by: str | None = _text_or_null()
    choices: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """By field, what the person decided: {"from": model} took its text from an analysis, {"kept":
    id} keeps it against that analysis."""


class Progress(SQLModel, table=True):
    """Since when a person has had pictures waiting. There is a row as long as something waits."""

    __tablename__ = "progress"

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    since: datetime = _timestamp()


class ImageDeletion(SQLModel, table=True):
    """A picture that was removed for good: written by the database, kept for a month."""

    __tablename__ = "image_deletions"
    __table_args__ = (Index("image_deletions_changes", "user_id", "deleted_at", "image_id"),)

    image_id: uuid.UUID = Field(primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    deleted_at: datetime = _timestamp()


class StoreRemoval(SQLModel, table=True):
    """A picture's place in a store that is to be emptied, unless its row gets there first."""

    __tablename__ = "store_removals"
    __table_args__ = (
        UniqueConstraint("user_id", "image_id", "s3_bucket", name="store_removals_place_key"),
        Index("store_removals_due", "due_at"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID
    image_id: uuid.UUID
    s3_bucket: str = Field(sa_type=Text)
    due_at: datetime = _timestamp()
    attempts: int = 0


class ImageAnalysis(SQLModel, table=True):
    """One answer of a describer. Never changed; a new analysis adds a row."""

    __tablename__ = "image_analyses"
    __table_args__ = (
        Index("image_analyses_history", "image_id", text("created_at DESC")),
        Index("image_analyses_by_model", "user_id", "model_version", "id"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    image_id: uuid.UUID = Field(foreign_key="images.id", ondelete="CASCADE")
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    lease_id: uuid.UUID | None = Field(default=None, unique=True)
    """The lease under which it was made: one answer per lease, whatever is retried."""
    description: str | None = _text_or_null()
    alt_text: str | None = _text_or_null()
    tags: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    visible_text: str | None = _text_or_null()
    decorative: bool | None = None
    language: str | None = _text_or_null()
    processing_time: float
    created_at: datetime = _timestamp(default_factory=now)
    """When the describer was asked."""
    completed_at: datetime = _timestamp(default_factory=now)
    model_version: str = Field(sa_type=Text)
    prompt_version: str | None = _text_or_null()
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    """In US dollars, where a price is known."""
    detail: str | None = _text_or_null()
    asked: str | None = _text_or_null()
    """A hash of the whole question: the same again gets this answer, in runs that reuse."""
    reused_from: uuid.UUID | None = None
    """The analysis that this one repeats; nothing was asked for it."""
    run_id: uuid.UUID | None = None


class Run(SQLModel, table=True):
    """Pictures of a person that are analysed again together."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("runs_newest", "user_id", text("created_at DESC"), text("id DESC")),
        Index("runs_open", "id", postgresql_where=text("finished_at IS NULL")),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    chosen: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """What was asked for: a filter, or how many pictures by their ids."""
    model: str | None = _text_or_null()
    language: str | None = _text_or_null()
    detail: str | None = _text_or_null()
    reuse: bool = True
    total: int = 0
    created_at: datetime = _timestamp(default_factory=now)
    cancelled_at: datetime | None = _timestamp(default=None)
    finished_at: datetime | None = _timestamp(default=None)


class RunItem(SQLModel, table=True):
    """A picture of a run, and what became of it. The database notes how its request ends."""

    __tablename__ = "run_items"
    __table_args__ = (
        Index("run_items_by_outcome", "run_id", "outcome", "image_id"),
        Index("run_items_image", "image_id"),
        Index("run_items_person", "user_id"),
    )

    run_id: uuid.UUID = Field(foreign_key="runs.id", ondelete="CASCADE", primary_key=True)
    image_id: uuid.UUID = Field(foreign_key="images.id", ondelete="CASCADE", primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    outcome: str = Field(default=RunOutcome.WAITING, sa_type=Text)
    finished_at: datetime | None = _timestamp(default=None)
    was: dict[str, Any] | None = Field(default=None, sa_type=cast(Any, JSONB(none_as_null=True)))
    """How the picture stood before it was queued."""


class IdempotencyKey(SQLModel, table=True):
    """The answer to an upload that named an `Idempotency-Key`, kept for a day."""

    __tablename__ = "idempotency_keys"

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    key: str = Field(sa_type=Text, primary_key=True)
    fingerprint: str = Field(sa_type=Text)
    status_code: int | None = None
    response: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    created_at: datetime = _timestamp(default_factory=now)


class DirectUpload(SQLModel, table=True):
    """A file that its owner sends straight to the bucket, until it is a picture."""

    __tablename__ = "direct_uploads"
    __table_args__ = (
        Index("direct_uploads_expires", "expires_at"),
        Index(
            "direct_uploads_leased",
            "lease_expires_at",
            postgresql_where=text("state = 'saving'"),
        ),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    filename: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigInteger)
    sha256: str | None = _text_or_null()
    """What the client says of the bytes; checked once they are there."""
    content_type: str | None = _text_or_null()
    batch_id: uuid.UUID | None = None
    s3_bucket: str = Field(sa_type=Text)
    s3_key: str = Field(sa_type=Text)
    multipart_id: str | None = _text_or_null()
    part_size: int
    """Bytes; one part is a single request."""
    state: str = Field(default=UploadState.OPEN, sa_type=Text)
    created_at: datetime = _timestamp(default_factory=now)
    expires_at: datetime = _timestamp()
    attempts: int = 0
    lease_id: uuid.UUID | None = None
    lease_expires_at: datetime | None = _timestamp(default=None)
    image_id: uuid.UUID | None = None
    duplicate: bool = False
    error_code: str | None = _text_or_null()
    error_detail: str | None = _text_or_null()


class Batch(SQLModel, table=True):
    """Pictures that came together. The files by outcome are counted by the database."""

    __tablename__ = "batches"
    __table_args__ = (
        UniqueConstraint("user_id", "import_key", name="batches_user_id_import_key_key"),
        Index("batches_newest", "user_id", text("created_at DESC"), text("id DESC")),
        Index("batches_old", "updated_at"),
        Index(
            "batches_cancelled",
            "id",
            postgresql_where=text("cancelled_at IS NOT NULL AND waiting > 0"),
        ),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    name: str | None = _text_or_null()
    context: str | None = _text_or_null()
    """What the describer should know of its pictures."""
    import_key: str | None = _text_or_null()
    """Which folder an import reads: the same one goes on in the same batch."""
    is_open: bool = False
    """An import is under way, or was interrupted."""
    created_at: datetime = _timestamp(default_factory=now)
    updated_at: datetime = _timestamp(default_factory=now)
    cancelled_at: datetime | None = _timestamp(default=None)
    waiting: int = 0
    fetching: int = 0
    added: int = 0
    duplicate: int = 0
    refused: int = 0
    cancelled: int = 0


class BatchItem(SQLModel, table=True):
    """A file of a batch, and what became of it. One with a URL is fetched by a worker."""

    __tablename__ = "batch_items"
    __table_args__ = (
        UniqueConstraint("batch_id", "item_key", name="batch_items_batch_id_item_key_key"),
        Index("batch_items_listed", "batch_id", "id"),
        Index("batch_items_by_outcome", "batch_id", "outcome", "id"),
        Index(
            "batch_items_waiting",
            "user_id",
            "host",
            "due_at",
            "id",
            postgresql_where=text("outcome = 'waiting'"),
        ),
        Index(
            "batch_items_fetching",
            "lease_expires_at",
            postgresql_where=text("outcome = 'fetching'"),
        ),
        Index("batch_items_image", "image_id", postgresql_where=text("image_id IS NOT NULL")),
        Index("batch_items_person", "user_id"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    batch_id: uuid.UUID = Field(foreign_key="batches.id", ondelete="CASCADE")
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    item_key: str | None = _text_or_null()
    """Of an import: the file's path, hashed; a file is in a batch once."""
    filename: str | None = _text_or_null()
    url: str | None = _text_or_null()
    host: str | None = _text_or_null()
    outcome: str = Field(sa_type=Text)
    image_id: uuid.UUID | None = Field(default=None, foreign_key="images.id", ondelete="SET NULL")
    code: str | None = _text_or_null()
    detail: str | None = _text_or_null()
    created_at: datetime = _timestamp(default_factory=now)
    finished_at: datetime | None = _timestamp(default=None)
    due_at: datetime | None = _timestamp(default=None)
    attempts: int = 0
    lost_attempts: int = 0
    lease_id: uuid.UUID | None = None
    lease_expires_at: datetime | None = _timestamp(default=None)


class FetchRest(SQLModel, table=True):
    """A server that asked for a rest while one person's pictures were fetched from it."""

    __tablename__ = "fetch_rests"

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    host: str = Field(sa_type=Text, primary_key=True)
    until: datetime = _timestamp()


class Webhook(SQLModel, table=True):
    """Where a person wants to be told of their pictures. Its secret is nowhere: it is derived."""

    __tablename__ = "webhooks"

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    name: str = Field(default="", sa_type=Text)
    url: str = Field(sa_type=Text)
    events: list[str] = Field(sa_type=ARRAY(Text))
    secret_version: int = 1
    secret_rotated_at: datetime | None = _timestamp(default=None)
    created_at: datetime = _timestamp(default_factory=now)
    disabled_at: datetime | None = _timestamp(default=None)
    disabled_reason: str | None = _text_or_null()
    """`person`, `gone` (the receiver said so) or `failing`."""
    failing_since: datetime | None = _timestamp(default=None)
    """null once a delivery arrived."""
    last_claimed_at: datetime | None = _timestamp(default=None)


class WebhookDelivery(SQLModel, table=True):
    """Something that a webhook is to be told. Written by the database when an analysis ends."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("webhook_deliveries_newest", "webhook_id", text("occurred_at DESC"), text("id DESC")),
        Index(
            "webhook_deliveries_due",
            "webhook_id",
            "due_at",
            "id",
            postgresql_where=text("state = 'pending' AND lease_id IS NULL"),
        ),
        Index(
            "webhook_deliveries_leased",
            "lease_expires_at",
            postgresql_where=text("lease_id IS NOT NULL"),
        ),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    webhook_id: uuid.UUID = Field(foreign_key="webhooks.id", ondelete="CASCADE")
    event: str = Field(sa_type=Text)
    image_id: uuid.UUID | None = None
    occurred_at: datetime = _timestamp(default_factory=now)
    state: str = Field(default=DeliveryState.PENDING, sa_type=Text)
    attempts: int = 0
    due_at: datetime = _timestamp(default_factory=now)
    lease_id: uuid.UUID | None = None
    lease_expires_at: datetime | None = _timestamp(default=None)
    payload: str | None = _text_or_null()
    """Put together at the first attempt; the same bytes ever after."""
    attempted_at: datetime | None = _timestamp(default=None)
    finished_at: datetime | None = _timestamp(default=None)
    response_status: int | None = None
    seconds: float | None = None
    error_code: str | None = _text_or_null()
    error_message: str | None = _text_or_null()


# Shapes that leave the services.


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class AnalysisSummary(Shape):
    id: uuid.UUID
    model_version: str
    processing_time: float = PydanticField(description="Seconds the describer took")
    created_at: datetime
    completed_at: datetime | None


class ErrorInfo(Shape):
    code: str
    message: str


class ImageUrls(Shape):
    thumbnail: str
    preview: str
    original: str


class ImagePublic(Shape):
    """A picture as the API shows it."""

    id: uuid.UUID
    filename: str
    mime_type: str
    file_size: int = PydanticField(description="Bytes")
    sha256: str = PydanticField(description="Of the original's bytes, in lower-case hexadecimals")
    width: int = PydanticField(description="Pixels, after EXIF orientation")
    height: int
    uploaded_at: datetime
    status: AnalysisStatus
    waiting_reason: WaitingReason | None = None
    alt_text: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    visible_text: str | None = None
    decorative: bool | None = None
    language: str | None = None
    written_by: dict[str, WrittenBy] = PydanticField(
        default_factory=dict, description="Who wrote each text field that is known"
    )
    restored_from: dict[str, str] = PydanticField(
        default_factory=dict,
        description="Of texts that a person took from an earlier analysis: its `model_version`",
    )
    context: str | None = PydanticField(
        default=None, description="What the picture is for: it goes to the model"
    )
    never_cloud: bool = PydanticField(
        default=False, description="It is not sent to a model elsewhere"
    )
    facts: dict[str, Any] = PydanticField(
        default_factory=dict, description="What the file says of itself: camera, exposure, date"
    )
    analysis: AnalysisSummary | None = None
    error: ErrorInfo | None = None
    urls: ImageUrls
    duplicate: bool | None = PydanticField(
        default=None, description="In the answer to an upload: these bytes were already there"
    )


class Waiting(Shape):
    """Why a picture waits, in words, and since when that is so (where it is known)."""

    reason: WaitingReason
    message: str
    since: datetime | None


class ImageStatus(Shape):
    id: uuid.UUID
    status: AnalysisStatus
    waiting_reason: WaitingReason | None
    waiting: Waiting | None = None
    attempts: int
    error: ErrorInfo | None
    queued_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class AnalysisPublic(AnalysisSummary):
    """One entry of a picture's history."""

    alt_text: str | None
    description: str | None
    tags: list[str] | None
    visible_text: str | None
    decorative: bool | None
    language: str | None
    prompt_version: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    detail: str | None
    reused_from: uuid.UUID | None = PydanticField(
        description="The earlier analysis that answered the same question: nothing was asked"
    )
    run_id: uuid.UUID | None
    differs: list[str] = PydanticField(
        description="Fields in which it says something else than the picture's texts do now"
    )


class ImageEdit(BaseModel):
    """What a person may write. What is left out stays as it is; null makes a field unknown."""

    model_config = ConfigDict(extra="forbid")

    alt_text: str | None = PydanticField(default=None, max_length=2_000)
    description: str | None = PydanticField(default=None, max_length=20_000)
    tags: list[Annotated[str, PydanticField(max_length=100)]] | None = PydanticField(
        default=None, max_length=100
    )
    visible_text: str | None = PydanticField(default=None, max_length=50_000)
    decorative: bool | None = None
    context: str | None = PydanticField(
        default=None,
        max_length=2_000,
        description="What the picture is for: it goes to the model at the next analysis",
    )
    never_cloud: bool = PydanticField(
        default=False, description="It is not sent to a model elsewhere"
    )


class ImagePage(Shape):
    """One page of a list. `total` is counted for the first page only."""

    items: list[ImagePublic]
    next_cursor: str | None
    total: int | None


class AnalysesPage(Shape):
    """One page of a picture's history."""

    items: list[AnalysisPublic]
    next_cursor: str | None


class Viewer(Shape):
    """Who is calling: made by the session or token look-up, and by nothing else."""

    user_id: uuid.UUID
    email: str
    is_admin: bool
    session_id: uuid.UUID | None = None
    token_id: uuid.UUID | None = None
    scopes: frozenset[Scope] = frozenset(Scope)

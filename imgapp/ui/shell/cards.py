"""Cards: what the gallery shows of one picture, small, because it travels with every change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC

from imgapp.models import AnalysisStatus, WaitingReason
from imgapp.services.library.card_rows import CardRow
from imgapp.services.library.file_links import thumbnail_url

SEE_THROUGH = "see-through"
"""The class of a picture that is partly transparent: it gets a ground that shows any colour."""
DESCRIPTION_CHARS = 140
TAGS = 5

WAITING: dict[str | None, str] = {
    None: "",
    WaitingReason.BUDGET: "The budget is spent",
    WaitingReason.PAUSED: "Analysis is paused",
    WaitingReason.PROVIDER_DOWN: "A server that is needed does not answer",
}


@dataclass
class Card:
    """One picture in the grid. Text that is not known is empty."""

    id: str
    filename: str
    status: str
    thumb: str
    width: int
    height: int
    uploaded_at: str
    """ISO 8601 in UTC with microseconds, so that it sorts as text."""
    note: str = ""
    """Why it waits, or why it failed."""
    alt_text: str = ""
    description: str = ""
    tags: list[str] = field(default_factory=list)
    decorative: bool = False
    language: str = ""
    """Of alt text, description and tags (BCP 47)."""
    placeholder: str = ""
    transparent: bool = False
    mark: str = ""
    """As in `CardRow`."""


def card_of(row: CardRow) -> Card:
    """The card of a picture."""
    return Card(
        id=str(row.id),
        filename=row.filename,
        status=row.analysis_status,
        thumb=thumbnail_url(row),
        width=row.width,
        height=row.height,
        uploaded_at=row.uploaded_at.astimezone(UTC).isoformat(timespec="microseconds"),
        note=note(row.analysis_status, row.waiting_reason, row.error_message),
        alt_text=row.alt_text or "",
        description=shortened(row.description or "", DESCRIPTION_CHARS),
        tags=(row.tags or [])[:TAGS],
        decorative=bool(row.decorative),
        language=row.language or "",
        placeholder=row.placeholder or "",
        transparent=bool(row.transparent),
        mark=row.mark or "",
    )


def note(status: str, waiting_reason: str | None, error_message: str | None) -> str:
    """Why a picture waits or failed, as a sentence; nothing when all is well."""
    if status == AnalysisStatus.PENDING:
        return WAITING[waiting_reason]
    if status == AnalysisStatus.FAILED:
        return error_message or "The picture could not be described"
    return ""


def shortened(text: str, limit: int) -> str:
    """`text` cut at a word so that it has at most `limit` characters, the ellipsis included."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head else head).rstrip(",;:. ") + "…"

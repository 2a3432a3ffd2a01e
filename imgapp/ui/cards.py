"""What the gallery shows of one picture: small, because it travels with every change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC

from imgapp.models import AnalysisStatus, ImagePublic, WaitingReason

DESCRIPTION_CHARS = 140
TAGS = 5

WAITING = {
    None: "",
    WaitingReason.BUDGET: "The budget is spent",
    WaitingReason.PAUSED: "Analysis is paused",
    WaitingReason.PROVIDER_DOWN: "The vision model does not answer",
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
    placeholder: str = ""


def card_of(image: ImagePublic) -> Card:
    """The card of a picture."""
    return Card(
        id=str(image.id),
        filename=image.filename,
        status=image.status.value,
        thumb=image.urls.thumbnail,
        width=image.width,
        height=image.height,
        uploaded_at=image.uploaded_at.astimezone(UTC).isoformat(timespec="microseconds"),
        note=status_note(image),
        alt_text=image.alt_text or "",
        description=shortened(image.description or "", DESCRIPTION_CHARS),
        tags=(image.tags or [])[:TAGS],
        decorative=bool(image.decorative),
        placeholder=image.placeholder or "",
    )


def status_note(image: ImagePublic) -> str:
    """Why a picture waits or failed, as a sentence; nothing when all is well."""
    if image.status is AnalysisStatus.PENDING:
        return WAITING[image.waiting_reason]
    if image.status is AnalysisStatus.FAILED:
        return image.error.message if image.error else "The picture could not be described"
    return ""


def shortened(text: str, limit: int) -> str:
    """`text` cut at a word so that it has at most `limit` characters, the ellipsis included."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return (head.rsplit(" ", 1)[0] if " " in head else head).rstrip(",;:. ") + "…"

"""Details: all that the viewer shows of one picture."""

from __future__ import annotations

from dataclasses import dataclass, field

from imgapp.models import ImagePublic, WrittenBy
from imgapp.services.library.missed_words import missed_of
from imgapp.services.library.text_provenance import FIELDS
from imgapp.ui.shell.cards import note
from imgapp.ui.viewer.fact_words import (
    Colour,
    Fact,
    colours_of,
    facts_of,
    file_size,
    format_name,
    writer,
)


@dataclass
class Neighbour:
    """As much of the picture before or after as is shown before the server says more."""

    id: str = ""
    filename: str = ""
    preview: str = ""
    thumb: str = ""
    width: int = 0
    height: int = 0
    alt_text: str = ""
    language: str = ""
    transparent: bool = False


@dataclass
class Details:
    """Everything the viewer shows of one picture."""

    id: str = ""
    filename: str = ""
    status: str = ""
    note: str = ""
    thumb: str = ""
    preview: str = ""
    original: str = ""
    width: int = 0
    height: int = 0
    mime_type: str = ""
    format: str = ""
    animated: bool = False
    transparent: bool = False
    file_size: int = 0
    size: str = ""
    """The file's size as people read it."""
    alt_text: str = ""
    description: str = ""
    tags: list[str] = field(default_factory=list)
    visible_text: str = ""
    visible_text_by: str = ""
    also_read: str = ""
    """Lines that were read in the picture and that its texts miss."""
    decorative: bool = False
    language: str = ""
    written: list[str] = field(default_factory=list)
    """The texts that a person wrote or chose, by `history.TextField`."""
    context: str = ""
    never_cloud: bool = False
    facts: list[Fact] = field(default_factory=list)
    colours: list[Colour] = field(default_factory=list)


def beside_of(image: ImagePublic | None) -> Neighbour:
    """What is known ahead of the picture before or after; nothing where there is none."""
    if image is None:
        return Neighbour()
    return Neighbour(
        id=str(image.id),
        filename=image.filename,
        preview=image.urls.preview,
        thumb=image.urls.thumbnail,
        width=image.width,
        height=image.height,
        alt_text=image.alt_text or "",
        language=image.language or "",
        transparent=bool(image.facts.get("has_alpha")),
    )


def written_by_people(image: ImagePublic) -> list[str]:
    """Texts that no model overwrites. An alt text and "decorative" are one."""
    people = {name for name, by in image.written_by.items() if by is WrittenBy.PERSON}
    if "decorative" in people:
        people.add("alt_text")
    return [name for name in FIELDS if name in people]


def details_of(image: ImagePublic) -> Details:
    """What the viewer shows of a picture."""
    return Details(
        id=str(image.id),
        filename=image.filename,
        status=image.status.value,
        note=note(image.status, image.waiting_reason, image.error.message if image.error else None),
        thumb=image.urls.thumbnail,
        preview=image.urls.preview,
        original=image.urls.original,
        width=image.width,
        height=image.height,
        mime_type=image.mime_type,
        format=format_name(image),
        animated=bool(image.facts.get("animated")),
        transparent=bool(image.facts.get("has_alpha")),
        file_size=image.file_size,
        size=file_size(image.file_size),
        alt_text=image.alt_text or "",
        description=image.description or "",
        tags=image.tags or [],
        visible_text=image.visible_text or "",
        visible_text_by=writer(image, "visible_text"),
        also_read="\n".join(missed_of(image)),
        decorative=bool(image.decorative),
        language=image.language or "",
        written=written_by_people(image),
        context=image.context or "",
        never_cloud=image.never_cloud,
        facts=facts_of(image),
        colours=colours_of(image.facts),
    )

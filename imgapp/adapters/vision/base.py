"""The describer interface: what one is given and asked, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Detail = Literal["brief", "standard", "detailed"]

BASIC = "basic-1"
"""The model of the describer that needs none."""


@dataclass(frozen=True)
class Picture:
    """A downscaled copy without metadata. `width` and `height` are those of the original."""

    data: bytes
    width: int
    height: int
    mime_type: str = "image/jpeg"
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the file says of itself: camera, date. Never sent to a model."""
    filename: str | None = None
    """To notice an alt text that only repeats it. Never sent to a model."""


@dataclass(frozen=True)
class SourceText:
    """What is said of a picture in one language, to be said in another."""

    language: str
    alt_text: str
    description: str | None
    tags: tuple[str, ...]


@dataclass(frozen=True)
class PlaceOfUse:
    """Where a picture is used, for which something else is to be said than everywhere."""

    name: str
    role: str
    """informative, functional, decorative or complex."""
    context: str | None = None


@dataclass(frozen=True)
class Question:
    """What is asked about a picture, and of which model."""

    instructions: str
    """The whole system message, rendered (`prompt.render`)."""
    prompt_version: str
    model: str | None = None
    """None is the one that the settings name; `BASIC` reads and measures only."""
    language: str = "en"
    """What to write in (BCP 47)."""
    detail: Detail = "standard"
    vocabulary: tuple[str, ...] = ()
    """The person's own tags: an answer's tags become these where they mean the same."""
    source: SourceText | None = None
    """A text to be translated, instead of a picture to be described."""
    use: str | None = None
    """The name of the use that it is asked for; None for the picture's own text."""
    previous: str | None = None
    """The code of the failure that this attempt follows: what went wrong is asked for firmly."""

    @property
    def made_from(self) -> str | None:
        """The language of the text that is translated; None where the picture is described."""
        return self.source.language if self.source else None


@dataclass(frozen=True)
class Description:
    """What a describer says of a picture. null is unknown; decorative means an empty alt text."""

    alt_text: str | None
    description: str | None
    tags: list[str] | None
    visible_text: str | None
    decorative: bool | None
    language: str | None
    model_version: str
    prompt_version: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What was measured, for the facts of the picture."""


class Describer(Protocol):
    """A describer: to add one, implement this and name it in `vision_models.describer_for`."""

    def describe(self, picture: Picture, ask: Question) -> Description:
        """Raises TransientDescriberError or PermanentDescriberError."""
        ...

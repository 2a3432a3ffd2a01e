"""What a describer is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Picture:
    """A downscaled copy without metadata. `width` and `height` are those of the original."""

    data: bytes
    width: int
    height: int
    mime_type: str = "image/jpeg"
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the file says of itself: camera, date. Never sent to a model."""


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


class Describer(Protocol):
    """A describer: to add one, implement this and name it in `get_describer`."""

    def describe(self, picture: Picture) -> Description:
        """Raises TransientDescriberError or PermanentDescriberError."""
        ...

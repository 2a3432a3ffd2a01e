"""The image query: words, filters and order of a list of pictures (search criteria)."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from imgapp.adapters.languages import known_language
from imgapp.models import AnalysisStatus
from imgapp.services.common.sanitize import clean_line

_MOST_TAGS = 20
_MOST_PARAMETERS = 100


class Sort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"
    LARGEST = "largest"
    RELEVANCE = "relevance"


class PictureFormat(StrEnum):
    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GIF = "gif"
    AVIF = "avif"
    HEIC = "heic"
    TIFF = "tiff"
    BMP = "bmp"


class Orientation(StrEnum):
    LANDSCAPE = "landscape"
    PORTRAIT = "portrait"
    SQUARE = "square"


class TextFilter(StrEnum):
    """The state of a text, or that there is none."""

    MISSING = "missing"
    DRAFT = "draft"
    APPROVED = "approved"
    RETURNED = "returned"
    STALE = "stale"
    """Not approved, while an older wording is, and holds."""
    BY_MODEL = "by_model"
    """Approved, and the alt text is a model's own words."""


class ImageQuery(BaseModel):
    """What is looked for: all of what is said is true of each picture. Empty: all of them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    q: str | None = Field(default=None, max_length=500)
    status: AnalysisStatus | None = None
    tags: tuple[str, ...] = ()
    no_alt_text: bool | None = None
    """Neither an alt text nor marked as decorative."""
    decorative: bool | None = None
    """The picture or, with `language`, its text in that."""
    edited: bool | None = None
    """A person wrote at least one of its texts."""
    format: PictureFormat | None = None
    uploaded_from: datetime | None = None
    uploaded_to: datetime | None = None
    """Not included."""
    larger_than: int | None = Field(default=None, ge=0, lt=2**63)
    """Bytes."""
    smaller_than: int | None = Field(default=None, ge=0, lt=2**63)
    orientation: Orientation | None = None
    language: str | None = Field(default=None, max_length=35)
    """Something is said of it in that language (BCP 47)."""
    state: TextFilter | None = None
    """Of the text in that language, or in any."""
    doubt: str | None = Field(default=None, max_length=50, pattern=r"^[a-z_]+$")
    """A rule that found something in that text, or `any` of them."""
    batch: UUID | None = None
    like: UUID | None = None
    """A picture: those whose texts are nearest to its texts in meaning."""
    meaning: bool = True
    """Whether `q` finds by meaning, too, and not by its words alone."""
    sort: Sort = Sort.NEWEST

    @field_validator("q", mode="before")
    @classmethod
    def _clean(cls, value: Any) -> Any:
        return clean_line(value) or None if isinstance(value, str) else value

    @field_validator("language")
    @classmethod
    def _as_it_is_written(cls, value: str | None) -> str | None:
        known = known_language(value) if value else None
        if value and known is None:
            raise ValueError("there is no such language")
        return known

    @field_validator("tags", mode="before")
    @classmethod
    def _some(cls, value: Any) -> tuple[str, ...]:
        given = [value] if isinstance(value, str) else list(value or ())
        cleaned = [clean_line(str(tag)) for tag in given[:_MOST_TAGS]]
        return tuple(dict.fromkeys(tag for tag in cleaned if tag))

    @field_validator("uploaded_from", "uploaded_to")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    @classmethod
    def from_query(cls, query: str) -> ImageQuery:
        """What the query string of an address asks for; what makes no sense in it is left out."""
        given: dict[str, Any] = {}
        said = "&".join(query.split("&", _MOST_PARAMETERS)[:_MOST_PARAMETERS])
        for name, value in parse_qsl(said):
            if name == "tag":
                given.setdefault("tags", []).append(value)
            else:
                given[name] = value
        while True:
            try:
                return cls.model_validate(given)
            except ValidationError as error:
                for wrong in error.errors():
                    given.pop(str(wrong["loc"][0]), None)

    def to_query(self) -> str:
        """The query string that `from_query` reads; the same for what is the same."""
        said = self.model_dump(mode="json", exclude_defaults=True)
        tags = [("tag", tag) for tag in said.pop("tags", ())]
        plain = [(name, _written(value)) for name, value in said.items()]
        return urlencode(plain + tags)

    def terms(self) -> dict[str, Any]:
        """As the functions in the database take it, but for what is near in meaning."""
        said = self.model_dump(
            mode="json", exclude_none=True, exclude={"tags", "format", "meaning"}
        )
        if self.tags:
            said["tags"] = list(self.tags)
        if self.format:
            names = ("heic", "heif") if self.format is PictureFormat.HEIC else (self.format.value,)
            said["mime_types"] = [f"image/{name}" for name in names]
        return said

    @property
    def by_relevance(self) -> bool:
        """Whether the order is that of the rank of what is looked for."""
        return self.sort is Sort.RELEVANCE and (self.q is not None or self.like is not None)

    @property
    def filtered(self) -> bool:
        """Whether not all of a person's pictures match."""
        return bool(self.model_dump(exclude_defaults=True, exclude={"meaning", "sort"}))

    @property
    def by_state(self) -> bool:
        """Whether nothing but the state of a picture decides whether it matches."""
        rest = {"meaning", "sort", "status", "no_alt_text"}
        return not self.model_dump(exclude_defaults=True, exclude=rest)

    def takes(self, status: str, no_alt_text: bool) -> bool:
        """Whether pictures in this state match, if it is all that decides."""
        return self.status in (None, status) and self.no_alt_text in (None, no_alt_text)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

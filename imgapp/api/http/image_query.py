"""Query parameters of lists: parse the image query of every operation that finds pictures."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

from annotated_types import Interval
from fastapi import Depends, Query
from pydantic import BeforeValidator, ConfigDict, StringConstraints

from imgapp.api.http.ids import parse_id
from imgapp.models import AnalysisStatus
from imgapp.services.common.sanitize import check_language
from imgapp.services.library.image_query import ImageQuery, PictureFormat, Sort, TextFilter
from imgapp.services.library.image_query import Orientation as Orientations


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _no_number(value: object) -> object:
    """Raises ValueError for a number: Pydantic would take it for seconds since 1970."""
    try:
        float(str(value))
    except ValueError:
        return value
    raise ValueError("a number is no time")


_Optional = BeforeValidator(_empty_is_none)
_Bytes = Annotated[
    # The bounds are the number's: there may be none.
    Annotated[int, Interval(ge=0, lt=2**63)] | None, _Optional, Query(description="Bytes")
]
_Time = Annotated[
    Annotated[datetime.datetime, BeforeValidator(_no_number)] | None,
    _Optional,
    Query(description="A time (RFC 3339), or a date in UTC"),
]
_Flag = Annotated[bool | None, _Optional]


def _wanted(
    status: Annotated[AnalysisStatus | None, _Optional, Query()] = None,
    q: Annotated[
        str | None,
        Query(
            max_length=500,
            description="Words in the texts, tags and file name, or what they mean",
        ),
    ] = None,
    tag: Annotated[
        list[Annotated[str, StringConstraints(max_length=100)]] | None,
        Query(description="One tag, exactly. Several times: all of them", max_length=20),
    ] = None,
    no_alt_text: Annotated[
        _Flag, Query(description="true: neither an alt text nor marked as decorative")
    ] = None,
    decorative: Annotated[_Flag, Query(description="Marked as decorative, or not")] = None,
    edited: Annotated[
        _Flag, Query(description="A person wrote at least one of its texts, or none")
    ] = None,
    format: Annotated[PictureFormat | None, _Optional, Query()] = None,
    uploaded_from: _Time = None,
    uploaded_to: Annotated[_Time, Query(description="Not included")] = None,
    larger_than: _Bytes = None,
    smaller_than: _Bytes = None,
    orientation: Annotated[Orientations | None, _Optional, Query()] = None,
    language: Annotated[
        Annotated[str, StringConstraints(max_length=35)] | None,
        _Optional,
        Query(description="Something is said of it in that language (BCP 47)"),
    ] = None,
    state: Annotated[
        TextFilter | None,
        _Optional,
        Query(description="Of its text in that `language`, or in any"),
    ] = None,
    doubt: Annotated[
        Annotated[str, StringConstraints(max_length=50, pattern=r"^[a-z_]+$")] | None,
        _Optional,
        Query(description="A rule that found something in that text, or `any` of them"),
    ] = None,
    batch: Annotated[
        str | None,
        _Optional,
        Query(description="Of one batch, by its id", json_schema_extra={"format": "uuid"}),
    ] = None,
    like: Annotated[
        str | None,
        _Optional,
        Query(
            description="A picture: those whose texts are nearest to its texts in meaning",
            json_schema_extra={"format": "uuid"},
        ),
    ] = None,
    meaning: Annotated[
        bool, Query(description="false: `q` finds its words only, and not what they mean")
    ] = True,
    sort: Annotated[
        Sort,
        BeforeValidator(lambda value: value or Sort.NEWEST),
        Query(description="`relevance` is to `q`, or to `like`; without either, it is `newest`"),
    ] = Sort.NEWEST,
) -> ImageQuery:
    """Raises NotFound (a malformed id), InvalidRequest (`unknown_language`)."""
    given: dict[str, Any] = dict(locals())
    given["tags"] = given.pop("tag") or ()
    given["language"] = check_language(language) if language else None
    for name in ("batch", "like"):
        given[name] = None if given[name] is None else parse_id(given[name])
    return ImageQuery(**given)


WantedInQuery = Annotated[ImageQuery, Depends(_wanted)]


class ImageFilter(ImageQuery):
    """As the parameters of `GET /api/images`, `tags` for several of `tag`.

    `{}` is all pictures that are not in the trash.
    """

    # A misspelt filter must not choose everything.
    model_config = ConfigDict(extra="forbid", frozen=True)

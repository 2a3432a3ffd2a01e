"""Text from outside: strips control characters and stray white space (sanitising)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from imgapp.adapters.languages import known_language
from imgapp.adapters.vision.prompt import MAX_CONTEXT
from imgapp.errors import InvalidRequest

MAX_TAG_LENGTH = 100
Context = Annotated[
    str,
    Field(max_length=MAX_CONTEXT, description="What the pictures are for: it goes to the model"),
]

Language = Annotated[
    str,
    Field(
        min_length=2,
        max_length=35,
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="What the texts are written in (BCP 47), such as `en` or `pt-BR`",
    ),
]

# C0 and C1 controls but tab and newline, and lone surrogates, which UTF-8 cannot carry.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean_text(text: str) -> str:
    """Text of several lines (NFC), without control characters or white space around it."""
    fit = _UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return unicodedata.normalize("NFC", fit).strip()


def clean_line(text: str) -> str:
    """Text of one line: every run of white space is one space."""
    return " ".join(clean_text(text).split())


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Tags in their order, each once whatever its case, none empty, 100 characters at most."""
    kept: dict[str, str] = {}
    for tag in tags:
        line = clean_line(tag)[:MAX_TAG_LENGTH].rstrip()
        if line:
            kept.setdefault(line.casefold(), line)
    return list(kept.values())


def check_language(tag: str) -> str:
    """The tag as it is usually written. Raises InvalidRequest if no language has it."""
    known = known_language(tag)
    if known is None:
        raise InvalidRequest(
            "There is no such language: use a tag such as en, pt-BR or zh-Hant.",
            code="unknown_language",
        )
    return known

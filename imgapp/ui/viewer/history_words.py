"""History in words: what each analysis says otherwise, and who said it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from imgapp.models import AnalysisPublic, ImagePublic
from imgapp.services.library.history import Suggestion
from imgapp.services.library.text_diff import differences
from imgapp.services.library.text_provenance import FIELDS, Value
from imgapp.ui.viewer.fact_words import duration

TITLES = {
    "alt_text": "Alt text",
    "description": "Description",
    "tags": "Tags",
    "visible_text": "Text in the picture",
}
_NOTHING = "nothing"


@dataclass
class Piece:
    """A piece of a text: `same`, `added` or `removed`."""

    kind: str
    text: str


@dataclass
class Suggested:
    """What a model says of a text that a person wrote."""

    field: str
    model: str
    lang: str
    pieces: list[Piece] = dataclasses.field(default_factory=list)


@dataclass
class Difference:
    """A text of which an analysis says something else than the picture does now."""

    field: str
    title: str
    pieces: list[Piece] = dataclasses.field(default_factory=list)


@dataclass
class Entry:
    """An analysis."""

    id: str
    model: str
    at: str
    facts: str
    newest: bool
    lang: str
    """Of its texts (BCP 47)."""
    differences: list[Difference] = dataclasses.field(default_factory=list)


def suggested_of(one: Suggestion) -> Suggested:
    """A suggestion, from what is there to what would be."""
    return Suggested(
        field=one.field,
        model=one.model_version,
        lang=_language(one.field, one.language),
        pieces=_pieces(one.written, one.suggested),
    )


def entry_of(image: ImagePublic, one: AnalysisPublic) -> Entry:
    """An analysis, against what the picture says now."""
    return Entry(
        id=str(one.id),
        model=one.model_version,
        at=one.created_at.isoformat(),
        facts=facts_of(one),
        newest=image.analysis is not None and image.analysis.id == one.id,
        lang=one.language or "",
        differences=[
            Difference(
                field=name,
                title=TITLES[name],
                pieces=_pieces(_value(image, name), _value(one, name)),
            )
            for name in FIELDS
            if name in one.differs
        ],
    )


def facts_of(one: AnalysisPublic) -> str:
    """How it came about: prompt, language, detail, tokens, cost, time."""
    if one.reused_from is not None:
        how = ["an earlier answer, taken again"]
    else:
        how = [_tokens(one), _dollars(one.cost), duration(one.processing_time)]
    prompt = f"prompt {one.prompt_version}" if one.prompt_version else ""
    detail = one.detail if one.detail not in (None, "standard") else ""
    return " · ".join(filter(None, [one.language or "", detail, prompt, *how]))


def _tokens(one: AnalysisPublic) -> str:
    if one.input_tokens is None and one.output_tokens is None:
        return ""
    return f"{one.input_tokens or 0:,} + {one.output_tokens or 0:,} tokens"


def _dollars(cost: float | None) -> str:
    if not cost:
        return ""
    return f"${cost:.2f}" if cost >= 0.1 else f"${cost:.5f}".rstrip("0")


def _value(row: ImagePublic | AnalysisPublic, name: str) -> Value:
    if name == "alt_text" and row.decorative:
        return ""
    value: Value = getattr(row, name)
    return value


def _pieces(now: Value, then: Value) -> list[Piece]:
    """The way from one text to the other; the other alone where they have little in common."""
    before, after = _said(now), _said(then)
    parts = differences(before, after)
    alike = sum(len(part.text) for part in parts if part.kind == "same")
    if alike * 2 < max(len(before), len(after)):
        return [Piece("same", after)]
    return [Piece(part.kind, part.text) for part in parts]


def _language(field: str, language: str | None) -> str:
    """Words that are in the picture may be in any language."""
    return "" if field == "visible_text" else language or ""


def _said(value: Value) -> str:
    if isinstance(value, list):
        return ", ".join(value) or _NOTHING
    if value == "":
        return "decorative"
    return value or _NOTHING

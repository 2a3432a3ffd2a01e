"""Text provenance: keeps who wrote each text of a picture, and what its owner decided of it.

Alt text and "decorative" are one statement, named `alt_text` here.
"""

from __future__ import annotations

from typing import Any, Literal, get_args
from uuid import UUID

from imgapp.adapters.vision import Description
from imgapp.models import Image, ImageAnalysis, WrittenBy

TextField = Literal["alt_text", "description", "tags", "visible_text"]
FIELDS: tuple[TextField, ...] = get_args(TextField)
TEXT_FIELDS = ("alt_text", "description", "tags", "visible_text", "decorative", "language")
"""Each has a column `<field>_by` that says who wrote it."""
Value = str | list[str] | None


def current_text(image: Image, found: Description | ImageAnalysis) -> dict[str, object]:
    """The columns that an answer changes: what no person wrote and what fits what they wrote."""
    kept = {name for name in TEXT_FIELDS if getattr(image, f"{name}_by") == WrittenBy.PERSON}
    # "Decorative" and an empty alt text are one statement: a model must not make half of it.
    if "decorative" in kept and bool(image.decorative) != bool(found.decorative):
        kept.add("alt_text")
    if "alt_text" in kept:
        kept.add("decorative")
    # The language is that of the words: it stays with what a person wrote, and goes with it.
    if not kept & {"alt_text", "description"}:
        kept.discard("language")
    changes: dict[str, object] = {}
    for name in TEXT_FIELDS:
        if name not in kept:
            value = getattr(found, name)
            changes[name] = value
            changes[f"{name}_by"] = None if value is None else WrittenBy.MODEL
    return changes


def columns_of(field: TextField) -> tuple[str, ...]:
    """The columns of a text."""
    return ("alt_text", "decorative") if field == "alt_text" else (field,)


def value_of(row: Image | ImageAnalysis, field: TextField) -> Value:
    """A text as it is compared: an empty alt text is a decorative picture's, None says nothing."""
    if field == "alt_text" and row.decorative:
        return ""
    value: Value = getattr(row, field)
    return value or None


def differs(image: Image, analysis: ImageAnalysis, field: TextField) -> bool:
    """Whether an analysis says something else than the picture's text. Tags have no order."""
    ours, theirs = value_of(image, field), value_of(analysis, field)
    if isinstance(ours, list) and isinstance(theirs, list):
        return sorted(ours) != sorted(theirs)
    return ours != theirs


def is_written(image: Image, field: TextField) -> bool:
    """Whether a person wrote it, or chose it."""
    return WrittenBy.PERSON in (getattr(image, f"{column}_by") for column in columns_of(field))


def take(image: Image, analysis: ImageAnalysis, field: TextField) -> None:
    """Let an analysis of the picture say it: the newest as a model does, others for the person."""
    is_newest = analysis.id == image.analysis_id
    by = WrittenBy.MODEL if is_newest else WrittenBy.PERSON
    for column in columns_of(field):
        value = getattr(analysis, column)
        setattr(image, column, value)
        setattr(image, f"{column}_by", None if value is None else by)
    if field in ("alt_text", "description") and analysis.language is not None:
        image.language, image.language_by = analysis.language, WrittenBy.MODEL
    decide(image, field, {} if is_newest else {"from": analysis.model_version})


def let_go(image: Image, field: TextField) -> None:
    """Let models write it again. Better what there is than nothing, until one says more."""
    decide(image, field, {})
    for column in columns_of(field):
        setattr(image, f"{column}_by", None)


def keep(image: Image, field: TextField) -> None:
    """Keep what is there against the newest analysis."""
    decide(image, field, _decided(image, field) | {"kept": str(image.analysis_id)})


def is_kept(image: Image, field: TextField, analysis_id: UUID) -> bool:
    """Whether the person decided to keep theirs against this analysis."""
    return _decided(image, field).get("kept") == str(analysis_id)


def restored_from(image: Image) -> dict[str, str]:
    """The models of texts that a person took from the history, by field."""
    taken = {field: _decided(image, field).get("from") for field in FIELDS}
    return {field: model for field, model in taken.items() if model and is_written(image, field)}


def forget(image: Image, edited: set[str]) -> None:
    """A person wrote these columns anew: what was decided before is of other texts."""
    for field in FIELDS:
        if edited.intersection(columns_of(field)):
            decide(image, field, {})


def decide(image: Image, field: TextField, choice: dict[str, str]) -> None:
    """Note what was decided of a text; nothing leaves no note."""
    decided = without_choice(image.choices, field) | ({field: choice} if choice else {})
    if decided != image.choices:
        image.choices = decided


def without_choice(choices: dict[str, Any], field: TextField) -> dict[str, Any]:
    """What was decided of the other texts."""
    return {name: said for name, said in choices.items() if name != field}


def _decided(image: Image, field: TextField) -> dict[str, str]:
    said: dict[str, str] = image.choices.get(field, {})
    return said

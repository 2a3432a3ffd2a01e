"""The basic describer: says what it measures, without a model and without a network."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError

from imgapp.adapters.imaging.long_pictures import MODEL_SIDE
from imgapp.adapters.vision.base import BASIC, Description, Picture, Question
from imgapp.adapters.vision.image_statistics import Kind, Measures, kind_of, measure, sharpness_of
from imgapp.errors import PermanentDescriberError

_SEEN: Mapping[Kind, str] = {
    "screenshot": "Straight edges and lines of small letters make it look like a screenshot.",
    "document": "Dark lines of text on a light page make it look like a document.",
    "drawing": "Hard edges and areas of one even colour make it look like a drawing or a graphic.",
}


class BasicDescriber:
    """Colours, light, shape and the file's own facts, in plain sentences."""

    def describe(self, picture: Picture, ask: Question) -> Description:  # noqa: ARG002
        """Raises PermanentDescriberError if the copy cannot be opened."""
        try:
            with Image.open(BytesIO(picture.data)) as opened:
                # A long picture comes larger, for those who read it in parts.
                opened.thumbnail((MODEL_SIDE, MODEL_SIDE))
                measures = measure(opened.convert("RGB"))
        except (UnidentifiedImageError, OSError) as error:
            raise PermanentDescriberError(
                "The picture's preview cannot be opened. Upload the picture again.",
                code="unreadable",
            ) from error
        kind, shape = _kind(measures, picture), _shape(picture.width, picture.height)
        return Description(
            alt_text=_alt_text(kind, shape, measures),
            description=_sentences(kind, shape, measures, picture),
            tags=_tags(kind, shape, measures),
            visible_text=None,
            decorative=None,
            language="en",
            model_version=BASIC,
        )


def _kind(measures: Measures, picture: Picture) -> Kind:
    taken = picture.facts.get("camera_make") or picture.facts.get("camera_model")
    return "photo" if taken else kind_of(measures, picture.width, picture.height)


def _shape(width: int, height: int) -> str:
    ratio = width / max(height, 1)
    if ratio >= 2.2:
        return "panorama-format"
    if ratio > 1.05:
        return "landscape-format"
    return "portrait-format" if ratio < 0.95 else "square"


def _light(measures: Measures) -> str:
    steps = ((0.15, "very dark"), (0.35, "dark"), (0.62, "medium bright"), (0.82, "bright"))
    return next((name for limit, name in steps if measures.brightness < limit), "very bright")


def _contrast(measures: Measures) -> str:
    if measures.contrast < 0.12:
        return "low contrast"
    return "high contrast" if measures.contrast > 0.28 else "medium contrast"


def _listed(words: list[str]) -> str:
    return " and ".join(", ".join(words).rsplit(", ", 1))


def _alt_text(kind: Kind, shape: str, measures: Measures) -> str:
    colours = _listed(measures.colours)
    if kind == "plain area":
        return f"Plain {colours} area"
    only = "" if len(measures.colours) == 1 else "mainly "
    return f"{shape.capitalize()} {kind}, {only}{colours}, {_light(measures)}"


def _sentences(kind: Kind, shape: str, measures: Measures, picture: Picture) -> str:
    said = [
        f"A {shape} {kind} of {picture.width} by {picture.height} pixels.",
        f"Its main colours are {_listed(measures.colours)}."
        if len(measures.colours) > 1
        else f"Its main colour is {measures.colours[0]}.",
        f"It is {_light(measures)}, with {_contrast(measures)}.",
    ]
    if kind in _SEEN:
        said.append(_SEEN[kind])
    if kind == "photo" and (sharpness := sharpness_of(measures)):
        said.append(f"It is {sharpness}.")
    said.extend(_facts(picture.facts))
    return " ".join(said)


def _facts(facts: Mapping[str, Any]) -> list[str]:
    make, model = str(facts.get("camera_make") or ""), str(facts.get("camera_model") or "")
    camera = model if model.lower().startswith(make.lower()) else f"{make} {model}".strip()
    day = _day(facts.get("taken_at"))
    if camera and day:
        return [f"It was taken with a camera that calls itself {camera} on {day}."]
    if camera:
        return [f"It was taken with a camera that calls itself {camera}."]
    return [f"The file is dated {day}."] if day else []


def _day(taken_at: object) -> str | None:
    try:
        day = datetime.fromisoformat(str(taken_at))
    except ValueError:
        return None
    return f"{day.day} {day:%B %Y}"


def _tags(kind: Kind, shape: str, measures: Measures) -> list[str]:
    tags = [kind, shape.replace("-", " "), *measures.colours]
    if kind == "photo" and sharpness_of(measures) == "blurred":
        tags.append("blurred")
    if _light(measures) != "medium bright":
        tags.append(_light(measures).removeprefix("very "))
    return [tag for tag in tags if tag not in ("picture", "plain area")]

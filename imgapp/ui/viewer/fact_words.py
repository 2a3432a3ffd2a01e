"""Facts in words: what a picture's file says and how it was described."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from imgapp.models import ImagePublic, WrittenBy


@dataclass
class Fact:
    """One line of the list of facts. `time` is ISO 8601 and shown as the browser writes it."""

    label: str
    value: str = ""
    time: str = ""


@dataclass
class Colour:
    """One of a picture's main colours: its everyday name, and as CSS writes it (`#rrggbb`)."""

    name: str
    code: str


def facts_of(image: ImagePublic) -> list[Fact]:
    """What is known of a picture's file, in the order in which people ask."""
    facts = image.facts
    known = [
        Fact("Type", _type(image)),
        Fact("Dimensions", dimensions(image.width, image.height)),
        Fact("Size", file_size(image.file_size)),
        Fact("Colour space", _colour_space(facts)),
        Fact("Uploaded", time=image.uploaded_at.isoformat()),
        Fact("Taken", _taken(facts.get("taken_at"))),
        Fact("Camera", camera(facts.get("camera_make"), facts.get("camera_model"))),
        Fact("Lens", str(facts.get("lens") or "")),
        Fact("Exposure", exposure(facts)),
        *_looks(facts.get("looks") or {}),
        *_analysis_facts(image),
    ]
    return [fact for fact in known if fact.value or fact.time]


def writer(image: ImagePublic, field: str) -> str:
    """Who wrote a text field, as a few words."""
    by = image.written_by.get(field)
    if model := image.restored_from.get(field):
        return f"from {model}, chosen by a person"
    if by is WrittenBy.PERSON:
        return "written by a person"
    if by is WrittenBy.MODEL:
        return f"by {image.analysis.model_version}" if image.analysis else "by the model"
    return ""


def file_size(size: int) -> str:
    """Bytes as people read them (decimal units, as file managers and cameras count)."""
    if size < 1_000:
        return "1 byte" if size == 1 else f"{size} bytes"
    if size < 1_000_000:
        return f"{size / 1_000:.0f} kB"
    if size < 1_000_000_000:
        return f"{size / 1_000_000:.1f} MB"
    return f"{size / 1_000_000_000:.1f} GB"


def duration(seconds: float) -> str:
    """Seconds as people read them."""
    return f"{seconds:.1f} s" if seconds >= 0.95 else f"{max(1, round(seconds * 1000))} ms"


def dimensions(width: int, height: int) -> str:
    """Width and height in pixels, with megapixels where they say something."""
    megapixels = width * height / 1_000_000
    size = f"{width} \N{MULTIPLICATION SIGN} {height}"
    return f"{size} ({megapixels:.1f} MP)" if megapixels >= 0.95 else size


def camera(make: object, model: object) -> str:
    """Maker and model without saying the maker twice."""
    make_text, model_text = str(make or "").strip(), str(model or "").strip()
    if not model_text or model_text.lower().startswith(make_text.lower()):
        return model_text or make_text
    first = make_text.split()[0]
    return (
        model_text if model_text.lower().startswith(first.lower()) else f"{make_text} {model_text}"
    )


def exposure(facts: dict[str, Any]) -> str:
    """Shutter, aperture, sensitivity and focal length, as photographers write them."""
    parts = []
    if seconds := facts.get("exposure_time"):
        parts.append(_shutter(seconds))
    if f_number := facts.get("f_number"):
        parts.append(f"f/{f_number:g}")
    if iso := facts.get("iso"):
        parts.append(f"ISO {iso}")
    if focal := facts.get("focal_length"):
        parts.append(f"{focal:g} mm{_as_if_35mm(focal, facts)}")
    return " · ".join(parts)


def _as_if_35mm(focal: float, facts: dict[str, Any]) -> str:
    """The focal length that shows as much on 35 mm film, where the sensor is smaller."""
    film = facts.get("focal_length_35mm")
    return f" (like {film:g} mm)" if film and abs(film - focal) >= 1 else ""


def _shutter(seconds: float) -> str:
    if seconds >= 0.4:
        return f"{seconds:g} s"
    return f"1/{round(1 / Fraction(seconds))} s"


def format_name(image: ImagePublic) -> str:
    """The name of the file's format."""
    return str(image.facts.get("format") or image.mime_type.removeprefix("image/").upper())


def colours_of(facts: dict[str, Any]) -> list[Colour]:
    """The main colours, the largest first."""
    return [Colour(one["name"], one["code"]) for one in facts.get("colours", [])]


def _type(image: ImagePublic) -> str:
    name = format_name(image)
    pages = image.facts.get("pages", 1)
    if image.facts.get("animated"):
        return f"{name}, animated"
    return f"{name}, {pages} pages" if pages > 1 else name


def _colour_space(facts: dict[str, Any]) -> str:
    space = str(facts.get("color_space") or "")
    return f"{space}, transparent" if space and facts.get("has_alpha") else space


def _taken(taken_at: object) -> str:
    if not isinstance(taken_at, str):
        return ""
    # The camera's own clock, wherever it was: not turned into the reader's time.
    taken = datetime.fromisoformat(taken_at)
    return f"{taken.day} {taken:%B %Y, %H:%M}"


def _looks(looks: dict[str, str]) -> list[Fact]:
    """What was measured where no model looks."""
    light = f"{looks['light']}, {looks['contrast']} contrast" if looks else ""
    return [
        Fact("Looks like", looks.get("kind", "")),
        Fact("Light", light),
        Fact("Sharpness", looks.get("sharpness", "")),
    ]


def _analysis_facts(image: ImagePublic) -> list[Fact]:
    if image.analysis is None:
        return []
    return [
        Fact("Described by", image.analysis.model_version),
        Fact("Described in", duration(image.analysis.processing_time)),
        Fact("Language", image.language or ""),
    ]

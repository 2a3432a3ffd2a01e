"""A describer without a model and without a network: it says only what it measures."""

from __future__ import annotations

import colorsys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any

from PIL import Image, ImageChops, ImageStat, UnidentifiedImageError

from imgapp.adapters.vision.base import BASIC, Ask, Description, Picture
from imgapp.errors import PermanentDescriberError

_SIDE = 64
_WORTH_NAMING = 0.12
"""A colour that covers less of the picture is not one of its main colours."""
_FLAT = 0.9
"""Of 40 real photos none had more than 0.6 of its pixels equal to their neighbour; a plain drawing,
a scanned page or a screenshot has more than this."""


@dataclass(frozen=True)
class Measures:
    """What can be measured without knowing what is in the picture."""

    colours: list[str]
    brightness: float
    contrast: float
    flatness: float
    entropy: float


class BasicDescriber:
    """Colours, light, shape and the file's own facts, in plain sentences."""

    def describe(self, picture: Picture, ask: Ask) -> Description:  # noqa: ARG002
        """Raises PermanentDescriberError if the copy cannot be opened."""
        try:
            with Image.open(BytesIO(picture.data)) as opened:
                measures = measure(opened.convert("RGB"))
        except (UnidentifiedImageError, OSError) as error:
            raise PermanentDescriberError(
                "The picture's preview cannot be opened. Upload the picture again.",
                code="unreadable",
            ) from error
        kind, shape = _kind(measures, picture.facts), _shape(picture.width, picture.height)
        return Description(
            alt_text=_alt_text(kind, shape, measures),
            description=_sentences(kind, shape, measures, picture),
            tags=_tags(kind, shape, measures),
            visible_text=None,
            decorative=None,
            language="en",
            model_version=BASIC,
        )


def measure(image: Image.Image) -> Measures:
    """Measure an RGB picture."""
    grey = image.convert("L")
    beside = ImageChops.difference(grey, ImageChops.offset(grey, 1, 0)).histogram()
    light = ImageStat.Stat(grey)
    return Measures(
        colours=_main_colours(image),
        brightness=light.mean[0] / 255,
        contrast=light.stddev[0] / 255,
        flatness=beside[0] / sum(beside),
        entropy=grey.entropy(),
    )


def _main_colours(image: Image.Image) -> list[str]:
    small = image.resize((_SIDE, _SIDE), Image.Resampling.BOX)
    shares: Counter[str] = Counter()
    for count, pixel in small.getcolors(_SIDE * _SIDE) or []:
        assert isinstance(pixel, tuple)
        # Sixteen steps a channel are as fine as names can tell, and keep the look-up small.
        red, green, blue = (int(channel) & 0xF0 | 0x08 for channel in pixel[:3])
        shares[colour_name(red, green, blue)] += count
    named = [name for name, count in shares.most_common(3) if count >= _WORTH_NAMING * _SIDE**2]
    return named or [shares.most_common(1)[0][0]]


@cache
def colour_name(red: int, green: int, blue: int) -> str:
    """The everyday English name of a colour (channels from 0 to 255)."""
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    if value < 0.2:
        return "black"
    if saturation < 0.14:
        return "white" if value > 0.86 else "grey"
    return _hue_name(hue * 360, saturation, value)


def _hue_name(hue: float, saturation: float, value: float) -> str:
    if 10 <= hue < 70 and saturation < 0.35:
        return "beige" if value > 0.65 else "brown" if saturation > 0.22 else "grey"
    if hue < 45 and value < 0.6:
        return "brown" if hue >= 10 or saturation < 0.6 else "red"
    if hue >= 330 or hue < 15:
        return "pink" if saturation < 0.5 and value > 0.7 else "red"
    for limit, name in ((42, "orange"), (68, "yellow"), (165, "green"), (195, "turquoise")):
        if hue < limit:
            return name
    return "blue" if hue < 255 else "purple" if hue < 290 else "pink"


def _kind(measures: Measures, facts: Mapping[str, Any]) -> str:
    if facts.get("camera_make") or facts.get("camera_model"):
        return "photo"
    if measures.entropy < 0.1:
        return "plain area"
    return "graphic" if measures.flatness >= _FLAT and measures.entropy < 5 else "picture"


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


def _alt_text(kind: str, shape: str, measures: Measures) -> str:
    colours = _listed(measures.colours)
    if kind == "plain area":
        return f"Plain {colours} area"
    only = "" if len(measures.colours) == 1 else "mainly "
    return f"{shape.capitalize()} {kind}, {only}{colours}, {_light(measures)}"


def _sentences(kind: str, shape: str, measures: Measures, picture: Picture) -> str:
    said = [
        f"A {shape} {kind} of {picture.width} by {picture.height} pixels.",
        f"Its main colours are {_listed(measures.colours)}."
        if len(measures.colours) > 1
        else f"Its main colour is {measures.colours[0]}.",
        f"It is {_light(measures)}, with {_contrast(measures)}.",
    ]
    if kind == "graphic":
        said.append("Large parts are of one even colour, as in a drawing, a page or a screenshot.")
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


def _tags(kind: str, shape: str, measures: Measures) -> list[str]:
    tags = [kind, shape.replace("-", " "), *measures.colours]
    if _light(measures) != "medium bright":
        tags.append(_light(measures).removeprefix("very "))
    return [tag for tag in tags if tag not in ("picture", "plain area")]

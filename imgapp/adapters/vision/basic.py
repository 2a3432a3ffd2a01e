"""The basic describer: says what it reads and measures, without a model and without a network."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from imgapp.adapters.imaging.long_pictures import MODEL_SIDE
from imgapp.adapters.reading import NOTHING, ReadText, read_text
from imgapp.adapters.vision.base import BASIC, Description, Picture, Question
from imgapp.adapters.vision.image_statistics import Kind, Measures, kind_of, measure, sharpness_of
from imgapp.adapters.vision.text_cleanup import MAX_ALT_TEXT, one_line, shorten
from imgapp.errors import PermanentDescriberError

_MOSTLY_WORDS: Mapping[Kind, float] = {"document": 0.04, "screenshot": 0.05, "drawing": 0.08}
"""The share of a picture of this kind that its lines cover, from which on they are what it is."""
_ELSEWHERE = 0.2
_LEGIBLE = 0.8
"""Of what is written: an alt text that leaves out more of it would mislead."""


class BasicDescriber:
    """The words that are written in a picture; its kind, light and sharpness as facts.

    It never says what a picture shows: without words it has no alt text, and needs one.
    """

    def describe(self, picture: Picture, ask: Question) -> Description:  # noqa: ARG002
        """Raises PermanentDescriberError if the copy cannot be opened, and ServiceUnavailable when
        too many pictures are being read."""
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
        kind = _kind(measures, picture)
        read = read_text(picture.data) or NOTHING
        lines = [one_line(line) for line in read.lines]
        return Description(
            alt_text=_alt_text(lines) if _is_mostly_words(kind, read) else None,
            description=None,
            tags=None,
            visible_text="\n".join(lines) or None,
            decorative=None,
            language=read.language,
            model_version=BASIC,
            facts={"looks": _looks(kind, measures)},
        )


def _is_mostly_words(kind: Kind, read: ReadText) -> bool:
    enough = read.share >= _MOSTLY_WORDS.get(kind, _ELSEWHERE)
    return bool(read.lines) and enough and read.legible >= _LEGIBLE


def _alt_text(lines: list[str]) -> str:
    return shorten(" ".join(lines), MAX_ALT_TEXT)


def _looks(kind: Kind, measures: Measures) -> dict[str, str]:
    looks = {"kind": kind, "light": _light(measures), "contrast": _contrast(measures)}
    sharpness = sharpness_of(measures) if kind == "photo" else None
    return looks | ({"sharpness": sharpness} if sharpness else {})


def _kind(measures: Measures, picture: Picture) -> Kind:
    taken = picture.facts.get("camera_make") or picture.facts.get("camera_model")
    return "photo" if taken else kind_of(measures, picture.width, picture.height)


def _light(measures: Measures) -> str:
    steps = ((0.15, "very dark"), (0.35, "dark"), (0.62, "medium"), (0.82, "bright"))
    return next((name for limit, name in steps if measures.brightness < limit), "very bright")


def _contrast(measures: Measures) -> str:
    if measures.contrast < 0.12:
        return "low"
    return "high" if measures.contrast > 0.28 else "medium"

"""Embedded captions: reads alt text, captions and keywords from a file (XMP, IPTC, EXIF, PNG)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from imgapp.adapters.imaging.carried_words import DEFAULT, CarriedWords, Texts, choose
from imgapp.adapters.imaging.exif_words import read_exif_words
from imgapp.adapters.imaging.iptc import read_iptc
from imgapp.adapters.imaging.sanitize import clean_line, clean_text
from imgapp.adapters.imaging.xmp import read_xmp

MAX_ALT_TEXT, MAX_DESCRIPTION, MAX_TAGS, MAX_TAG = 2_000, 20_000, 100, 100
MAX_LANGUAGES, MAX_ALL_TEXTS = 40, 30_000

# Cameras, phones and programs write these into the caption by themselves.
_CAMERA_CAPTIONS = re.compile(
    r"((olympus|(konica )?minolta|kodak|sony|samsung|casio|pentax|vivitar|sanyo|ricoh)? ?digital"
    r" (still )?camera|sony dsc|minolta dsc|samsung( camera pictures)?|exif[ _]jpe?g([ _]picture)?"
    r"|dcim[\w\\/.]*|(dsc|img)[\w.-]*\d+|default|untitled|image|screenshot|my beautiful picture"
    r"|(oplus|oppo)_\d+)",
    re.IGNORECASE,
)
_PROGRAM_CAPTIONS = re.compile(
    r"(\[\s*)?\{.*\}(\s*\])?|<[?\w].*>|ImageJ=.*|.*\bSteps: \d+, Sampler: .*", re.DOTALL
)


@dataclass(frozen=True)
class EmbeddedCaptions:
    """What a person wrote into the file. None is: nothing."""

    alt_text: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    language: str | None = None
    """Of the texts (BCP 47 in form), where the file says it."""
    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    """Alt text and description by language, where there are several; `DEFAULT` is not said."""


def read_carried(
    xmp: bytes | None = None,
    iptc: bytes | None = None,
    *,
    photoshop: bytes | None = None,
    exif: bytes | BinaryIO | None = None,
    png: CarriedWords | None = None,
) -> EmbeddedCaptions:
    """Read alt text, description and tags. XMP goes before IPTC, IPTC before EXIF, EXIF before the
    text of PNG; `photoshop` is another place of IPTC. Damaged blocks count as absent."""
    older = _block(read_iptc, photoshop)
    if not _says(older):
        older = _block(read_iptc, iptc)
    by_exif, camera = _exif_block(exif)
    blocks = [_block(read_xmp, xmp), older, by_exif, png or CarriedWords()]
    captions = ([_written(texts, camera) for texts in block.captions] for block in blocks)
    said = next((texts for texts in captions if any(choose(one)[0] for one in texts)), [])
    tags = _tags(keyword for block in blocks for keyword in block.keywords)
    return replace(_read_texts(blocks[0].alt_text, said), tags=tags or None)


def _block(read: Callable[[bytes], CarriedWords], data: bytes | None) -> CarriedWords:
    # Whatever a stranger's bytes do to a parser, the picture itself is still good.
    with suppress(Exception):
        return read(data) if data else CarriedWords()
    return CarriedWords()


def _exif_block(source: bytes | BinaryIO | None) -> tuple[CarriedWords, list[str]]:
    with suppress(Exception):
        return read_exif_words(source) if source else (CarriedWords(), [])
    return CarriedWords(), []


def _says(words: CarriedWords) -> bool:
    return bool(words.keywords or any(choose(texts)[0] for texts in words.captions))


def _written(texts: Texts, camera: list[str]) -> Texts:
    """Without what no person wrote."""
    return {tag: text for tag, text in texts.items() if not _is_automatic(text.strip(), camera)}


def _is_automatic(text: str, camera: list[str]) -> bool:
    if _CAMERA_CAPTIONS.fullmatch(text) or _PROGRAM_CAPTIONS.fullmatch(text):
        return True
    names = " ".join(camera).casefold().split()
    return bool(text) and set(text.casefold().split()) <= set(names)


def _read_texts(alt: Texts, captions: list[Texts]) -> EmbeddedCaptions:
    """The default texts, in one language where that can be, and all of them."""
    alt_text, language = choose(alt)
    caption, captions_language = choose(next((c for c in captions if choose(c)[0]), {}))
    for texts in captions if language else []:
        if texts.get(language or "", "").strip():
            caption = texts[language or ""]
            break
    return EmbeddedCaptions(
        alt_text=clean_text(alt_text, MAX_ALT_TEXT) or None,
        description=clean_text(caption, MAX_DESCRIPTION) or None,
        language=language or captions_language,
        texts=_by_language(alt, captions),
    )


def _by_language(alt: Texts, captions: list[Texts]) -> dict[str, dict[str, str]]:
    """Alt text and description in every language; {} if there is but one."""
    found: dict[str, dict[str, str]] = {}
    room = MAX_ALL_TEXTS
    limits = {"alt_text": MAX_ALT_TEXT, "description": MAX_DESCRIPTION}
    for name, texts in [("alt_text", alt), *(("description", texts) for texts in captions)]:
        for tag, text in _without_repeated_default(texts).items():
            cleaned = clean_text(text, limits[name])
            if not cleaned or len(cleaned) > room or name in found.get(tag, {}):
                continue
            if tag in found or len(found) < MAX_LANGUAGES:
                found.setdefault(tag, {})[name] = cleaned
                room -= len(cleaned)
    return found if len(found) > 1 else {}


def _without_repeated_default(texts: Texts) -> Texts:
    text, language = choose(texts)
    repeated = language is not None and texts.get(DEFAULT) == text
    return {tag: said for tag, said in texts.items() if not (repeated and tag == DEFAULT)}


def _tags(keywords: Iterable[str]) -> list[str]:
    tags: dict[str, str] = {}
    for keyword in keywords:
        tag = clean_line(keyword, MAX_TAG)
        if tag:
            tags.setdefault(tag.casefold(), tag)
    return list(tags.values())[:MAX_TAGS]

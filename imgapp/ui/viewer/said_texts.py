"""Said texts: what is said of one picture in each language, in words for the viewer."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from imgapp.models import ImagePublic, TextAuthor, TextPublic, TextState, TextWords
from imgapp.services.analysis.preferences import (
    DEFAULT_LANGUAGE,
    PreferencesPublic,
    english_name,
    full_name,
)
from imgapp.services.texts.texts import NOTHING_SAID, tag_of
from imgapp.ui.shell.doubt_words import DoubtWords, sentence_of
from imgapp.ui.viewer.details import written_by_people
from imgapp.ui.viewer.fact_words import writer

MISSING = "missing"
STATES = {
    MISSING: "nothing yet",
    TextState.DRAFT.value: "draft",
    TextState.APPROVED.value: "approved",
    TextState.RETURNED.value: "returned",
}
_FIELDS = ("alt_text", "description", "tags", "decorative")


@dataclass
class LanguageTab:
    """A language in which something is said of the picture, or is to be."""

    language: str
    name: str
    state: str
    """A state of a text, or `missing`."""
    words: str
    """The state in words, and that there are doubts."""
    chosen: bool = False
    key: str = ""
    """The shortcut that leads here."""


@dataclass
class TextSource:
    """What a text can be written from: approved words of a language, or the picture ("")."""

    language: str
    name: str


@dataclass
class Said:
    """What is said of the picture in one language."""

    language: str = ""
    name: str = ""
    version: str = NOTHING_SAID
    """Its tag, as it is shown."""
    is_own: bool = True
    """Whether it is the picture's own text, which stands in the gallery."""
    state: str = MISSING
    state_at: str = ""
    state_by: str = ""
    note: str = ""
    """Why it was returned."""
    held: str = ""
    """The alt text that was approved before, while another one is a draft."""
    origin: str = ""
    """Which model wrote it, with which prompt, from what."""
    doubts: list[DoubtWords] = dataclasses.field(default_factory=list)
    alt_text: str = ""
    alt_text_by: str = ""
    description: str = ""
    description_by: str = ""
    tags: list[str] = dataclasses.field(default_factory=list)
    tags_by: str = ""
    decorative: bool = False
    written: list[str] = dataclasses.field(default_factory=list)
    """Of the picture's own text: what a person wrote, so that no model overwrites it."""
    beside: str = ""
    """The alt text of the picture's own language, where another one is shown."""
    beside_description: str = ""
    beside_language: str = ""
    beside_name: str = ""
    sources: list[TextSource] = dataclasses.field(default_factory=list)


def own_language(image: ImagePublic) -> str | None:
    """The language of the picture's own text; None if it has none."""
    has_one = any(getattr(image, field) is not None for field in _FIELDS)
    return next(iter(image.texts), None) if has_one else None


def languages_of(image: ImagePublic, said: PreferencesPublic) -> list[str]:
    """The person's first language, their further ones, and all others that say something."""
    first = said.language or DEFAULT_LANGUAGE
    return list(dict.fromkeys([first, *said.further_languages, *image.texts]))


def chosen_of(image: ImagePublic, languages: list[str], wanted: str) -> str:
    """The language to show: the one wanted, else one's first, else that of the picture's text."""
    if wanted in languages:
        return wanted
    first = languages[0]
    return first if first in image.texts else own_language(image) or first


def tabs_of(
    image: ImagePublic, languages: list[str], chosen: str, off: Iterable[str]
) -> list[LanguageTab]:
    """One for each language, in that order."""
    hidden = set(off)
    following = languages[(languages.index(chosen) + 1) % len(languages)]
    return [
        LanguageTab(
            language=one,
            name=full_name(one),
            state=_state(image.texts.get(one)),
            words=_words(image.texts.get(one), hidden),
            chosen=one == chosen,
            key="l" if one == following and one != chosen else "",
        )
        for one in languages
    ]


def said_of(image: ImagePublic, language: str, off: Iterable[str], user_id: UUID) -> Said:
    """What is said in a language, and what it can be written from where nothing is."""
    text, own = image.texts.get(language), own_language(image)
    is_own = own == language or (own is None and text is None)
    said = Said(language=language, name=english_name(language), is_own=is_own)
    said.sources = [TextSource("", "the picture")] + [
        TextSource(one, f"the approved words in {english_name(one)}")
        for one, other in image.texts.items()
        if one != language and other.approved and other.approved.alt_text
    ]
    if own is not None and own != language:
        said.beside = image.texts[own].alt_text or ""
        said.beside_description = image.texts[own].description or ""
        said.beside_language, said.beside_name = own, english_name(own)
    if text is None:
        return said
    said.version, said.state = tag_of(text), text.state.value
    said.state_at = text.state_at.isoformat()
    said.state_by = "" if text.state_by in (None, user_id) else "by somebody else"
    said.note, said.origin = text.note or "", origin_of(text)
    said.held = _held(text)
    said.alt_text, said.description = text.alt_text or "", text.description or ""
    said.tags, said.decorative = text.tags or [], bool(text.decorative)
    said.alt_text_by = author(text, "alt_text") or author(text, "decorative")
    said.description_by, said.tags_by = author(text, "description"), author(text, "tags")
    said.doubts = [
        DoubtWords(one.rule, sentence_of(one.rule), one.excerpt)
        for one in shown_doubts(text, set(off))
    ]
    if is_own:
        said.written = written_by_people(image)
        said.alt_text_by = writer(image, "alt_text") or said.alt_text_by
        said.description_by = writer(image, "description") or said.description_by
        said.tags_by = writer(image, "tags") or said.tags_by
    return said


def author(text: TextPublic, field: str) -> str:
    """Who wrote a field of a text, as a few words."""
    match text.written_by.get(field):
        case TextAuthor.PERSON:
            return "written by a person"
        case TextAuthor.FILE:
            return "from the file"
        case TextAuthor.MODEL:
            return f"by {text.model_version or 'the model'}"
    return ""


def origin_of(text: TextPublic) -> str:
    """Which model wrote what a model wrote, with which prompt, and from what."""
    if TextAuthor.MODEL not in text.written_by.values():
        return f"Made from {english_name(text.made_from)}." if text.made_from else ""
    by = text.model_version or "a model"
    prompt = f", prompt {text.prompt_version}" if text.prompt_version else ""
    if text.made_from:
        return f"Translated from {english_name(text.made_from)} by {by}{prompt}."
    return f"From the picture, by {by}{prompt}."


def shown_doubts(text: TextPublic, off: set[str]) -> list[DoubtWords]:
    """Those of the rules that are on."""
    found = [one for one in text.doubts or [] if one.rule not in off]
    return [DoubtWords(one.rule, "", one.excerpt) for one in found]


def _held(text: TextPublic) -> str:
    if text.state is TextState.APPROVED or text.approved is None:
        return ""
    return _one_line(text.approved)


def _one_line(words: TextWords) -> str:
    return "decorative" if words.decorative else words.alt_text or ""


def _state(text: TextPublic | None) -> str:
    return MISSING if text is None else text.state.value


def _words(text: TextPublic | None, off: set[str]) -> str:
    doubts = len(shown_doubts(text, off)) if text else 0
    doubtful = f", {doubts} {'doubt' if doubts == 1 else 'doubts'}" if doubts else ""
    return STATES[_state(text)] + doubtful

"""Names in a text, and whether anything that is known of the picture has them (proper nouns).

No model: capital letters within a sentence where a language has them for names alone, titles,
"Kölner Dom" and the like in German, and names that are known everywhere. What begins a
sentence, and what stands in quotation marks, is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from imgapp.services.texts.phrases.capitals import ABBREVIATIONS, ARTICLES, CONTROLS, ORDINARY
from imgapp.services.texts.phrases.well_known import (
    AT_THE_START,
    BRANDS,
    CITIES,
    GIVEN_NAMES,
    LANDMARKS,
    NO_NAMES,
    NO_PLACE,
    PLACES,
    TITLES,
)
from imgapp.services.texts.written_text import UPPER, WrittenText, folded

_CAPITALISED = re.compile(rf"(?<![\w.&])[{UPPER}][^\W\d_]*")
_CAMEL = re.compile(rf"(?<!\w)(?:[a-z][{UPPER}][a-z]+|[{UPPER}][a-z]+[{UPPER}][a-z]+)\w*")
_PLAIN_CAMEL = ("Innen", "In", "WiFi")
"""German forms for all genders, and what has no owner."""
_STEP = re.compile(
    r"(?: (?:of the|of|de la|de los|de|del|di|da|dos?|du|van (?:der|den)|van|von|am|la|le|el))?"
    r"[ ’'-]"
)
"""What may stand between two words of one name."""
_SENTENCE_END = re.compile(r"[.!?…:;•*|\n\r\"“”„«»(\[–—/-]\s*\Z")
_LAST_WORD = re.compile(r"(?<!\w)(\w{1,4})\.\s*\Z")
_HEADLINE = 0.85
"""The share of long words with a capital from which on a text is a headline in title case."""
_ENOUGH_FOR_HEADLINE = 4
_LONG_WORD = re.compile(r"(?<!\w)[^\W\d_]{4,}")
_SHORT = 4
"""Letters up to which a word has to be known as it is; longer ones may have other endings."""
_INFLECTED = ("pl", "cs", "ru")
"""Languages whose names change with their case, down to the third letter: Praha, v Praze."""
_MOST_WORDS = 8

Run = list[re.Match[str]]
Name = tuple[str, list[str]]
"""As it stands in the text, and its words that have to be known."""


def unsourced_name(text: WrittenText) -> str | None:
    """The first name that nothing known of the picture has; None if there is no such name."""
    if text.spoken in ORDINARY:
        found = _by_capitals(text.prose, ORDINARY[text.spoken])
    elif text.spoken == "de":
        found = _in_german(text.prose)
    elif text.spoken in LANDMARKS:
        found = _well_known(text.prose, text.spoken)
    else:
        return None
    return next((name for name, words in found if not _are_known(words, text)), None)


def languages() -> Iterable[str]:
    """The languages that are looked at."""
    return sorted({*ORDINARY, *LANDMARKS})


def _are_known(words: Iterable[str], text: WrittenText) -> bool:
    """Whether each of the words is in what is known, whatever its ending."""
    if text.spoken in ("ja", "zh"):
        return all(folded(word) in text.sources for word in words)
    least = _SHORT - 1 if text.spoken in _INFLECTED else _SHORT
    for word in map(folded, words):
        if len(word) > _SHORT:
            known = word[: max(least, len(word) - 2)] in text.sources
        else:
            known = not text.source_words.isdisjoint((word, word.removesuffix("s")))
        if not known:
            return False
    return True


def _by_capitals(prose: str, ordinary: frozenset[str]) -> Iterator[Name]:
    if not _is_headline(prose):
        for run in _runs(prose):
            yield from _in_run(prose, run, ordinary)
    yield from _in_camel_case(prose)


def _in_run(prose: str, run: Run, ordinary: frozenset[str]) -> Iterator[Name]:
    starts = _begins_sentence(prose, run[0].start())
    words = [word for word in run[1 if starts else 0 :] if _is_name(word[0], ordinary)]
    if starts and not words and run[0][0] in AT_THE_START:
        words = run[:1]
    if words and not _is_label(prose, run):
        first = run[1] if starts and len(run) > 1 and _is_apart(run, ordinary) else run[0]
        yield prose[first.start() : run[-1].end()], [word[0] for word in words]


def _is_apart(run: Run, ordinary: frozenset[str]) -> bool:
    """Whether the first word is none of the name: "The Louvre", "View of Rome"."""
    plain, gap = folded(run[0][0]), run[1].start() - run[0].end()
    return gap > 1 or plain in ARTICLES or plain in ordinary


def _in_german(prose: str) -> Iterator[Name]:
    yield from _well_known(prose, "de")
    for run in _runs(prose):
        for word, following in zip(run, [*run[1:], None], strict=True):
            name = word[0]
            if name in BRANDS or name in CITIES:
                yield name, [name]
            elif following is not None and _are_german_name(name, following[0]):
                words = [following[0]] if name in TITLES else [name, following[0]]
                yield prose[word.start() : following.end()], words
    yield from _in_camel_case(prose)


def _well_known(prose: str, language: str) -> Iterator[Name]:
    return ((name, name.split()) for name in LANDMARKS[language] if name in prose)


def _in_camel_case(prose: str) -> Iterator[Name]:
    found = (match[0] for match in _CAMEL.finditer(prose))
    return ((word, [word]) for word in found if not word.endswith(_PLAIN_CAMEL))


def _are_german_name(word: str, following: str) -> bool:
    if word in TITLES or word in GIVEN_NAMES:
        return following not in NO_NAMES
    return following in PLACES and len(word) > 4 and word.endswith("er") and word not in NO_PLACE


def _runs(prose: str) -> Iterator[Run]:
    """Capitalised words that follow each other, with nothing but little words between."""
    run: Run = []
    for word in _CAPITALISED.finditer(prose):
        if run and (len(run) == _MOST_WORDS or not _goes_on(prose, run[-1], word)):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _goes_on(prose: str, last: re.Match[str], word: re.Match[str]) -> bool:
    if prose[last.end() : word.start()] == ". ":
        return len(last[0]) == 1 or folded(last[0]) in ABBREVIATIONS
    return _STEP.fullmatch(prose, last.end(), word.start()) is not None


def _is_name(word: str, ordinary: frozenset[str]) -> bool:
    """Whether it has small letters too, as no acronym has, and is no ordinary word."""
    if word in BRANDS:
        return True
    if len(word) < 2 or word.isupper():
        return False
    plain = folded(word)
    return plain not in ordinary and plain.removesuffix("s") not in ordinary


def _is_label(prose: str, run: Run) -> bool:
    """Whether it is what a part of a screen says, which is named just before or after it."""
    before, after = (
        prose[max(0, run[0].start() - 40) : run[0].start()],
        prose[run[-1].end() : run[-1].end() + 20],
    )
    around = [*before.split()[-3:], *after.split()[:1]]
    return any(folded(word.strip(".,;:")) in CONTROLS for word in around)


def _begins_sentence(prose: str, start: int) -> bool:
    before = prose[max(0, start - 12) : start]
    if not before.strip():
        return True
    if not _SENTENCE_END.search(before):
        return False
    short = _LAST_WORD.search(before)
    return short is None or folded(short[1]) not in ABBREVIATIONS


def _is_headline(prose: str) -> bool:
    long = _LONG_WORD.findall(prose[:2_000])
    capitals = sum(word[0].isupper() for word in long)
    return len(long) >= _ENOUGH_FOR_HEADLINE and capitals >= _HEADLINE * len(long)

"""Languages: name them, and detect which one a text is written in (BCP 47)."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError

_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.I)
_QUOTED = re.compile(
    r"\"[^\"\n]{0,400}\"|“[^”\n]{0,400}”|„[^“”\n]{0,400}[“”]|«[^»\n]{0,400}»|‹[^›\n]{0,400}›"
    r"|「[^」\n]{0,400}」"
)
"""Bounded, so that marks without an end do not make it slow."""
_WORD = re.compile(r"\w+")
_SURE = 0.8
_UNLIKELY = 0.01
_ENOUGH_LETTERS = 60
_ENOUGH_SIGNS = 15
"""Scripts that write a word with one or two signs say as much with fewer of them."""

_DETECTED_AS = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "fil": "tl", "yue": "zh"}
_KIN = (
    {"no", "da", "sv"},
    {"hr", "sr", "bs", "sl"},
    {"id", "ms", "jv"},
    {"cs", "sk"},
    {"pt", "gl"},
    {"es", "ca", "gl", "an", "ext", "oc"},
    {"ru", "be", "uk", "bg", "mk"},
    {"af", "nl"},
    {"de", "lb"},
    {"hi", "mr", "ne"},
    {"zu", "xh"},
    {"zh", "wuu"},
    {"ar", "ary", "arz"},
    {"en", "pcm", "sco"},
)
"""Languages so close that a short text may be taken for its neighbour."""

_NO_LANGUAGE = ("zxx", "und")

_lock = threading.Lock()


@lru_cache(maxsize=256)
def language_name(tag: str) -> str:
    """The English name of a language (BCP 47), such as "Portuguese (Brazil)"; else the tag."""
    try:
        name = Locale.parse(tag, sep="-").english_name
    except (UnknownLocaleError, ValueError, TypeError):
        name = None
    return name or tag


@lru_cache(maxsize=256)
def own_name(tag: str) -> str:
    """What those who speak a language call it, such as "português (Brasil)"; else the tag."""
    try:
        name = Locale.parse(tag, sep="-").display_name
    except (UnknownLocaleError, ValueError, TypeError):
        name = None
    return name or tag


def is_language_tag(text: str) -> bool:
    """Whether it has the form of a BCP 47 tag."""
    return len(text) <= 35 and _TAG.fullmatch(text) is not None


def known_language(tag: str) -> str | None:
    """A tag as it is usually written (RFC 5646, 2.1.1), if its language has a name; else None."""
    if not is_language_tag(tag):
        return None
    first, *others = tag.split("-")
    if first.lower() not in Locale("en").languages:
        return None
    written = {2: str.upper, 4: str.title}
    return "-".join([first.lower(), *(written.get(len(o), str.lower)(o) for o in others)])


@lru_cache(maxsize=1024)
def primary(tag: str) -> str:
    """The language without script and region, as the detector names it."""
    name = tag.split("-", 1)[0].lower()
    return _DETECTED_AS.get(name, name)


def other_language(text: str, wanted: str, shown: str = "") -> str | None:
    """The language of a text that is surely not in the wanted one (BCP 47); None if in doubt.

    Neither what stands in quotation marks nor the words that the picture shows count.
    """
    words = set(_WORD.findall(shown.casefold()))
    prose = _WORD.sub(lambda m: "" if m[0].casefold() in words else m[0], unquoted(text))
    if not _enough(prose):
        return None
    likely = _likely(prose)
    expected = primary(wanted)
    found = max(likely, key=lambda name: likely[name])
    if expected not in likely or found in _near(expected) or found in _NO_LANGUAGE:
        return None
    sure = sum(likely.get(name, 0.0) for name in _near(found)) >= _SURE
    return found if sure and likely[expected] <= _UNLIKELY else None


def unquoted(text: str) -> str:
    """A text without what stands in quotation marks."""
    return _QUOTED.sub(" ", text)


def language_of(text: str) -> str | None:
    """The language that a text is surely in (BCP 47); None if in doubt, or of too few letters."""
    if not _enough(text):
        return None
    # Signs and headings are often in capitals, which the detector takes for another language.
    likely = _likely(text.lower())
    found = max(likely, key=lambda name: likely[name])
    sure = sum(likely.get(name, 0.0) for name in _near(found)) >= _SURE
    return found if sure and found not in _NO_LANGUAGE else None


def load() -> None:
    """Load the detector's model now."""
    _identifier()


def is_loaded() -> bool:
    """Whether the detector's model is here."""
    return _loaded.cache_info().currsize > 0


def unload() -> None:
    """Forget the detector's model until it is needed."""
    with _lock:
        _loaded.cache_clear()


def _enough(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    dense = sum(char >= "\u0e00" for char in letters)
    return len(letters) >= (_ENOUGH_SIGNS if dense * 2 > len(letters) else _ENOUGH_LETTERS)


def _likely(text: str) -> dict[str, float]:
    likely: dict[str, float] = {}
    for name, certainty in _identifier().rank(text):
        likely[primary(name)] = likely.get(primary(name), 0.0) + certainty
    return likely


def _near(language: str) -> set[str]:
    return {language}.union(*(group for group in _KIN if language in group))


def _identifier() -> Any:
    with _lock:
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> Any:
    # Most of a second and 80 MB, which only a process that asks models needs.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

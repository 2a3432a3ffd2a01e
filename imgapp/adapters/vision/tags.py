"""Tags: choose few, the person's own words first, one form for each (normalisation)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from imgapp.adapters.languages import primary
from imgapp.adapters.vision.english_number import load, singular
from imgapp.adapters.vision.text_cleanup import one_line, says_something

__all__ = ["MAX_TAG", "MAX_TAGS", "clean_tags", "load", "singular"]

MAX_TAGS = 15
MAX_TAG = 40


def clean_tags(
    tags: Iterable[str], language: str = "en", vocabulary: Iterable[str] = ()
) -> list[str]:
    """Lower case, singular in English, each once, at most 15; those of the vocabulary come first.

    A tag that means the same as one of the vocabulary, but for case, hyphens and number, is it.
    """
    own = {_key(term): one_line(term) for term in reversed(list(vocabulary))}
    said = [one_line(tag).strip(" #.,;:\"'“”*-_[](){}<>`") for tag in tags]
    # A model that writes some in lower case was asked to keep capitals for names.
    names = any(tag == tag.lower() and tag.lower() != tag.upper() for tag in said)
    known: dict[str, str] = {}
    others: dict[str, str] = {}
    for tag in said:
        word = tag.lower()
        if not word or len(word) > MAX_TAG or not says_something(word):
            continue
        key = _key(word)
        if key in own:
            known.setdefault(key, own[key])
        else:
            stays = primary(language) != "en" or (names and _ends_in_capital(tag))
            others.setdefault(key, word if stays else singular(word))
    return [*known.values(), *others.values()][:MAX_TAGS]


def _ends_in_capital(tag: str) -> bool:
    return tag.rpartition(" ")[2][:1].isupper()


def _key(tag: str) -> str:
    folded = unicodedata.normalize("NFKC", tag).casefold()
    return singular(" ".join(re.split(r"[\s_\-‐‑–/]+", folded.strip(" #.,"))))

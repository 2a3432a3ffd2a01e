"""Tags: choose few, the person's own words first, one form for each (normalisation)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from imgapp.adapters.vision.languages import primary
from imgapp.adapters.vision.text_cleanup import one_line, says_something

MAX_TAGS = 15
MAX_TAG = 40

_PLURAL = re.compile(
    r"(?:s|men|children|mice|geese|teeth|feet|oxen|eaux|cacti|fungi|alumni|bacteria|criteria|phenomena)\Z"
)
_ONLY_PLURAL = re.compile(
    "binoculars|christmas|crossroads|fireworks|(eye|sun)?glasses|goggles|goods|headphones|"
    "headquarters|innings|jeans|leggings|mars|overalls|pajamas|pyjamas|pants|ruins|scissors|shorts|"
    "stairs|tights|trousers"
)
"""They look like plurals of something else, or are said in the plural only."""
_BETTER = {
    "calves": "calf",
    "crosses": "cross",
    "leaves": "leaf",
    "lenses": "lens",
    "lives": "life",
    "loaves": "loaf",
    "shelves": "shelf",
    "skies": "sky",
    "wives": "wife",
}
"""The dictionary takes these for the forms of verbs and other nouns."""


def clean_tags(
    tags: Iterable[str], language: str = "en", vocabulary: Iterable[str] = ()
) -> list[str]:
    """Lower case, singular in English, each once, at most 15; those of the vocabulary come first.

    A tag that means the same as one of the vocabulary, but for case, hyphens and number, is it.
    """
    own = {_key(term): one_line(term) for term in reversed(list(vocabulary))}
    known: dict[str, str] = {}
    others: dict[str, str] = {}
    for tag in tags:
        word = one_line(tag).lower().strip(" #.,;:\"'“”*-_[](){}<>`")
        if not word or len(word) > MAX_TAG or not says_something(word):
            continue
        key = _key(word)
        if key in own:
            known.setdefault(key, own[key])
        else:
            others.setdefault(key, singular(word) if primary(language) == "en" else word)
    return [*known.values(), *others.values()][:MAX_TAGS]


def singular(words: str) -> str:
    """English words with the last of them in the singular."""
    head, space, last = words.rpartition(" ")
    if not _PLURAL.search(last) or _ONLY_PLURAL.fullmatch(last) or len(last) < 3:
        return words
    return head + space + (_BETTER.get(last) or _lemma(last))


def load() -> None:
    """Load the dictionary now."""
    _lemma("words")


def _lemma(word: str) -> str:
    # 24 MB of dictionary, which only a process that reads answers needs.
    import simplemma

    lemma = simplemma.lemmatize(word, lang="en")
    # A capital is a name's (Paris); anything much shorter is the stem of another word.
    return lemma if lemma.islower() and len(word) - len(lemma) <= 3 else word


def _key(tag: str) -> str:
    folded = unicodedata.normalize("NFKC", tag).casefold()
    return singular(" ".join(re.split(r"[\s_\-‐‑–/]+", folded.strip(" #.,"))))

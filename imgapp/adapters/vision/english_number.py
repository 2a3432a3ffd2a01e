"""English number: the singular of a tag, unless it is a name or said in the plural (lemmas)."""

from __future__ import annotations

import re
from functools import lru_cache

from babel import Locale

_PLURAL = re.compile(
    r"(?:s|men|children|mice|geese|teeth|feet|oxen|eaux|cacti|fungi|alumni|bacteria|criteria|phenomena)\Z"
)
_ONLY_PLURAL = re.compile(
    "abs|aerobics|alps|amends|andes|antics|arms|ashes|athletics|badlands|bagpipes|balkans|"
    "barracks|bellows|belongings|billiards|binoculars|bleachers|blinds|blues|breeches|briefs|"
    "carpathians|castanets|chaps|checkers|chopsticks|christmas|clippers|clothes|cosmetics|"
    "cotswolds|crossroads|customs|darts|dolomites|dominoes|dregs|dungarees|earbuds|earphones|"
    "eyeglasses|falls|fireworks|forceps|gallows|gasworks|glasses|goggles|goods|greens|"
    "groceries|gymnastics|handcuffs|headphones|headquarters|highlands|himalayas|innings|"
    "jeans|knickers|leggings|lowlands|maracas|mars|measles|midlands|molasses|mumps|nineties|"
    "oats|outskirts|overalls|pajamas|pants|pincers|plains|pliers|premises|pyjamas|pyrenees|"
    "rapids|remains|rockies|ruins|scales|scissors|secateurs|shallows|shears|shorts|"
    "spectacles|stairs|stockings|suds|sunglasses|surroundings|suspenders|sweatpants|thanks|"
    "tights|tongs|tropics|trousers|trunks|tweezers|underpants|whiskers|works"
)
"""They look like plurals of something else, or are said in the plural only, or as names."""
_NAMES = re.compile(
    "angry birds|asian games|avengers|blue ridge mountains|british isles|commonwealth games|"
    "french fries|great lakes|great smoky mountains|hanging gardens|hunger games|minions|"
    "northern lights|olympic games|pan american games|paralympic games|power rangers|"
    "rocky mountains|rolling stones|seven sisters|simpsons|smurfs|southern lights|"
    "spanish steps|star wars|three sisters|transformers|twin peaks|twin towers|winter games"
)
"""Names of words that are no names by themselves."""
_JOINT = re.compile(r"\b(?:and|&|of|the|in|on|with|de|la|le|les|los|las)\b")
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


def singular(words: str) -> str:
    """English words (in lower case) with the last of them in the singular.

    What may be a name stays: "united states", "niagara falls", "chicago bulls".
    """
    head, space, last = words.rpartition(" ")
    if not _PLURAL.search(last) or _ONLY_PLURAL.fullmatch(last) or len(last) < 3:
        return words
    if _NAMES.fullmatch(words) or words in _countries() or _JOINT.search(head) or _has_name(head):
        return words
    return head + space + (_BETTER.get(last) or _lemma(last))


def load() -> None:
    """Load the dictionary now."""
    _lemma("words")


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    return frozenset(name.lower() for name in Locale("en").territories.values())


def _has_name(head: str) -> bool:
    """Whether a word that stands before is one that English writes with a capital, or unknown."""
    from simplemma import is_known, lemmatize

    return any(
        not lemmatize(word, lang="en").islower() or not is_known(word, lang="en")
        for word in re.findall(r"[^\W\d_]{3,}", head)
    )


def _lemma(word: str) -> str:
    # 24 MB of dictionary, which only a process that reads answers needs.
    from simplemma import lemmatize

    lemma = lemmatize(word, lang="en")
    # A capital is a name's (Paris); anything much shorter is the stem of another word.
    return lemma if lemma.islower() and len(word) - len(lemma) <= 3 else word

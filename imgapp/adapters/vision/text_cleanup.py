"""Model texts: clean them of markup, length and the phrases of models (post-processing).

Pure functions. Nothing here interprets markup: it stays text, and is shown as text.
"""

from __future__ import annotations

import re
import unicodedata
import zlib

MAX_ALT_TEXT = 250
_LONG_ALT_TEXT = 160
"""Beyond this an alt text of several sentences is cut at the end of one."""
_SHORTEST_ALT_TEXT = 40

# Control characters but newline and tab, private-use ones, surrogates, and direction overrides and
# the like, which could make a text read as something else (UTR 36).
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u2069\ud800-\uf8ff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\U000f0000-\U0010ffff]"
)

# "Image of" where the words after it stand alone; where they would be left in another case, as
# after the German "Bild von", only what keeps its form follows.
_OPENINGS = tuple(
    re.compile(rf"\A(?:{pattern})", re.I)
    for pattern in (
        r"(?:(?:this|the|an?)\s+)?(?:image|picture|photo|photograph|pic)\s+"
        r"(?:of|showing|depicting|shows|depicts|features|contains)\s+",
        r"(?:(?:ein|das|dieses?)\s+)?(?:bild|foto)\s+(?:von|zeigt)\s+"
        r"(?=eine\s|die\s|das\s|ein\s|zwei\s|drei\s|vier\s)",
        r"(?:(?:une|l['’]|cette|la)\s*)?(?:image|photo|photographie)\s+"
        r"(?:(?:de|montre|montrant|représente|représentant)\s+|d['’])",
        r"(?:(?:una|la|esta)\s+)?(?:imagen|foto|fotografía)\s+"
        r"(?:de|muestra|que\s+muestra|mostrando)\s+",
        r"(?:(?:uma|a|esta)\s+)?(?:imagem|foto|fotografia)\s+(?:de|mostra|que\s+mostra|mostrando)\s+",
        r"(?:(?:una|un['’]|l['’]|la|questa)\s*)?(?:immagine|foto|fotografia)\s+"
        r"(?:di|mostra|che\s+mostra)\s+",
        r"(?:(?:een|de|deze)\s+)?(?:afbeelding|foto|plaatje)\s+"
        r"(?:van|toont|laat\s+zien|met\s+daarop)\s+",
        r"(?:(?:et|ett|en|dette|detta)\s+)?(?:billede|bilde[t]?|bild(?:en)?|foto(?:et|t)?)\s+"
        r"(?:af|av|på|viser|visar)\s+",
        r"(?:这|這)?(?:张|張|幅)?(?:图片|圖片|照片|图像|圖像)(?:中)?(?:显示|顯示|展示|是)(?:了)?",
    )
)
_MEANINGLESS = re.compile(
    r"(?:an?\s+|the\s+)?(?:(?:image|picture|photo|photograph)(?:\s+of)?|graphic|untitled|"
    r"alt[ _]?text|description|string|text|null|none|undefined|n/?a|bild|foto|imagen|imagem|"
    r"immagine|afbeelding|(?:img|dsc|dscn|dscf|pxl|screenshot|image|photo|mvimg)[ _-]?[\d _-]+)",
    re.I,
)
_EXTENSION = re.compile(r"\.(?:jpe?g|png|gif|webp|heic|heif|avif|tiff?|bmp|svg|jxl)\Z", re.I)
_SENTENCE = re.compile(r".+?(?:[.!?…](?=[\"”»’)]*(?:\s|\Z))[\"”»’)]*|[。！？])", re.S)


def clean(text: str) -> str:
    """Plain text (NFC): no control, direction-override, invisible or unpaired surrogate
    characters."""
    return unicodedata.normalize("NFC", _UNFIT.sub("", text))


def one_line(text: str) -> str:
    """Clean text with every run of white space made one space."""
    return " ".join(clean(text).split())


def says_something(text: str) -> bool:
    """Whether there is a letter or a digit in it, and it is no placeholder."""
    return any(map(str.isalnum, text)) and not _MEANINGLESS.fullmatch(text.strip(" .\"'<>[]…"))


def shorten(text: str, limit: int) -> str:
    """Cut at the end of a sentence, or else at a word with an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[:limit]
    sentence = re.match(r".*(?:[.!?](?=\s)|[。！？])", cut, re.S)
    if sentence and sentence.end() > limit // 2:
        return sentence.group()
    return (cut[: limit - 1].rsplit(" ", 1)[0] if " " in cut else cut[: limit - 1]).rstrip() + "…"


def first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence."""
    match = _SENTENCE.match(text)
    return match.group().strip() if match else text


def clean_alt_text(text: str) -> str:
    """One bounded line that does not begin with "image of"; empty if it says nothing."""
    line = one_line(text).strip("\"'“”")
    if not says_something(line):
        return ""
    for opening in _OPENINGS:
        bare = opening.sub("", line, count=1)
        if bare != line and says_something(bare):
            line = bare[0].upper() + bare[1:]
            break
    return shorten(_few_sentences(line), MAX_ALT_TEXT)


def _few_sentences(line: str) -> str:
    if len(line) <= _LONG_ALT_TEXT:
        return line
    kept = ""
    for sentence in _SENTENCE.findall(line):
        if len(kept) + len(sentence) > _LONG_ALT_TEXT:
            break
        kept += sentence
    return kept.strip() if len(kept) >= _SHORTEST_ALT_TEXT else line


def is_filename(text: str, filename: str | None) -> bool:
    """Whether a text only repeats the name of the file, with or without its ending."""
    if _EXTENSION.search(text.strip()) and " " not in text.strip():
        return True
    return bool(filename) and _plain(text) == _plain(filename or "") != ""


def same_words(one: str, other: str) -> bool:
    """Whether two texts say the same, whatever their case and punctuation."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    folded = _EXTENSION.sub("", text.strip()).casefold()
    return " ".join(re.findall(r"[^\W_]+", folded))


def is_looping(text: str, *, floor: float = 0.25) -> bool:
    """Whether a long text keeps saying the same: under `floor` of its words are different ones."""
    words = text.lower().split()
    if len(words) >= 40:
        return len(set(words)) / len(words) < floor
    if len(text) < 200:
        return False
    # Scripts without spaces, and runs of one character: real prose never packs this well.
    packed = len(zlib.compress(text.encode())) / len(text.encode())
    return packed < floor / 2.5

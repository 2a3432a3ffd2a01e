"""From what a vision model wrote to a Description: nothing it says is trusted.

Pure functions: thinking and code fences are stripped, the JSON is found and validated, every text
is bounded and freed of control characters, and empty or looping answers are refused.
"""

from __future__ import annotations

import json
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError, field_validator

from imgapp.adapters.vision.base import Description
from imgapp.errors import PermanentDescriberError, TransientDescriberError

MAX_ALT_TEXT = 250
MAX_DESCRIPTION = 2_000
MAX_VISIBLE_TEXT = 10_000
MAX_TAGS = 15
MAX_TAG = 40
MAX_ANSWER = 100_000

_THINKING = re.compile(r"<(think|thinking|reasoning|thought)>.*?(</\1>|\Z)", re.S | re.I)
_THOUGHT_BEFORE = re.compile(r"\A.*</(think|thinking|reasoning|thought)>", re.S | re.I)
_OPENING = re.compile(
    r"\A(?:(?:this|the|an?)\s+)?(?:image|picture|photo|photograph|pic)\s+"
    r"(?:of|showing|depicting|shows|depicts|features|contains)\s+",
    re.I,
)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.I)
_REFUSAL = re.compile(
    r"((i\W?m|i am|we\W?re)\s+)?(very\s+)?(sorry|afraid|unable)\b"
    r"|i (can|could|will)(\Wt|not| not)\b",
    re.I,
)
_NOTHING = {"", "none", "null", "n/a", "no text", "no visible text"}


class _Answer(BaseModel):
    alt_text: str = ""
    description: str = ""
    tags: list[str] = []
    visible_text: str = ""
    decorative: bool = False
    language: str = ""

    @field_validator("alt_text", "description", "visible_text", "language", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        if isinstance(value, list):
            return "\n".join(str(line) for line in value)
        return "" if value is None else value

    @field_validator("decorative", mode="before")
    @classmethod
    def _flag(cls, value: Any) -> Any:
        return False if value is None else value

    @field_validator("tags", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        if isinstance(value, str):
            return re.split(r"[,;\n]", value)
        return [tag for tag in value if isinstance(tag, str)] if isinstance(value, list) else []


def read_answer(content: str, *, model_version: str, language: str, prose: bool) -> Description:
    """Validate what a model wrote; `prose` also accepts an answer without JSON.

    Raises TransientDescriberError for an answer that another attempt may better, and
    PermanentDescriberError where the model declined.
    """
    text = strip_thinking(content[:MAX_ANSWER])
    if not text:
        raise _unusable("was empty")
    answer = _find_answer(text) or (_from_prose(text) if prose else None)
    if answer is None:
        raise refused() if _REFUSAL.match(text) else _unusable("was not in the form asked for")
    return _described(answer, model_version, language)


def _unusable(why: str) -> TransientDescriberError:
    return TransientDescriberError(f"The vision model's answer {why}", code="unusable_answer")


def refused() -> PermanentDescriberError:
    """The model declined to describe the picture."""
    return PermanentDescriberError(
        "The vision model declined to describe this picture. You can write the text yourself.",
        code="content_refused",
    )


def strip_thinking(text: str) -> str:
    """What is left once a thinking model's thoughts are gone; all of it may have been thoughts."""
    return _THOUGHT_BEFORE.sub("", _THINKING.sub("", text)).strip()


def _find_answer(text: str) -> _Answer | None:
    for found in _objects(text):
        if "description" in found or "alt_text" in found:
            try:
                return _Answer.model_validate(found)
            except ValidationError:
                continue
    return None


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder(strict=False)
    # A handful of braces is plenty: each failed attempt may read to the end of the text.
    for match in list(re.finditer(r"\{", text))[:20]:
        try:
            found, _ = decoder.raw_decode(text, match.start())
        except (json.JSONDecodeError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def _from_prose(text: str) -> _Answer | None:
    plain = re.sub(r"```\w*|[*_#`]+", "", text).strip()
    if plain.startswith(("{", "[", "<")) or len(plain.split()) < 4:
        return None
    return _Answer(alt_text=_first_sentence(plain), description=plain)


def _described(answer: _Answer, model_version: str, language: str) -> Description:
    alt_text = clean_alt_text(answer.alt_text)
    description = shorten(one_line(answer.description), MAX_DESCRIPTION)
    visible_text = clean(answer.visible_text).strip()
    if is_looping(alt_text) or is_looping(description) or is_looping(visible_text, floor=0.03):
        raise _unusable("only repeated itself")
    if not answer.decorative and not description:
        raise _unusable("was empty")
    if answer.decorative:
        alt_text = ""
    elif not alt_text:
        alt_text = clean_alt_text(_first_sentence(description))
    return Description(
        alt_text=alt_text,
        description=description or None,
        tags=clean_tags(answer.tags),
        visible_text=None if _is_nothing(visible_text) else visible_text[:MAX_VISIBLE_TEXT],
        decorative=answer.decorative,
        language=answer.language if _LANGUAGE.fullmatch(answer.language) else language,
        model_version=shorten(one_line(model_version), 200) or "unknown",
    )


def _is_nothing(text: str) -> bool:
    return text.lower().rstrip(".") in _NOTHING


def clean(text: str) -> str:
    """Plain text: no control, direction-override or unpaired surrogate characters."""
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Co"))
    # Direction overrides and isolates could make a text read as something else (UTR 36).
    return re.sub("[\u202a-\u202e\u2066-\u2069\ufeff]", "", "".join(kept))


def one_line(text: str) -> str:
    """Clean text with every run of white space made one space."""
    return " ".join(clean(text).split())


def shorten(text: str, limit: int) -> str:
    """Cut at the end of a sentence, or else at a word with an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[:limit]
    sentence = re.match(r".*[.!?](?=\s)", cut, re.S)
    if sentence and sentence.end() > limit // 2:
        return sentence.group()
    return (cut[: limit - 1].rsplit(" ", 1)[0] if " " in cut else cut[: limit - 1]).rstrip() + "…"


def clean_alt_text(text: str) -> str:
    """One bounded line that does not begin with "image of"."""
    line = one_line(text).strip("\"'")
    bare = _OPENING.sub("", line, count=1)
    if bare != line and bare:
        bare = bare[0].upper() + bare[1:]
    return shorten(bare, MAX_ALT_TEXT)


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Lower case, without marks around them, each once, in their order, at most 15."""
    kept: dict[str, None] = {}
    for tag in tags:
        word = one_line(tag).lower().strip(" #.,;:\"'*-_[]")
        if word and len(word) <= MAX_TAG:
            kept.setdefault(word)
    return list(kept)[:MAX_TAGS]


def is_looping(text: str, *, floor: float = 0.25) -> bool:
    """Whether a long text keeps saying the same: under `floor` of its words are different ones."""
    words = text.lower().split()
    if len(words) >= 40:
        return len(set(words)) / len(words) < floor
    # Scripts without spaces, and runs of one character: real prose never packs this well.
    packed = len(zlib.compress(text.encode())) / max(len(text.encode()), 1)
    return len(text) >= 200 and packed < floor / 2.5


def _first_sentence(text: str) -> str:
    match = re.match(r".+?[.!?](?=\s|\Z)", text, re.S)
    return match.group() if match else text

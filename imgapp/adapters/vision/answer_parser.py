"""Model answers: parse one into a Description; nothing it says is trusted (JSON, fallbacks).

Pure functions: thinking is stripped, the members are found and validated, every text is freed of
markup and control characters and bounded, and empty or looping answers are refused.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ValidationError, field_validator

from imgapp.adapters.languages import (
    is_language_tag,
    language_name,
    other_language,
    primary,
)
from imgapp.adapters.vision.answer_form import find_members, labelled_members, tag_texts
from imgapp.adapters.vision.answer_markup import verbatim_text, without_markup
from imgapp.adapters.vision.base import Description, Detail, Question
from imgapp.adapters.vision.tags import clean_tags
from imgapp.adapters.vision.text_cleanup import (
    clean,
    clean_alt_text,
    first_sentence,
    is_filename,
    is_looping,
    one_line,
    same_words,
    says_something,
    shorten,
)
from imgapp.errors import PermanentDescriberError, TransientDescriberError

MAX_DESCRIPTION: dict[Detail, int] = {"brief": 500, "standard": 2_000, "detailed": 4_000}
MAX_VISIBLE_TEXT = 10_000
MAX_ANSWER = 100_000

_NAMES = r"(?:think(?:ing)?|reason(?:ing)?|thoughts?|scratchpad|reflection|seed:think)"
_MARKS = (
    (rf"<{_NAMES}\b[^>]*>", rf"</{_NAMES}>"),
    (r"\[THINK\]", r"\[/THINK\]"),
    ("◁think▷", "◁/think▷"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|channel\|>(?:analysis|commentary)", r"<\|channel\|>final(?:<\|message\|>)?"),
)
_THINKING = tuple(re.compile(rf"{begin}.*?(?:{end}|\Z)", re.S | re.I) for begin, end in _MARKS)
_THOUGHT_BEFORE = tuple(re.compile(rf"\A.*{end}", re.S | re.I) for _, end in _MARKS)

_REFUSAL = re.compile(
    r"(?:(?:i\W?m|i am|we\W?re) (?:very |so )?(?:sorry|afraid|unable)\b"
    r"|(?:sorry|apologies),? (?:but )?i\b|unfortunately,? i\b"
    r"|(?:as an ai\b[^.]{0,60}, )?i (?:can(?:\W?t|not| not)|could(?:n\W?t| not)|won\W?t|will not|"
    r"am unable|am not able|do not feel)\b"
    r"|es tut mir (?:sehr )?leid,|(?:tut mir leid|leider),? (?:aber )?(?:ich|kann ich)\b"
    r"|lo siento,|no puedo\b|(?:je suis )?désolé|je ne (?:peux|suis) pas\b"
    r"|mi dispiace,|non posso\b|(?:desculpe|sinto muito),|não posso\b"
    r"|het spijt me,|(?:很)?抱歉|对不起|對不起|申し訳(?:ありません|ございません)|죄송합니다)",
    re.I,
)
_LONGEST_REFUSAL = 600


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
        if isinstance(value, dict) and len(value) == 1:
            (value,) = value.values()
        return "" if value is None else value

    @field_validator("decorative", mode="before")
    @classmethod
    def _flag(cls, value: Any) -> bool:
        return value is True or str(value).strip().lower() == "true"

    @field_validator("tags", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return list(map(without_markup, tag_texts(value)))


def read_answer(
    content: str, ask: Question, *, model_version: str, prose: bool, filename: str | None = None
) -> Description:
    """Validate what a model wrote; `prose` also accepts an answer without JSON.

    Raises TransientDescriberError for an answer that another attempt may better, and
    PermanentDescriberError where the model declined.
    """
    text = strip_thinking(content[:MAX_ANSWER])
    if not text:
        raise _unusable("was empty")
    answer = _find_answer(text)
    if answer is None:
        if _declines(text):
            raise refused()
        answer = _from_prose(text) if prose else None
    if answer is None:
        raise _unusable("was not in the form asked for")
    if _declines(answer.description or answer.alt_text):
        raise refused()
    return _described(answer, ask, model_version, filename)


def _unusable(why: str) -> TransientDescriberError:
    return TransientDescriberError(f"The vision model's answer {why}", code="unusable_answer")


def refused() -> PermanentDescriberError:
    """The model declined to describe the picture."""
    return PermanentDescriberError(
        "The vision model declined to describe this picture. You can write the text yourself.",
        code="content_refused",
    )


def _declines(text: str) -> bool:
    return len(text) <= _LONGEST_REFUSAL and _REFUSAL.match(text.lstrip("\"'* ")) is not None


def strip_thinking(text: str) -> str:
    """What is left once a thinking model's thoughts are gone; all of it may have been thoughts."""
    for thinking in _THINKING:
        text = thinking.sub("", text)
    for before in _THOUGHT_BEFORE:
        text = before.sub("", text)
    return text.strip()


def _find_answer(text: str) -> _Answer | None:
    for found in find_members(text):
        if "description" in found or "alt_text" in found:
            try:
                return _Answer.model_validate(found)
            except ValidationError:
                continue
    return None


def _from_prose(text: str) -> _Answer | None:
    plain = re.sub(r"```\w*|[*_#`]+|<\|[a-z_]+\|>", "", text).strip()
    if plain.startswith(("{", "[", "<")) or len(plain) < 15:
        return None
    labelled = labelled_members(text)
    if "description" in labelled or "alt_text" in labelled:
        return _Answer.model_validate(labelled)
    return _Answer(alt_text=first_sentence(plain), description=plain)


def _described(
    answer: _Answer, ask: Question, model_version: str, filename: str | None
) -> Description:
    description = one_line(without_markup(answer.description))
    description = shorten(description, MAX_DESCRIPTION[ask.detail])
    visible_text = clean(verbatim_text(answer.visible_text)).strip()[:MAX_VISIBLE_TEXT]
    said = one_line(without_markup(answer.alt_text)), description
    if any(map(is_looping, said)) or is_looping(visible_text, floor=0.03):
        raise _unusable("only repeated itself")
    if not says_something(description):
        description = ""
    # A picture that shows words says something, whatever it asks to be taken for.
    decorative = answer.decorative and not visible_text
    alt_text = "" if decorative else _alt_text(said[0], description, filename)
    if not decorative and not description and (not alt_text or ask.previous != "unusable_answer"):
        raise _unusable("was empty")
    language = _language(answer, ask, alt_text, description)
    return Description(
        alt_text=alt_text,
        description=description or alt_text or None,
        tags=clean_tags(answer.tags, language, ask.vocabulary),
        visible_text=visible_text or None,
        decorative=decorative,
        language=language,
        model_version=shorten(one_line(model_version), 200) or "unknown",
        prompt_version=ask.prompt_version,
    )


def _alt_text(said: str, description: str, filename: str | None) -> str:
    """What the model wrote, or the description's first sentence where that says nothing new."""
    alt_text = "" if is_filename(said, filename) else clean_alt_text(said)
    if not alt_text or same_words(alt_text, description):
        return clean_alt_text(first_sentence(description)) or alt_text
    return alt_text


def _language(answer: _Answer, ask: Question, alt_text: str, description: str) -> str:
    """The language of the texts. A wrong one is worth one more attempt, and then kept."""
    found = other_language(f"{alt_text}\n{description}", ask.language, answer.visible_text)
    if found is None:
        said = answer.language.strip()
        close = is_language_tag(said) and primary(said) == primary(ask.language)
        return said if close else ask.language
    if ask.previous != "wrong_language":
        raise TransientDescriberError(
            f"The vision model answered in {language_name(found)} instead of "
            f"{language_name(ask.language)}",
            code="wrong_language",
        )
    return found

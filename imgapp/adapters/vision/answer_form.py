"""Answer forms: find the members of an answer in whatever a model wrote (JSON, JSON repair).

Pure functions. A model may wrap the object that was asked for in words, fences or a JSON string,
name its members otherwise, write them as a dialect of JSON, or label them in plain text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import json_repair

_MEMBERS = {
    "alt_text": "alttext alt alternativetext alternatetext caption",
    "description": "description longdescription imagedescription detaileddescription",
    "tags": "tags tag keywords labels",
    "visible_text": "visibletext textvisible textinimage textinpicture ocr ocrtext",
    "decorative": "decorative isdecorative",
    "language": "language lang languagecode",
}
_MEMBER_OF = {key: member for member, keys in _MEMBERS.items() for key in keys.split()}
_LABEL = re.compile(
    r"^[\s#>*_•-]*(alt(?:ernative)?[ _-]?text|description|tags|keywords|visible[ _-]text|language|"
    r"decorative)[\s*_]*:[\s*_]*",
    re.I | re.M,
)
_MOST_BRACES = 20
"""A handful is plenty: each failed attempt may read to the end of the text."""
_LONGEST_REPAIR = 30_000
"""Characters. The repairing parser takes the square of the nesting and of the length."""
_NAMES_OF_A_TAG = ("name", "tag", "label", "keyword", "value", "text", "title")
_MOST_TAGS_READ = 200
_NUMBERED = re.compile(r"\s*(?:\d{1,2}[.)]|[-*•])\s+")


def find_members(text: str) -> Iterator[dict[str, Any]]:
    """Objects that may be the answer, by the names that were asked for, the likeliest first."""
    sources = [text, *_unquoted(text)]
    for read in (_objects, _repaired):
        for source in sources:
            for found in read(source):
                yield from _wrapped(found)
                yield _named(found)


def labelled_members(text: str) -> dict[str, str]:
    """The members of an answer in plain text: "Alt text: …" and so on, each from its label on."""
    labels = list(_LABEL.finditer(text))
    ends = [*(label.start() for label in labels[1:]), len(text)]
    return {
        _MEMBER_OF[_key(label[1])]: text[label.end() : end].strip()
        for label, end in reversed(list(zip(labels, ends, strict=False)))
    }


def tag_texts(value: object) -> list[str]:
    """Tags as texts, however they were written: objects, groups, numbered, all in one."""
    if isinstance(value, dict):
        groups = [tag for group in value.values() if isinstance(group, list) for tag in group]
        value = groups or ([value] if _name_of(value) else list(value))
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return []
    texts = [text for tag in value[:_MOST_TAGS_READ] if (text := _name_of(tag))]
    if len(texts) == 1:
        texts = re.split(r"[,;\n，、؛،]", _LABEL.sub("", texts[0]))[:_MOST_TAGS_READ]
    if texts and all(map(_NUMBERED.match, texts)):
        texts = [_NUMBERED.sub("", text, count=1) for text in texts]
    return texts


def _name_of(tag: object) -> str:
    if isinstance(tag, dict):
        tag = next((tag[name] for name in _NAMES_OF_A_TAG if isinstance(tag.get(name), str)), "")
    return tag if isinstance(tag, str) else ""


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _named(found: dict[str, Any]) -> dict[str, Any]:
    """By the names that were asked for; what has that very name is not replaced by a synonym."""
    named = {_MEMBER_OF[key]: found[name] for name in found if (key := _key(name)) in _MEMBER_OF}
    return named | {name: found[name] for name in _MEMBERS if name in found}


def _wrapped(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The answers that stand as text in a member of another."""
    for value in found.values():
        if isinstance(value, str) and value.lstrip().startswith("{"):
            for inner in (*_objects(value), *_repaired(value)):
                yield _named(inner)


def _unquoted(text: str) -> Iterator[str]:
    """The text within a JSON string, with or without its quotes."""
    bare = re.sub(r"\A```\w*\s*|\s*```\Z", "", text).strip()
    if '\\"' in bare:
        quoted = bare if bare.startswith('"') else f'"{bare}"'
        try:
            inner, _ = json.JSONDecoder(strict=False).raw_decode(quoted)
        except ValueError:
            return
        yield inner


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder(strict=False)
    for match in list(re.finditer(r"\{", text))[:_MOST_BRACES]:
        try:
            found, _ = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def _repaired(text: str) -> Iterator[dict[str, Any]]:
    """What stands from the first brace to the last: an object that was cut is no answer."""
    span = text[text.find("{") : text.rfind("}") + 1]
    if not span or len(span) > _LONGEST_REPAIR or len(re.findall(r"[\[{]", span)) > _MOST_BRACES:
        return
    try:
        found = json_repair.loads(span)
    except (ValueError, RecursionError):
        return
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, dict):
            yield one

"""Doubts in words: what a rule says of a text, and where the rule comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass

from imgapp.services.texts.doubts import RULES

_ADDRESS = re.compile(r"https?://[^\s;]+")


@dataclass
class RuleSource:
    """Public guidance that a rule follows."""

    name: str
    address: str


@dataclass
class DoubtWords:
    """What a rule found in a text."""

    rule: str
    sentence: str
    excerpt: str


def sentence_of(rule: str) -> str:
    """What is wrong, as a sentence; a rule that is gone is said by its id."""
    return RULES[rule].sentence if rule in RULES else f"Something is doubtful ({rule})."


def sentences() -> dict[str, str]:
    """Every rule's sentence, by its id."""
    return {name: rule.sentence for name, rule in RULES.items()}


def sources_of(rule: str) -> list[RuleSource]:
    """Names and addresses; a name alone has an empty address."""
    said = RULES[rule].source
    found, start = [], 0
    for address in _ADDRESS.finditer(said):
        name = said[start : address.start()].strip(" ;:")
        found.append(RuleSource(name or said, address.group()))
        start = address.end()
    return found or [RuleSource(said, "")]

"""Preferences: a person sets language, purpose, glossary, privacy and pause for all pictures."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from imgapp.adapters import queue
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.languages import language_name, own_name
from imgapp.adapters.vision.prompt import MAX_GLOSSARY
from imgapp.models import Preferences, Shape
from imgapp.services.common.sanitize import (
    MAX_TAG_LENGTH,
    Context,
    Language,
    check_language,
    clean_tags,
    clean_text,
)

MOST_WORDS = 2_000
MOST_LANGUAGES = 20
DEFAULT_LANGUAGE = "en"
COMMON_LANGUAGES = (
    "af", "ar", "bg", "bn", "ca", "cs", "cy", "da", "de", "de-AT", "de-CH", "el", "en", "en-GB",
    "en-US", "es", "es-419", "et", "eu", "fa", "fi", "fil", "fr", "fr-CA", "fr-CH", "ga", "gl",
    "he", "hi", "hr", "hu", "id", "is", "it", "ja", "ka", "ko", "lt", "lv", "ms", "nb", "nl", "nn",
    "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "th", "tr", "uk",
    "ur", "vi", "zh-Hans", "zh-Hant",
)  # fmt: skip
_FIRST_PERMITS = 64
_CHECK_NAMES_AGAIN = text("""
    WITH named AS (
        SELECT image_id, language FROM image_texts
        WHERE doubts <> '[]' AND doubts @> '[{"rule": "unsourced_name"}]'
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE image_texts t SET doubts = NULL FROM named
    WHERE t.image_id = named.image_id AND t.language = named.language
""")


class PreferencesPublic(Shape):
    """What holds for all pictures of the caller."""

    language: str | None = Field(description="BCP 47; null is English")
    context: str | None
    glossary: str | None
    glossaries: dict[str, str] = Field(
        description="By language, where it goes before the one for all"
    )
    further_languages: list[str] = Field(description="What pictures are owed besides `language`")
    approve_own: bool = Field(description="What one writes is approved in the same step")
    rules_off: list[str] = Field(description="Rules whose doubts are not shown")
    review_blind_share: int = Field(
        description="Of a hundred pictures in Review, those whose text waits until it is asked for"
    )
    review_second_share: int = Field(
        description="Of a hundred that are approved in Review, those that a second person sees"
    )
    vocabulary: list[str] = Field(description="Tags of one's own, which go before all others")
    never_cloud: bool = Field(description="No picture is sent to a model elsewhere")
    paused: bool = Field(description="None of one's pictures is analysed")
    paused_at: datetime | None
    updated_at: datetime | None = Field(description="null before anything was said")


class PreferencesEdit(BaseModel):
    """What is left out stays as it is; null, or an empty text, says nothing any more."""

    model_config = ConfigDict(extra="forbid")

    language: Language | None = None
    context: Context | None = None
    glossary: str | None = Field(
        default=None,
        max_length=MAX_GLOSSARY,
        description="Names and terms to use where a picture shows what they stand for",
    )
    glossaries: dict[Language, Annotated[str, Field(max_length=MAX_GLOSSARY)]] = Field(
        default_factory=dict, max_length=MOST_LANGUAGES, description="By language"
    )
    further_languages: list[Language] = Field(default_factory=list, max_length=MOST_LANGUAGES)
    approve_own: bool = False
    rules_off: list[Annotated[str, Field(max_length=50, pattern=r"^[a-z_]+$")]] = Field(
        default_factory=list, max_length=100
    )
    review_blind_share: int = Field(default=0, ge=0, le=100)
    review_second_share: int = Field(default=0, ge=0, le=100)
    vocabulary: list[Annotated[str, Field(max_length=MAX_TAG_LENGTH)]] = Field(
        default_factory=list, max_length=MOST_WORDS
    )
    never_cloud: bool = False
    paused: bool = False


def languages(and_this: str | None = None) -> list[tuple[str, str]]:
    """Languages to choose from, by their English names: tags (BCP 47) and what to show."""
    tags = {*COMMON_LANGUAGES, *filter(None, [and_this])}
    return sorted(((tag, full_name(tag)) for tag in tags), key=lambda one: one[1].casefold())


def english_name(tag: str) -> str:
    """What a language is called in English."""
    return language_name(tag)


def full_name(tag: str) -> str:
    """What a language is called in English, and by those who speak it."""
    return " · ".join(dict.fromkeys((language_name(tag), own_name(tag))))


def get_preferences(user_id: UUID) -> PreferencesPublic:
    """What the person has said."""
    with transaction(user_id) as session:
        return _public(session.get(Preferences, user_id))


def change_preferences(user_id: UUID, edit: PreferencesEdit) -> PreferencesPublic:
    """Say something else. It holds for what is analysed from now on, a pause at once.

    Raises InvalidRequest (`unknown_language`).
    """
    changes = {name: _cleaned(getattr(edit, name)) for name in edit.model_fields_set}
    if changes.get("language"):
        changes["language"] = check_language(changes["language"])
    if "further_languages" in changes:
        tags = map(check_language, changes["further_languages"])
        changes["further_languages"] = list(dict.fromkeys(tags))
    if "glossaries" in changes:
        said = {check_language(tag): words for tag, words in changes["glossaries"].items()}
        changes["glossaries"] = {tag: words for tag, words in said.items() if words}
    with transaction(user_id) as session:
        if changes:
            given = insert(Preferences).values(user_id=user_id, **_all(changes))
            session.execute(given.on_conflict_do_update(index_elements=["user_id"], set_=changes))
            if {"context", "glossary", "glossaries"} & changes.keys():
                # Names that nothing told of may be known now.
                session.execute(_CHECK_NAMES_AGAIN)
            if {"paused", "never_cloud"} & changes.keys():
                # What waited may go on now; the sweep brings the rest.
                after_commit(session, partial(queue.issue_permits, _FIRST_PERMITS))
        return _public(read(session, user_id))


def read(session: Session, user_id: UUID) -> Preferences | None:
    """The row as it is, in a transaction of its owner; None before they said anything."""
    return session.get(Preferences, user_id, populate_existing=True)


def _all(changes: dict[str, Any]) -> dict[str, Any]:
    unsaid = {
        "glossaries": {},
        "further_languages": [],
        "approve_own": False,
        "rules_off": [],
        "review_blind_share": 0,
        "review_second_share": 0,
        "vocabulary": [],
        "never_cloud": False,
        "paused": False,
    }
    return unsaid | changes


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value) or None
    if isinstance(value, dict):
        return {name: clean_text(said) for name, said in value.items()}
    return clean_tags(value) if isinstance(value, list) else value


def _public(row: Preferences | None) -> PreferencesPublic:
    if row is None:
        empty: dict[str, Any] = dict.fromkeys(PreferencesPublic.model_fields)
        return PreferencesPublic(**empty | _all({}))
    return PreferencesPublic.model_validate(row.model_dump())

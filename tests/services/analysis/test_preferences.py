"""What a person says of all their pictures."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from imgapp.adapters import queue
from imgapp.adapters.languages import known_language
from imgapp.errors import InvalidRequest
from imgapp.services.analysis.preferences import (
    PreferencesEdit,
    PreferencesPublic,
    change_preferences,
    get_preferences,
)
from tests.conftest import Person


def prefer(person: Person, **said: Any) -> PreferencesPublic:
    return change_preferences(person.user_id, PreferencesEdit(**said))


def test_at_first_nothing_is_said(alice: Person) -> None:
    said = get_preferences(alice.user_id)
    assert (said.language, said.context, said.glossary, said.vocabulary) == (None, None, None, [])
    assert (said.never_cloud, said.paused, said.updated_at) == (False, False, None)


def test_what_is_left_out_stays_and_null_says_nothing_any_more(alice: Person) -> None:
    prefer(alice, language="PT-br", context=" Shoes\r\nfor dogs\0 ", vocabulary=["Shoe", "shoe "])
    said = prefer(alice, glossary="Derby", context="")
    assert (said.language, said.glossary, said.context) == ("pt-BR", "Derby", None)
    assert said.vocabulary == ["Shoe"]
    assert prefer(alice, language=None).language is None
    assert get_preferences(alice.user_id) == prefer(alice)


def test_mallory_sees_and_changes_their_own_only(alice: Person, mallory: Person) -> None:
    hers = prefer(alice, context="Secret garden", never_cloud=True)
    assert get_preferences(mallory.user_id).context is None
    prefer(mallory, context="Mine", never_cloud=False)
    assert get_preferences(alice.user_id) == hers


def test_a_pause_knows_since_when_and_its_end_wakes_workers(alice: Person) -> None:
    paused = prefer(alice, paused=True)
    assert paused.paused_at is not None
    assert prefer(alice, language="de").paused_at == paused.paused_at
    assert prefer(alice, paused=False).paused_at is None
    assert queue.pending_permits() > 0


@pytest.mark.parametrize("tag", ["xq", "qqq-Latn"])
def test_a_language_that_nobody_speaks_is_refused(alice: Person, tag: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        prefer(alice, language=tag)
    assert refusal.value.code == "unknown_language"


@pytest.mark.parametrize(
    ("given", "written"),
    [("EN", "en"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("nb", "nb"), ("x", None)],
)
def test_a_language_tag_is_written_as_usual(given: str, written: str | None) -> None:
    assert known_language(given) == written


@pytest.mark.parametrize(
    "said",
    [
        {"language": "e"},
        {"language": "english please"},
        {"context": "x" * 2_001},
        {"glossary": "x" * 4_001},
        {"vocabulary": ["x" * 101]},
        {"vocabulary": ["x"] * 2_001},
        {"paused": None},
        {"budget": 5},
    ],
)
def test_what_does_not_fit_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PreferencesEdit(**said)

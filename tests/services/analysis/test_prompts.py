"""What models are asked, in versions: saved, listed, set back; and who may."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError

from imgapp.adapters.vision.prompt import PROMPT_VERSION, TEMPLATE, VARIABLES
from imgapp.errors import InvalidRequest, NotFound
from imgapp.services.analysis import prompts
from imgapp.services.analysis.prompts import PromptEdit, get_prompt, list_versions, save_prompt
from imgapp.services.common import audit_trail
from tests.conftest import Person

SHORT = "Answer as JSON, in {language}, {detail}."


def test_at_first_it_is_what_is_built_in(alice: Person) -> None:
    now = get_prompt(alice.user_id)
    assert (now.version, now.template, now.changed) == (PROMPT_VERSION, TEMPLATE, False)
    assert (now.default, now.built_in, now.updated_at) == (TEMPLATE, TEMPLATE, None)
    assert set(now.variables) == set(VARIABLES)
    assert list_versions(alice.user_id).items == []


def test_each_change_is_a_version_and_a_reset_is_one_too(alice: Person) -> None:
    assert save_prompt(alice.user_id, SHORT).version == "own-1"
    assert save_prompt(alice.user_id, SHORT).version == "own-1", "the same is no new version"
    assert save_prompt(alice.user_id, f"{SHORT} Briefly.").version == "own-2"
    back = save_prompt(alice.user_id, None)
    assert (back.version, back.changed, back.template) == (PROMPT_VERSION, False, TEMPLATE)
    assert save_prompt(alice.user_id, SHORT).version == "own-4"
    listed = list_versions(alice.user_id).items
    assert [(one.version, one.template) for one in listed] == [
        ("own-4", SHORT),
        ("own-3", None),
        ("own-2", f"{SHORT} Briefly."),
        ("own-1", SHORT),
    ]
    assert listed[0].author is None


def test_everybodys_says_who_changed_it_and_is_the_default_of_ones_own(
    alice: Person, admin: Person
) -> None:
    save_prompt(admin.user_id, SHORT, "everybody")
    now = get_prompt(alice.user_id)
    assert (now.version, now.default, now.changed) == ("everybody-1", SHORT, False)
    own = save_prompt(alice.user_id, f"{SHORT} Mine.")
    assert (own.version, own.default_version, own.changed) == ("own-1", "everybody-1", True)
    (listed,) = list_versions(admin.user_id, "everybody").items
    assert (listed.author, listed.version) == (admin.email, "everybody-1")
    told = audit_trail.list_events(admin.user_id, kind=audit_trail.AuditKind.PROMPT_CHANGED).items
    assert [one.details for one in told] == [{"version": "everybody-1"}]


def test_everybodys_is_not_there_for_those_who_are_no_administrator(
    mallory: Person, admin: Person
) -> None:
    with pytest.raises(NotFound):
        save_prompt(mallory.user_id, SHORT, "everybody")
    with pytest.raises(NotFound):
        get_prompt(mallory.user_id, "everybody")
    with pytest.raises(NotFound):
        list_versions(mallory.user_id, "everybody")
    assert get_prompt(admin.user_id, "everybody").version == PROMPT_VERSION


def test_mallory_sees_and_changes_their_own_only(alice: Person, mallory: Person) -> None:
    hers = save_prompt(alice.user_id, SHORT)
    assert save_prompt(mallory.user_id, f"{SHORT} Mine.").version == "own-1"
    save_prompt(mallory.user_id, None)
    assert get_prompt(alice.user_id) == hers
    assert len(list_versions(alice.user_id).items) == 1


def test_two_at_once_are_two_versions(alice: Person) -> None:
    texts = [f"{SHORT} {number}" for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda text: save_prompt(alice.user_id, text), texts))
    listed = list_versions(alice.user_id).items
    assert [one.number for one in listed] == list(range(8, 0, -1))
    assert {one.template for one in listed} == set(texts)


def test_versions_come_in_pages_and_the_oldest_go(
    alice: Person, mallory: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "KEPT", 5)
    for number in range(1, 8):
        save_prompt(alice.user_id, f"{SHORT} {number}")
    first = list_versions(alice.user_id, limit=3)
    save_prompt(alice.user_id, SHORT)
    rest = list_versions(alice.user_id, limit=3, cursor=first.next_cursor)
    assert [one.number for one in (*first.items, *rest.items)] == [7, 6, 5, 4]
    assert rest.next_cursor is None
    for cursor in (first.next_cursor, "7", "%"):
        with pytest.raises(InvalidRequest):
            list_versions(mallory.user_id, cursor=cursor)


@pytest.mark.parametrize("text", ["{langauge}", "In {language} and {file_name}"])
def test_a_variable_that_there_is_not_is_named(alice: Person, text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"is no variable.*\{vocabulary\}") as refusal:
        save_prompt(alice.user_id, text)
    assert refusal.value.code == "unknown_variable"


@pytest.mark.parametrize("text", ["", "   ", "\0\n", "x" * 12_001])
def test_what_is_no_prompt_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        PromptEdit(template=text)

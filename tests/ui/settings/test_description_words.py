"""What the page about descriptions says, word by word."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from imgapp.models import ErrorInfo, new_id, now
from imgapp.services.analysis.preferences import COMMON_LANGUAGES, PreferencesEdit, languages
from imgapp.services.analysis.prompt_trials import TrialAnswer, TrialPublic, TriedPicture
from imgapp.services.analysis.prompts import PromptVersion
from imgapp.ui.settings.descriptions import edit_of, problem_words, server_words
from imgapp.ui.settings.prompts import cost_words, said_of, spent_words, version_row


def answer(**members: Any) -> TrialAnswer:
    return TrialAnswer(**{"state": "answered", "prompt_version": "2"} | members)


def test_the_form_is_read_as_it_is_written() -> None:
    said = {"language": "de", "context": "", "vocabulary": " Boot, Shoe\n\nSandal ", "paused": True}
    assert edit_of(said) == {
        "language": "de",
        "context": "",
        "vocabulary": ["Boot", "Shoe", "Sandal"],
    }
    assert edit_of({}) == {}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"context": "x" * 2_001}, "What the pictures are for: no more than 2,000 characters."),
        ({"vocabulary": ["x"] * 2_001}, "Tags of your own: no more than 2,000 words."),
        ({"vocabulary": ["x" * 101]}, "Tags of your own: no more than 100 characters."),
    ],
)
def test_what_does_not_fit_is_said_in_words(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        PreferencesEdit(**said)
    assert problem_words(refusal.value) == words


def test_who_describes_pictures_is_said() -> None:
    words, elsewhere = server_words("basic-1", stays=True)
    assert "No vision model" in words
    assert not elsewhere
    words, elsewhere = server_words("large", stays=False)
    assert "described by large" in words
    assert elsewhere
    words, elsewhere = server_words("large", stays=True)
    assert "own machines" in words
    assert not elsewhere


def test_languages_have_names_and_ones_own_is_among_them() -> None:
    names = dict(languages("tlh"))
    assert set(names) == {*COMMON_LANGUAGES, "tlh"}
    assert names["pt-BR"] == "Portuguese (Brazil) · português (Brasil)"
    assert names["en"] == "English"


def test_an_answer_says_what_it_took() -> None:
    asked = answer(processing_time=2.44, input_tokens=900, output_tokens=80, cost=0.00123)
    assert cost_words(asked) == "2.4 s · 980 tokens · $0.0012"
    assert cost_words(answer(made_at=now(), processing_time=9)) == (
        "from the analysis that is there, at no cost"
    )
    assert cost_words(answer(state="asking")) == ""


def test_a_trial_says_what_it_took_all_together() -> None:
    asked = answer(input_tokens=1_000, output_tokens=100)
    failed = answer(state="failed", error=ErrorInfo(code="x", message="It failed"))
    there = answer(made_at=now(), input_tokens=1_000)
    pictures = [
        TriedPicture(image_id=new_id(), now=there, new=asked),
        TriedPicture(image_id=new_id(), now=asked, new=failed),
    ]
    trial = TrialPublic(id=new_id(), created_at=now(), finished=True, pictures=pictures)
    assert spent_words(trial) == "2 answers · 2,200 tokens"
    assert said_of("New", failed).problem == "It failed"


def test_a_decorative_picture_is_said_to_be_one() -> None:
    assert said_of("New", answer(decorative=True, alt_text="")).alt_text.startswith("Decorative")


def test_a_version_says_whether_it_holds() -> None:
    saved = PromptVersion(
        number=3, version="own-3", template=None, author="a@example.org", created_at=now()
    )
    row = version_row(saved, "own-3")
    assert (row.holds, row.is_reset, row.author) == (True, True, "a@example.org")
    assert not version_row(saved, "own-4").holds

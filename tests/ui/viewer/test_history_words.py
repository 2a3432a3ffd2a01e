"""The history of a picture in words, and the offer to describe again."""

from __future__ import annotations

from typing import Any

import pytest

from imgapp.models import AnalysisPublic, ImagePublic, ImageUrls, WrittenBy, new_id, now
from imgapp.services.analysis.run_schemas import RunCounts, RunPreview, RunPublic
from imgapp.services.installation.vision_models import VisionModels
from imgapp.services.library.history import Suggestion
from imgapp.services.spending.budgets import Estimate
from imgapp.ui.gallery.upgrade import offer_words, run_words, takes_words
from imgapp.ui.viewer.describing import DescribingOption, model_options
from imgapp.ui.viewer.details import written_by_people
from imgapp.ui.viewer.fact_words import writer
from imgapp.ui.viewer.history_words import Piece, entry_of, facts_of, suggested_of


def analysis(**said: Any) -> AnalysisPublic:
    values: dict[str, Any] = {
        "id": new_id(),
        "model_version": "gpt-5.4-mini",
        "processing_time": 2.31,
        "created_at": now(),
        "completed_at": now(),
        "alt_text": "A red bicycle",
        "description": "It leans on a wall.",
        "tags": ["bicycle"],
        "visible_text": None,
        "decorative": False,
        "language": "en",
        "prompt_version": "2",
        "input_tokens": 1912,
        "output_tokens": 143,
        "cost": 0.00123,
        "detail": "standard",
        "reused_from": None,
        "run_id": None,
        "differs": [],
    }
    return AnalysisPublic(**values | said)


def image(**said: Any) -> ImagePublic:
    values: dict[str, Any] = {
        "id": new_id(),
        "filename": "a.jpg",
        "mime_type": "image/jpeg",
        "file_size": 1,
        "sha256": "0" * 64,
        "width": 1,
        "height": 1,
        "uploaded_at": now(),
        "status": "completed",
        "urls": ImageUrls(thumbnail="", preview="", original=""),
    }
    return ImagePublic(**values | said)


def test_an_entry_says_how_it_came_about() -> None:
    assert facts_of(analysis()) == "en · prompt 2 · 1,912 + 143 tokens · $0.00123 · 2.3 s"
    assert facts_of(analysis(detail="brief", cost=0.5)).startswith("en · brief · prompt 2")
    assert "$0.50" in facts_of(analysis(cost=0.5))
    by_basic = analysis(
        input_tokens=None, output_tokens=None, cost=None, prompt_version=None, language=None
    )
    assert facts_of(by_basic) == "2.3 s"
    again = analysis(reused_from=new_id(), input_tokens=None, output_tokens=None, cost=0.0)
    assert facts_of(again) == "en · prompt 2 · an earlier answer, taken again"


def test_an_entry_shows_what_differs_word_by_word() -> None:
    one = analysis(differs=["alt_text", "tags"])
    entry = entry_of(image(alt_text="A blue bicycle", tags=["cat"], analysis=one), one)
    assert entry.newest
    assert [difference.title for difference in entry.differences] == ["Alt text", "Tags"]
    assert entry.differences[0].pieces == [
        Piece("same", "A "),
        Piece("removed", "blue"),
        Piece("added", "red"),
        Piece("same", " bicycle"),
    ]
    assert entry.differences[1].pieces == [Piece("same", "bicycle")]


@pytest.mark.parametrize(
    ("written", "suggested", "shown"),
    [("Minka", "A cat on a sofa", "A cat on a sofa"), ("Minka", "", "decorative")],
)
def test_texts_with_little_in_common_are_shown_as_they_are(
    written: str, suggested: str, shown: str
) -> None:
    one = Suggestion(
        field="alt_text",
        written=written,
        suggested=suggested,
        analysis_id=new_id(),
        model_version="m",
        language="de",
        kept=False,
    )
    assert suggested_of(one).pieces == [Piece("same", shown)]
    assert suggested_of(one).lang == "de"
    assert suggested_of(one.model_copy(update={"field": "visible_text"})).lang == ""


def test_a_restored_text_says_where_it_is_from() -> None:
    person = {"description": WrittenBy.PERSON, "decorative": WrittenBy.PERSON}
    shown = image(written_by=person, restored_from={"description": "gpt-4o"})
    assert writer(shown, "description") == "from gpt-4o, chosen by a person"
    assert written_by_people(shown) == ["alt_text", "description"]


def test_models_to_choose_from_begin_with_the_usual_one() -> None:
    offered = VisionModels(default="a", models=["a", "b", "basic-1"], configured=True)
    assert model_options(offered) == [
        DescribingOption("", "a (as always)"),
        DescribingOption("b", "b"),
        DescribingOption("basic-1", "basic-1 (reads only, no model)"),
    ]


def test_what_no_model_described_is_counted() -> None:
    assert offer_words(0) == ""
    assert offer_words(1).startswith("1 picture was")
    assert offer_words(1234).startswith("1,234 pictures were")


@pytest.mark.parametrize(
    ("cost", "words"),
    [(None, "gpt-9 can do it now."), (1.2, "gpt-9 can do it now, for about $1.20.")],
)
def test_what_it_takes_is_said_where_a_price_is_known(cost: float | None, words: str) -> None:
    found = Estimate(
        pictures=7,
        model="gpt-9",
        basis="own",
        input_tokens=1,
        output_tokens=1,
        cost=cost,
        left=None,
        fits=None,
        enough=True,
    )
    assert takes_words(RunPreview(total=7, estimate=found)) == words


@pytest.mark.parametrize(
    ("counts", "ended", "words"),
    [
        ({"waiting": 3, "queued": 5}, {}, "Describing again: 0 of 10 done."),
        (
            {"completed": 4, "reused": 1, "failed": 2},
            {},
            "Describing again: 5 of 10 done. 2 failed.",
        ),
        ({"completed": 4, "cancelled": 6}, {"cancelled_at": now()}, "Stopping: 4 of 10 done."),
        (
            {"completed": 4, "cancelled": 6},
            {"cancelled_at": now(), "finished_at": now()},
            "Stopped: 4 of 10 done.",
        ),
        ({"completed": 10}, {"finished_at": now()}, "Described again: 10 of 10 done."),
    ],
)
def test_a_run_says_how_far_it_is(
    counts: dict[str, int], ended: dict[str, Any], words: str
) -> None:
    times = {"cancelled_at": None, "finished_at": None} | ended
    run = RunPublic(
        id=new_id(),
        filter=None,
        model=None,
        language=None,
        detail=None,
        reuse=True,
        total=10,
        pictures=RunCounts(**counts),
        created_at=now(),
        **times,
    )
    assert run_words(run) == words

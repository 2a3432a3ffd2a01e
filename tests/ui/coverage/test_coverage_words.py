"""What the page Coverage says, word by word, and where its numbers lead."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from imgapp.models import new_id
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.texts.coverage import Coverage, DayCount, DoubtCount, ReviewerCount
from imgapp.ui.coverage.words import HEIGHT, coverage_view, percent_words

TODAY = date(2026, 7, 10)


def found(**said: Any) -> Coverage:
    nothing: dict[str, Any] = {
        "language": "de",
        "counted_at": datetime(2026, 7, 10, 12, tzinfo=UTC),
        **dict.fromkeys(("pictures", "missing", "draft", "returned", "approved"), 0),
        **dict.fromkeys(("decorative", "stale", "by_model"), 0),
        "oldest_waiting": None,
        "doubts": [],
        "reviewers": [],
        "course": [],
    }
    return Coverage(**nothing | said)


def asked(href: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(href).query)


@pytest.mark.parametrize(
    ("number", "of", "words"),
    [
        (0, 0, ""), (0, 9, "0 %"), (1, 1000, "under 1 %"), (1, 3, "33 %"), (999, 1000, "99 %"),
        (9, 9, "100 %"),
    ],
)  # fmt: skip
def test_a_share_is_never_nothing_nor_all_unless_it_is(number: int, of: int, words: str) -> None:
    assert percent_words(number, of) == words


def test_the_bar_counts_each_picture_once() -> None:
    all_of_them = found(pictures=10, missing=1, draft=2, returned=1, approved=6, decorative=2)
    view = coverage_view(all_of_them, ImageQuery(), [], TODAY)
    numbers = {one.name: int(one.number) for one in view.figures}
    assert numbers == {"missing": 1, "draft": 2, "returned": 1, "approved": 4, "decorative": 2}
    assert sum(float(one.share.rstrip("%")) for one in view.figures) == pytest.approx(100)


def test_each_number_leads_to_its_pictures_among_those_that_are_counted() -> None:
    some = found(
        pictures=9, draft=2, approved=4, decorative=1, stale=1,
        doubts=[DoubtCount(rule="hedge", texts=2), DoubtCount(rule="off_rule", texts=7)],
    )  # fmt: skip
    wanted = ImageQuery(tags=("harbour",), language="fr", state="missing", decorative=True)
    view = coverage_view(some, wanted, ["off_rule"], TODAY)
    links = {one.name: asked(one.href) for one in [*view.figures, *view.further]}
    german = {"tag": ["harbour"], "language": ["de"]}
    decorative = german | {"decorative": ["true"]}
    assert links["draft"] == decorative | {"state": ["draft"]}
    assert links["decorative"] == decorative | {"state": ["approved"]}
    assert links["stale"] == decorative | {"state": ["stale"]}
    [rule] = view.rules
    assert rule.sentence == "It is not sure of what it says."
    assert asked(rule.href) == decorative | {"doubt": ["hedge"]}
    assert asked(view.review) == decorative | {"state": ["draft"]}
    assert asked(view.csv) == decorative


def test_the_chart_is_of_ninety_days_and_says_the_same_in_words() -> None:
    course = [
        DayCount(day=date(2026, 7, 9), approved=3, returned=1),
        DayCount(day=TODAY, approved=8, returned=0),
    ]
    view = coverage_view(found(course=course), ImageQuery(), [], TODAY)
    assert view.course == (
        "11 approved and 1 returned in the last 90 days; most on 10 July 2026: 8."
    )
    assert [(bar.kind, bar.x) for bar in view.bars] == [
        ("approved", "264"), ("returned", "264"), ("approved", "267"),
    ]  # fmt: skip
    assert float(view.bars[2].height) == HEIGHT
    assert [(row.day, row.approved) for row in view.days] == [
        ("10 July 2026", "8"), ("9 July 2026", "3"),
    ]  # fmt: skip
    nothing = coverage_view(found(), ImageQuery(), [], TODAY)
    assert nothing.course == "Nothing was approved or returned in the last 90 days."


def test_who_has_no_account_any_more_is_said() -> None:
    people = [ReviewerCount(user_id=new_id(), email=None, texts=3)]
    view = coverage_view(found(reviewers=people), ImageQuery(), [], TODAY)
    assert view.reviewers[0].email == "Somebody without an account"

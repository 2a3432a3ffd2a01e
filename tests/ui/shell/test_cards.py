from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from imgapp.models import AnalysisStatus, WaitingReason, new_id
from imgapp.services.library.card_rows import CardRow
from imgapp.ui.shell.cards import card_of, shortened

AT = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


def picture(**values: Any) -> CardRow:
    given: dict[str, Any] = {
        "id": new_id(),
        "user_id": new_id(),
        "filename": "harbour.jpg",
        "mime_type": "image/jpeg",
        "s3_bucket": "local",
        "s3_key": "users/u/images/i/harbour.jpg",
        "width": 4000,
        "height": 3000,
        "uploaded_at": AT,
        "analysis_status": AnalysisStatus.COMPLETED.value,
    }
    return CardRow(**(dict.fromkeys(CardRow._fields) | given | values))


def test_a_card_shows_the_text_of_its_picture() -> None:
    image = picture(alt_text="Boats", description="Boats at dusk.", tags=["harbour", "dusk"])
    card = card_of(image)
    assert (card.id, card.filename) == (str(image.id), "harbour.jpg")
    assert card.thumb.startswith(f"/api/files/{image.user_id}/{image.id}/thumbnail?expires=")
    assert (card.alt_text, card.description) == ("Boats", "Boats at dusk.")
    assert card.tags == ["harbour", "dusk"]
    assert (card.status, card.note, card.decorative) == ("completed", "", False)


def test_a_card_says_whether_one_sees_through_its_picture() -> None:
    assert card_of(picture(transparent=True)).transparent is True
    assert card_of(picture()).transparent is False


def test_unknown_text_is_empty_and_a_decorative_picture_says_so() -> None:
    unknown = card_of(picture(analysis_status=AnalysisStatus.PENDING.value))
    assert (unknown.alt_text, unknown.description, unknown.tags) == ("", "", [])
    assert unknown.decorative is False
    decorative = card_of(picture(alt_text="", decorative=True))
    assert (decorative.alt_text, decorative.decorative) == ("", True)


@pytest.mark.parametrize("reason", list(WaitingReason))
def test_a_card_that_waits_for_a_reason_says_why(reason: WaitingReason) -> None:
    waiting = picture(analysis_status=AnalysisStatus.PENDING.value, waiting_reason=reason.value)
    assert len(card_of(waiting).note) > 10


def test_a_failed_card_says_why() -> None:
    failed = picture(
        analysis_status=AnalysisStatus.FAILED.value, error_message="The API key is not valid"
    )
    assert card_of(failed).note == "The API key is not valid"
    assert card_of(picture(analysis_status=AnalysisStatus.FAILED.value)).note


def test_times_of_upload_sort_as_text_whatever_their_zone() -> None:
    elsewhere = timezone(timedelta(hours=5, minutes=30))
    times = [
        AT,
        AT + timedelta(microseconds=1),
        (AT + timedelta(milliseconds=500)).astimezone(elsewhere),
        AT + timedelta(seconds=1),
    ]
    as_text = [card_of(picture(uploaded_at=at)).uploaded_at for at in times]
    assert as_text == sorted(as_text)
    assert len(set(map(len, as_text))) == 1


def test_a_card_with_long_texts_stays_below_a_kilobyte() -> None:
    image = picture(
        filename="IMG_20260701_123000_HDR.jpg",
        alt_text="Small wooden fishing boats rest at a stone quay while the last light turns the "
        "water orange and a man mends his nets",
        description="word " * 200,
        tags=[f"a longer tag {n}" for n in range(20)],
    )
    assert len(json.dumps(asdict(card_of(image)), separators=(",", ":"))) < 1000


def test_text_is_cut_at_a_word_with_an_ellipsis() -> None:
    assert shortened("one two three", 13) == "one two three"
    assert shortened("one two, three", 10) == "one two…"
    assert shortened("  one\n two ", 20) == "one two"
    assert shortened("x" * 30, 10) == "x" * 9 + "…"
    assert len(shortened("word " * 50, 100)) <= 100

"""Review: who gets which picture, in which order, and what becomes of what is decided."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from imgapp.adapters.db import transaction
from imgapp.errors import Conflict, InvalidRequest, NotFound, PreconditionFailed
from imgapp.models import Image, ImageText, ReviewLease, TextState, Viewer, new_id, now
from imgapp.services.analysis import preferences
from imgapp.services.analysis.preferences import PreferencesEdit
from imgapp.services.batches import batches
from imgapp.services.batches.schemas import NewBatch
from imgapp.services.library.image_query import ImageQuery, Sort, TextFilter
from imgapp.services.texts import review, review_decisions, texts
from imgapp.services.texts.review import ReviewItem
from imgapp.services.texts.review_decisions import ReviewDecision, ReviewedText, TextBefore
from imgapp.services.texts.texts import TextEdit
from tests.conftest import Person
from tests.support.rows import add_analysis, add_image


def session_of(person: Person) -> Viewer:
    """Somebody at the account, in a browser of their own."""
    return Viewer(user_id=person.user_id, email=person.email, is_admin=False, session_id=new_id())


def add_drafts(person: Person, count: int, language: str = "en") -> list[UUID]:
    """Pictures with a model's text; the newest first."""
    return [
        add_image(
            person.user_id, alt_text=f"Picture {number}", alt_text_by="model", language=language
        ).id
        for number in range(count)
    ][::-1]


def queue(viewer: Viewer, reviewer: UUID, **more: Any) -> list[ReviewItem]:
    wanted = more.pop("wanted", ImageQuery(language="en"))
    return review.next_items(viewer, wanted, reviewer, **more).items


def ids(items: list[ReviewItem]) -> list[UUID]:
    return [item.image_id for item in items]


def say(viewer: Viewer, image_id: UUID, decision: str, **more: Any) -> ReviewedText:
    given = {name: more.pop(name) for name in ("required", "absent") if name in more}
    said = ReviewDecision.model_validate({"decision": decision, **more})
    return review_decisions.decide(viewer, image_id, "en", said, **given)


def doubt(person: Person, image_id: UUID) -> None:
    with transaction(person.user_id) as session:
        text = session.get_one(ImageText, (image_id, "en"))
        text.doubts = [{"rule": "hedge", "excerpt": "appears to be"}]
        session.add(text)


def before_of(item: ReviewItem) -> TextBefore:
    said = item.image.texts[item.language].model_dump()
    return TextBefore.model_validate({name: said[name] for name in TextBefore.model_fields})


@pytest.fixture
def ann(alice: Person) -> Viewer:
    return session_of(alice)


@pytest.fixture
def ben(alice: Person) -> Viewer:
    return session_of(alice)


def test_the_newest_draft_comes_first(alice: Person, ann: Viewer) -> None:
    drafts = add_drafts(alice, 3)
    add_drafts(alice, 1, language="de")
    add_image(alice.user_id)  # of which nothing is said
    found = review.next_items(ann, ImageQuery(language="en"), new_id(), limit=2)
    assert ids(found.items) == drafts[:2]
    assert found.total == 3
    assert found.items[0].image.alt_text == "Picture 2"
    assert ids(queue(ann, new_id(), wanted=ImageQuery(language="en", sort=Sort.OLDEST))) == [
        drafts[2]
    ]


def test_without_a_language_it_is_ones_first(alice: Person, ann: Viewer) -> None:
    preferences.change_preferences(alice.user_id, PreferencesEdit(language="de"))
    add_drafts(alice, 1)
    german = add_drafts(alice, 1, language="de")
    assert ids(queue(ann, new_id(), wanted=ImageQuery())) == german


def test_what_is_doubtful_comes_first_if_that_is_wanted(alice: Person, ann: Viewer) -> None:
    drafts, tab = add_drafts(alice, 4), new_id()
    doubt(alice, drafts[1])
    doubt(alice, drafts[3])
    order = [drafts[1], drafts[3], drafts[0], drafts[2]]
    found = queue(ann, tab, doubtful_first=True)
    assert ids(found) == order
    assert ids(queue(ann, tab)) == drafts
    for at, item in enumerate(found):
        assert ids(queue(ann, tab, doubtful_first=True, begin=item.place)) == order[at:]


def test_a_place_holds_where_doubts_come_and_go(alice: Person, ann: Viewer) -> None:
    drafts, tab = add_drafts(alice, 4), new_id()
    doubt(alice, drafts[0])
    item = queue(ann, tab, doubtful_first=True)[1]
    assert item.image_id == drafts[1]
    doubt(alice, drafts[1])
    doubt(alice, drafts[3])
    again = queue(ann, tab, doubtful_first=True, begin=item.place)
    assert ids(again) == [drafts[1], drafts[3], drafts[2]]
    texts.write_text(alice.user_id, drafts[1], "en", TextEdit(alt_text="Without a doubt"))
    again = queue(ann, tab, doubtful_first=True, begin=again[0].place)
    assert ids(again) == [drafts[1], drafts[3], drafts[2]]


def test_two_who_share_a_queue_get_different_pictures(alice: Person, ann: Viewer) -> None:
    drafts = add_drafts(alice, 5)
    one, other = new_id(), new_id()
    assert ids(queue(ann, one, limit=2)) == drafts[:2]
    assert ids(queue(ann, other, limit=2)) == drafts[2:4]
    assert ids(queue(ann, one, limit=2)) == drafts[:2]
    # Who goes on gives back what they passed.
    assert ids(queue(ann, one, limit=2, begin=str(drafts[1]))) == [drafts[1], drafts[4]]
    assert ids(queue(ann, other, limit=3)) == [drafts[0], *drafts[2:4]]
    review.give_back(alice.user_id, other)
    assert ids(queue(ann, new_id())) == [drafts[0], *drafts[2:4]]


def test_a_lease_that_ran_out_goes_to_the_next(alice: Person, ann: Viewer) -> None:
    [draft], one, other = add_drafts(alice, 1), new_id(), new_id()
    assert ids(queue(ann, one)) == [draft]
    assert ids(queue(ann, other)) == []
    with transaction(alice.user_id) as session:
        lease = session.get_one(ReviewLease, (draft, "en"))
        assert now() < lease.expires_at <= now() + review.LEASE
        lease.expires_at = now() - timedelta(seconds=1)
        session.add(lease)
    assert ids(queue(ann, other)) == [draft]
    assert ids(queue(ann, one)) == []


def test_a_page_that_is_left_takes_nothing_from_the_one_in_its_place(
    alice: Person, ann: Viewer
) -> None:
    [draft], tab = add_drafts(alice, 1), new_id()
    left = review.next_items(ann, ImageQuery(language="en"), tab).leased_until
    queue(ann, tab)
    review.give_back(alice.user_id, tab, left)
    assert ids(queue(ann, new_id())) == []
    review.give_back(alice.user_id, tab)
    assert ids(queue(ann, new_id())) == [draft]


def test_a_lease_is_of_one_language(alice: Person, ann: Viewer) -> None:
    [draft] = add_drafts(alice, 1)
    texts.write_text(alice.user_id, draft, "de", TextEdit(alt_text="Bild"))
    german = ImageQuery(language="de")
    assert ids(queue(ann, new_id())) == ids(queue(ann, new_id(), wanted=german)) == [draft]


def test_a_place_outlives_its_picture(alice: Person, ann: Viewer) -> None:
    drafts, tab = add_drafts(alice, 3), new_id()
    place = queue(ann, tab)[1].place
    say(ann, drafts[1], "approve")
    assert ids(queue(ann, tab, begin=place)) == drafts[2:]
    with transaction(alice.user_id) as session:
        session.delete(session.get_one(Image, drafts[1]))
    assert ids(queue(ann, tab, begin=place)) == [drafts[0], drafts[2]]


@pytest.mark.parametrize("place", ["x", "2-" + str(UUID(int=1)), "0-", "0-" + "0" * 36, "1--"])
def test_a_place_that_we_did_not_write_is_refused(ann: Viewer, place: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        queue(ann, new_id(), begin=place)
    assert refused.value.code == "invalid_cursor"


def test_a_filter_makes_the_queue(alice: Person, ann: Viewer) -> None:
    drafts, tab = add_drafts(alice, 4), new_id()
    missing = add_image(alice.user_id).id
    doubt(alice, drafts[0])
    say(ann, drafts[1], "return", note="The dog is a cat")
    say(ann, drafts[2], "approve")

    def found(**wanted: Any) -> list[UUID]:
        return ids(queue(ann, tab, wanted=ImageQuery(language="en", **wanted)))

    assert found() == [drafts[0], drafts[3]]
    assert found(doubt="any") == found(doubt="hedge") == [drafts[0]]
    assert found(state=TextFilter.RETURNED) == [drafts[1]]
    assert found(state=TextFilter.APPROVED) == [drafts[2]]
    assert found(state=TextFilter.MISSING) == [missing]
    assert found(q="Picture") == [drafts[0], drafts[3]]
    batch = batches.create_batch(alice.user_id, NewBatch()).id
    assert found(batch=batch) == []
    with pytest.raises(NotFound):
        found(batch=new_id())


def test_an_approved_text_leaves_the_queue_and_its_total(alice: Person, ann: Viewer) -> None:
    drafts, tab = add_drafts(alice, 2), new_id()
    item = queue(ann, tab)[0]
    decided = say(ann, drafts[0], "approve", required=frozenset({item.etag}))
    assert decided.text is not None
    assert decided.text.state is TextState.APPROVED
    found = review.next_items(ann, ImageQuery(language="en"), tab)
    assert (ids(found.items), found.total) == (drafts[1:], 1)


def test_words_are_written_and_approved_in_one_step(alice: Person, ann: Viewer) -> None:
    [draft] = add_drafts(alice, 1)
    decided = say(ann, draft, "approve", alt_text="A dog", tags=["dog"])
    assert decided.text is not None
    assert (decided.text.alt_text, decided.text.state) == ("A dog", TextState.APPROVED)
    assert decided.text.written_by == {"alt_text": "person", "tags": "person"}
    decorative = say(ann, draft, "approve", decorative=True).text
    assert decorative is not None
    assert (decorative.alt_text, decorative.decorative) == ("", True)
    saved = say(ann, draft, "save", alt_text="A cat").text
    assert saved is not None
    assert (saved.state, saved.decorative) == (TextState.DRAFT, False)


def test_what_somebody_else_changed_is_not_overwritten(alice: Person, ann: Viewer) -> None:
    [draft] = add_drafts(alice, 1)
    tag = frozenset({queue(ann, new_id())[0].etag})
    texts.write_text(alice.user_id, draft, "en", TextEdit(alt_text="Somebody's words"))
    for decision, more in {
        "approve": {"alt_text": "Mine"},
        "return": {"note": "no"},
        "undo": {},
    }.items():
        with pytest.raises(PreconditionFailed):
            say(ann, draft, decision, required=tag, **more)
    with pytest.raises(PreconditionFailed):
        say(ann, draft, "save", alt_text="Mine", absent=True)
    assert texts.read_text(alice.user_id, draft, "en").value.alt_text == "Somebody's words"


def test_nothing_is_not_approved(alice: Person, ann: Viewer) -> None:
    image = add_image(alice.user_id, tags=["dog"], tags_by="model", language="en").id
    for picture in (image, add_image(alice.user_id).id):
        with pytest.raises(Conflict):
            say(ann, picture, "approve")
    assert texts.read_text(alice.user_id, image, "en").value.state is TextState.DRAFT


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(
    ("decision", "more"),
    [
        ("approve", {}),
        ("approve", {"alt_text": "Another", "tags": None}),
        ("approve", {"decorative": True}),
        ("save", {"description": "More"}),
        ("return", {"note": "no"}),
    ],
)
def test_undo_makes_a_text_what_it_was(
    alice: Person, ann: Viewer, language: str, decision: str, more: dict[str, Any]
) -> None:
    image = add_image(alice.user_id, language="en")
    answer = add_analysis(image, alt_text="A dog", tags=["dog"], language="en", description=None)
    with transaction(alice.user_id) as session:
        row = session.get_one(Image, image.id)
        row.alt_text, row.alt_text_by, row.tags, row.tags_by = "A dog", "model", ["dog"], "model"
    if language == "fr":
        texts.write_text(alice.user_id, image.id, "fr", TextEdit(alt_text="Un chien", tags=["x"]))
    item = queue(ann, new_id(), wanted=ImageQuery(language=language))[0]
    text = item.image.texts[language]
    said = ReviewDecision.model_validate({"decision": decision, **more})
    done = review_decisions.decide(ann, image.id, language, said)
    assert done.text != text
    undone = review_decisions.decide(
        ann,
        image.id,
        language,
        ReviewDecision.model_validate({"decision": "undo", "before": before_of(item)}),
        required=frozenset({done.etag or ""}),
    ).text
    assert undone is not None
    same = {"state_at", "changed_at", "state_by", "doubts"}
    assert undone.model_dump(exclude=same) == text.model_dump(exclude=same)
    assert answer.alt_text == "A dog"


def test_undo_brings_back_the_wording_that_was_approved_before(alice: Person, ann: Viewer) -> None:
    [draft] = add_drafts(alice, 1)
    say(ann, draft, "approve")
    say(ann, draft, "save", alt_text="Newer")
    item = queue(ann, new_id())[0]
    say(ann, draft, "approve")
    undone = say(ann, draft, "undo", before=before_of(item).model_dump()).text
    assert undone is not None
    assert undone.approved is not None
    assert (undone.state, undone.alt_text) == (TextState.DRAFT, "Newer")
    assert undone.approved.alt_text == "Picture 0"


def test_undo_brings_back_what_came_with_the_file(alice: Person, ann: Viewer) -> None:
    carried = {"en": {"alt_text": "A dog"}, "fr": {"alt_text": "Un chien"}}
    image = add_image(
        alice.user_id,
        alt_text="A dog",
        alt_text_by="person",
        language="en",
        facts={"texts": carried},
    ).id
    item = queue(ann, new_id(), wanted=ImageQuery(language="fr"))[0]
    before = before_of(item).model_dump()
    french = {"alt_text": "Mieux", "decision": "approve"}
    review_decisions.decide(ann, image, "fr", ReviewDecision.model_validate(french))
    undo = ReviewDecision.model_validate({"decision": "undo", "before": before})
    undone = review_decisions.decide(ann, image, "fr", undo).text
    assert undone is not None
    assert (undone.alt_text, undone.written_by) == ("Un chien", {"alt_text": "file"})


def test_undo_takes_a_text_away_that_was_not_there(alice: Person, ann: Viewer) -> None:
    image = add_image(alice.user_id).id
    assert say(ann, image, "approve", alt_text="A dog", absent=True).text is not None
    assert say(ann, image, "undo").text is None
    with pytest.raises(NotFound):
        texts.read_text(alice.user_id, image, "en")


def test_a_second_person_is_asked_of_what_was_approved(
    alice: Person, ann: Viewer, ben: Viewer
) -> None:
    preferences.change_preferences(alice.user_id, PreferencesEdit(review_second_share=100))
    drafts = add_drafts(alice, 3)
    for draft in drafts:
        say(ann, draft, "approve")
    assert ids(queue(ann, new_id())) == []
    tab = new_id()
    found = queue(ben, tab)
    assert (ids(found), [item.second for item in found]) == (drafts, [True] * 3)
    assert review.next_items(ben, ImageQuery(language="en"), tab).total == 3
    say(ben, drafts[0], "approve")
    say(ben, drafts[1], "approve", alt_text="Better")
    assert ids(queue(ben, tab)) == drafts[2:]
    assert ids(queue(ann, new_id())) == []  # nobody is asked a third time
    said = review.agreement(alice.user_id, "en")
    assert (said.looked_at, said.agreed, said.waiting) == (2, 1, 1)
    # What was changed since is somebody else's draft.
    texts.write_text(alice.user_id, drafts[2], "en", TextEdit(alt_text="Changed"))
    assert [item.second for item in queue(ben, tab)] == [False]


def test_undo_asks_the_second_person_again(alice: Person, ann: Viewer, ben: Viewer) -> None:
    preferences.change_preferences(alice.user_id, PreferencesEdit(review_second_share=100))
    [draft] = add_drafts(alice, 1)
    say(ann, draft, "approve")
    item = queue(ben, new_id())[0]
    say(ben, draft, "approve", alt_text="Better")
    say(ben, draft, "undo", before=before_of(item).model_dump())
    review.give_back(alice.user_id, ben.session_id or new_id())
    said = review.agreement(alice.user_id, "en")
    assert (said.looked_at, said.waiting) == (0, 1)
    assert texts.read_text(alice.user_id, draft, "en").value.alt_text == "Picture 0"


def test_shares_are_as_large_as_they_say_and_the_same_for_everybody() -> None:
    pictures = [new_id() for _ in range(2_000)]
    for share in (0, 30, 100):
        found = [one for one in pictures if review.chosen(one, "en", share, "blind")]
        assert abs(len(found) / 20 - share) < 5
        assert found == [one for one in pictures if review.chosen(one, "en", share, "blind")]
    both = [one for one in pictures if review.chosen(one, "en", 50, "blind")]
    again = [one for one in both if review.chosen(one, "en", 50, "second")]
    assert 0.4 < len(again) / len(both) < 0.6


def test_a_models_text_waits_in_a_share_of_pictures(alice: Person, ann: Viewer) -> None:
    drafts, tab = add_drafts(alice, 2), new_id()
    texts.write_text(alice.user_id, drafts[0], "en", TextEdit(alt_text="By a person"))
    assert [item.blind for item in queue(ann, tab)] == [False, False]
    preferences.change_preferences(alice.user_id, PreferencesEdit(review_blind_share=100))
    assert [item.blind for item in queue(ann, tab)] == [False, True]


def test_somebody_elses_queue_is_empty_and_their_texts_are_not_found(
    alice: Person, mallory: Person, ann: Viewer
) -> None:
    [draft], tab, theirs = add_drafts(alice, 1), new_id(), session_of(mallory)
    assert ids(queue(ann, tab)) == [draft]
    found = review.next_items(theirs, ImageQuery(language="en"), tab, begin=str(draft))
    assert (found.items, found.total) == ([], 0)
    for decision, more in {"approve": {}, "return": {"note": "no"}, "undo": {}}.items():
        with pytest.raises(NotFound):
            say(theirs, draft, decision, **more)
    review.give_back(mallory.user_id, tab)
    assert ids(queue(ann, new_id())) == []  # it is leased still
    assert review.agreement(mallory.user_id, "en").waiting == 0

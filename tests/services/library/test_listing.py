"""Finding pictures: what matches, in which order, and where in it each one is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from imgapp.adapters import db
from imgapp.errors import InvalidRequest, NotFound
from imgapp.models import Image, now
from imgapp.services.batches import batches
from imgapp.services.batches.schemas import NewBatch
from imgapp.services.library import card_rows, images, listing
from imgapp.services.library.image_query import ImageQuery, Sort
from tests.support.rows import new_image


def search(person: Any, query: str | None = None, **values: Any) -> list[UUID]:
    wanted = ImageQuery(q=query, **values)
    found = listing.all_ids(person.user_id, wanted)
    assert listing.count(person.user_id, wanted) == len(found)
    return found


@pytest.mark.parametrize(
    "query",
    [
        "walrus",
        "WAL",
        "sleeping walruses",
        '"on ice"',
        "mammals",
        "keep out",
        "beach",
        "beach-house.jpg",
        "walrus -penguin",
        "penguin or walrus",
        None,
        "  ",
    ],
)
def test_search_finds_words_of_every_text(alice, add_image, query) -> None:
    image_id = add_image(
        alice,
        alt_text="Two walruses",
        description="They are sleeping on ice",
        tags=["Sea mammals"],
        visible_text="KEEP OUT",
    )
    assert search(alice, query) == [image_id]


@pytest.mark.parametrize(
    "query", ["penguin", "walrus penguin", '"ice on"', "-walrus", "!!!", "'", "\\", "zz:* & (", "%"]
)
def test_search_does_not_find_other_words_or_stumble(alice, add_image, query) -> None:
    add_image(alice, alt_text="Two walruses", description="They are sleeping on ice")
    assert search(alice, query) == []


def test_search_pages_newest_first_and_leaves_the_trash_out(alice, add_image) -> None:
    moment = now()
    added = [
        add_image(alice, alt_text="walrus", tags=["sea"], uploaded_at=moment - timedelta(hours=n))
        for n in range(5)
    ]
    add_image(alice, alt_text="walrus", tags=["sea"], deleted_at=moment)
    add_image(alice, alt_text="walrus", tags=["seaside"], analysis_status="failed")
    assert search(alice, "walrus", tags="sea", status="pending") == added
    pages = list(walk(alice, ImageQuery(q="walrus", tags=("sea",)), limit=2))
    assert pages == [added[:2], added[2:4], added[4:]]
    assert len(search(alice, status="failed")) == 1


def walk(person: Any, wanted: ImageQuery, limit: int) -> Iterator[list[UUID]]:
    page = listing.list_images(person.user_id, wanted, limit=limit)
    yield [image.id for image in page.items]
    while page.next_cursor:
        page = listing.list_images(person.user_id, wanted, limit=limit, cursor=page.next_cursor)
        yield [image.id for image in page.items]


@pytest.fixture
def library(alice, add_image) -> dict[str, UUID]:
    """Pictures of which each has something that the others have not, the newest first."""
    moment = datetime(2026, 7, 4, 23, 30, tzinfo=UTC)
    each: dict[str, dict[str, Any]] = {
        "tall": {"width": 30, "height": 60, "filename": "b.jpg", "file_size": 10},
        "wide": {"width": 60, "height": 30, "filename": "A.png", "mime_type": "image/png"},
        "even": {"filename": "d.heic", "mime_type": "image/heif", "file_size": 5000},
        "described": {"alt_text": "A dog", "alt_text_by": "model", "tags": ["dog", "park"]},
        "written": {"alt_text": "A cat", "alt_text_by": "person", "tags": ["cat", "park"]},
        "decorative": {"alt_text": "", "decorative": True, "decorative_by": "person"},
        "failed": {"analysis_status": "failed", "error_code": "model_refused"},
    }
    return {
        name: add_image(
            alice,
            **{"filename": f"z{n}.jpg", "file_size": 100 + n} | values,
            uploaded_at=moment - timedelta(hours=n),
        )
        for n, (name, values) in enumerate(each.items())
    }


def test_file_names_are_sorted_as_people_do(alice, add_image) -> None:
    names = [
        "2023-01-02.jpg", "2023-1-10.jpg", "Ähre.jpg", "äpfel.jpg", "Apfel 2.jpg", "apfel 10.jpg",
        "IMG_1.jpg", "img_002.jpg", "IMG_10.jpg", "IMG_0100.jpg", "straße 1.jpg", "Strasse 2.jpg",
        "z.jpg", "Гора.jpg", "ёлка.jpg", "東京.jpg",
    ]  # fmt: skip
    expected = ["2023-01-02.jpg", "2023-1-10.jpg", "Ähre.jpg", "Apfel 2.jpg", "apfel 10.jpg"]
    expected += ["äpfel.jpg", *names[6:]]
    for name in reversed(names):
        add_image(alice, filename=name)
    pages = walk(alice, ImageQuery(sort=Sort.NAME), limit=3)
    found = [images.get_image(alice.user_id, one).filename for page in pages for one in page]
    assert found == expected


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("no_alt_text=true", "tall wide even failed"),
        ("decorative=true", "decorative"),
        ("decorative=false", "tall wide even described written failed"),
        ("edited=true", "written decorative"),
        ("edited=false", "tall wide even described failed"),
        ("format=png", "wide"),
        ("format=heic", "even"),
        ("orientation=portrait", "tall"),
        ("orientation=landscape", "wide"),
        ("orientation=square", "even described written decorative failed"),
        ("status=failed", "failed"),
        ("tag=park", "described written"),
        ("tag=park&tag=dog", "described"),
        ("larger_than=4999", "even"),
        ("smaller_than=11", "tall"),
        ("uploaded_from=2026-07-04T22:30:00Z", "tall wide"),
        ("uploaded_to=2026-07-04T18:31:00Z", "decorative failed"),
        ("uploaded_from=2026-07-04T20:00&uploaded_to=2026-07-04T21:00", "described"),
        ("q=cat&edited=true", "written"),
        ("q=cat&edited=false", ""),
        ("sort=oldest&tag=park", "written described"),
        ("sort=name&no_alt_text=true", "wide tall even failed"),
        ("sort=largest&no_alt_text=true", "even failed wide tall"),
        ("sort=relevance&tag=park", "described written"),
        ("sort=relevance&q=park", "described written"),
    ],
)
def test_every_filter_and_order_holds_everywhere(alice, library, query, names) -> None:
    wanted, expected = ImageQuery.from_query(query), [library[name] for name in names.split()]
    user = alice.user_id
    assert listing.all_ids(user, wanted) == expected
    assert listing.count(user, wanted) == len(expected)
    assert [image.id for image in card_rows.read_window(user, wanted, 1, 2)] == expected[1:3]
    assert [one for page in walk(alice, wanted, limit=1) for one in page] == expected
    assert listing.matching(user, wanted, library.values()) == set(expected)
    timeline = listing.read_timeline(user, wanted, "UTC")
    assert timeline.total == len(timeline.shapes) == len(expected)
    for image_id in library.values():
        at = expected.index(image_id) if image_id in expected else None
        around = (None, None)
        if at is not None:
            around = (
                expected[at - 1] if at else None,
                expected[at + 1] if at + 1 < len(expected) else None,
            )
        assert listing.neighbours(user, wanted, image_id) == around
    if expected:
        assert listing.ids_between(user, wanted, expected[-1], expected[0]) == expected


def test_nobody_finds_the_pictures_of_others(alice, mallory, library, add_image) -> None:
    own = add_image(mallory)
    user, everything = mallory.user_id, list(library.values())
    for wanted in (
        ImageQuery(),
        ImageQuery(q="dog"),
        ImageQuery(tags=("park",)),
        ImageQuery(status="failed"),
    ):
        assert listing.matching(user, wanted, everything) == set()
        assert listing.neighbours(user, wanted, everything[0]) == (None, None)
        assert listing.ids_between(user, wanted, everything[0], everything[3]) == []
    assert listing.all_ids(user, ImageQuery()) == [own]
    assert listing.read_timeline(user, ImageQuery(), "UTC").total == 1
    cursor = listing.list_images(alice.user_id, limit=2).next_cursor
    with pytest.raises(InvalidRequest):
        listing.list_images(user, limit=2, cursor=cursor)


def test_the_batch_of_somebody_else_holds_nothing(alice, mallory, library) -> None:
    batch = batches.create_batch(alice.user_id, NewBatch(name="July"))
    assert listing.count(alice.user_id, ImageQuery(batch=batch.id)) == 0
    with pytest.raises(NotFound):
        listing.list_images(mallory.user_id, ImageQuery(batch=batch.id))


def test_days_are_those_of_the_time_zone(alice, library) -> None:
    def days(zone: str) -> list[tuple[str, int]]:
        found = listing.read_timeline(alice.user_id, ImageQuery(), zone).days
        return [(str(day), count) for day, count in found]

    assert days("UTC") == [("2026-07-04", 7)]
    assert days("Asia/Tokyo") == [("2026-07-05", 7)]
    assert days("Europe/Berlin") == [("2026-07-05", 2), ("2026-07-04", 5)]
    for nonsense in ("Mars/Olympus", "", "';--", "Etc/%", "\\"):
        assert days(nonsense) == days("UTC")
    oldest = listing.read_timeline(alice.user_id, ImageQuery(sort="oldest"), "Europe/Berlin").days
    assert [count for _, count in oldest] == [5, 2]
    assert listing.read_timeline(alice.user_id, ImageQuery(sort="name"), "UTC").days == [(None, 7)]


def test_the_timeline_says_how_wide_each_picture_is(alice, library) -> None:
    shapes = listing.read_timeline(alice.user_id, ImageQuery(), "UTC").shapes
    ratios = [round(2 ** (byte / 255 * 4 - 2), 1) for byte in shapes]
    assert ratios[:3] == [0.5, 2.0, 1.0]


@pytest.mark.parametrize("sort", list(Sort))
def test_a_list_goes_on_where_its_last_picture_is_gone(alice, library, sort) -> None:
    wanted = ImageQuery(sort=sort)
    whole = listing.all_ids(alice.user_id, wanted)
    page = listing.list_images(alice.user_id, wanted, limit=2)
    images.delete_image(alice.user_id, page.items[-1].id)
    images.delete_image(alice.user_id, page.items[-1].id, permanent=True)
    rest = listing.list_images(alice.user_id, wanted, limit=9, cursor=page.next_cursor)
    assert [one.id for one in rest.items] == whole[2:]


@pytest.mark.parametrize(
    "query",
    [
        "q=dog&status=failed&tag=a&tag=b+c&no_alt_text=true&sort=oldest",
        "decorative=false&format=heic&orientation=square&larger_than=5",
        "uploaded_from=2026-07-04T22%3A30%3A00Z",
        "",
    ],
)
def test_what_is_wanted_goes_into_an_address_and_comes_back(query: str) -> None:
    wanted = ImageQuery.from_query(query)
    assert ImageQuery.from_query(wanted.to_query()) == wanted
    assert sorted(wanted.to_query().split("&")) == sorted(query.split("&"))


@given(st.text(max_size=200))
def test_no_address_is_an_error(query: str) -> None:
    for text in (query, f"q={query}", f"status={query}&tag={query}&sort={query}&batch={query}"):
        wanted = ImageQuery.from_query(text)
        assert ImageQuery.from_query(wanted.to_query()) == wanted


def test_of_very_many_parameters_the_first_hundred_are_read() -> None:
    assert ImageQuery.from_query("q=cat&" + "a=b&" * 5_000 + "status=failed") == ImageQuery(q="cat")


def test_what_makes_no_sense_in_an_address_is_left_out() -> None:
    query = "status=lost&tag=dog&larger_than=-5&uploaded_from=yesterday&page=3&q=cat&sort=up"
    assert ImageQuery.from_query(query) == ImageQuery(q="cat", tags=("dog",))


@pytest.mark.long
def test_of_very_many_matches_the_newest_thousand_are_ranked_and_none_is_left_out(alice) -> None:
    moment, texts = (
        now(),
        {0: "A gull", 400: "A boat", 999: "A boat", 1_001: "A boat", 1_099: "A gull"},
    )
    rows = [
        new_image(
            alice.user_id,
            filename=f"boat-{n}.jpg",
            width=1 + n % 2,
            height=1,
            alt_text=texts.get(n),
            uploaded_at=moment - timedelta(minutes=n),
        )
        for n in range(1_100)
    ]
    with db.transaction(alice.user_id) as session:
        session.execute(sa.insert(Image), [row.model_dump() for row in rows])
    user, wanted = alice.user_id, ImageQuery(q="boat", sort=Sort.RELEVANCE)
    # Said in the alt text, it counts more than in the name; what is older is not ranked any more.
    places = [400, 999, *(n for n in range(1_100) if n not in (400, 999))]
    expected = [rows[n].id for n in places]
    assert listing.all_ids(user, wanted) == expected
    assert [one for page in walk(alice, wanted, limit=190) for one in page] == expected
    for start in (0, 1, 990, 1_000, 1_090):
        window = card_rows.read_window(user, wanted, start, 20)
        assert [row.id for row in window] == expected[start : start + 20]
    for at in (0, 2, 999, 1_000, 1_001, 1_099):
        around = ([None, *expected, None][at], [*expected, None][at + 1])
        assert listing.neighbours(user, wanted, expected[at]) == around
    timeline = listing.read_timeline(user, wanted, "UTC")
    wide = {timeline.shapes[places.index(1)]}
    assert [shape in wide for shape in timeline.shapes] == [n % 2 == 1 for n in places]


def test_pictures_that_need_a_text_are_counted_and_found(alice, mallory, add_image) -> None:
    add_image(alice, alt_text="A dog", analysis_status="completed")
    add_image(alice, alt_text="", decorative=True, analysis_status="completed")
    add_image(alice, analysis_status="pending")
    needing = add_image(alice, visible_text="EXIT", analysis_status="completed")
    assert listing.all_ids(alice.user_id, listing.NEEDS_TEXT) == [needing]
    assert listing.count(alice.user_id, listing.NEEDS_TEXT) == 1
    assert listing.count(mallory.user_id, listing.NEEDS_TEXT) == 0
    assert listing.NEEDS_TEXT.to_query() == "status=completed&no_alt_text=true"

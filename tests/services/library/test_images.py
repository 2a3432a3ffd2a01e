from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
import sqlalchemy as sa

from imgapp.adapters.storage import get_store
from imgapp.errors import InvalidRequest, NotFound
from imgapp.models import AnalysisStatus, ImageEdit, ImagePage, WrittenBy, new_id, now
from imgapp.services.library import history, images, listing
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.queue import image_status
from tests.conftest import Person, Servers
from tests.support.rows import add_analysis, add_image

Call = Callable[[UUID, UUID], object]

EVERYTHING: dict[str, Call] = {
    "get": images.get_image,
    "status": image_status.get_status,
    "edit": lambda user, image: images.edit_image(user, image, ImageEdit(alt_text="mine")),
    "delete": images.delete_image,
    "remove": lambda user, image: images.delete_image(user, image, permanent=True),
    "analyses": history.list_analyses,
}


@pytest.fixture
def heard(alice: Person, servers: Servers) -> Iterator[Callable[[], list[str]]]:
    """The kinds of event published to alice's pages since the last call."""
    with redis.Redis.from_url(servers.redis_url) as client, client.pubsub() as pubsub:
        pubsub.subscribe(f"imgapp:events:{alice.user_id}")
        assert pubsub.get_message(timeout=5)

        def read() -> list[str]:
            client.publish(f"imgapp:events:{alice.user_id}", json.dumps({"kind": "end"}))
            kinds: list[str] = []
            while (message := pubsub.get_message(timeout=5)) is not None:
                kind = json.loads(message["data"])["kind"]
                if kind == "end":
                    break
                kinds.append(kind)
            return kinds

        yield read


@pytest.mark.parametrize("call", EVERYTHING.values(), ids=EVERYTHING.keys())
def test_somebody_elses_picture_is_not_found(alice: Person, mallory: Person, call: Call) -> None:
    image = add_image(alice.user_id, alt_text="hers")
    with pytest.raises(NotFound) as foreign:
        call(mallory.user_id, image.id)
    with pytest.raises(NotFound) as missing:
        call(mallory.user_id, new_id())
    assert str(foreign.value) == str(missing.value)
    assert images.get_image(alice.user_id, image.id).alt_text == "hers"


@pytest.mark.parametrize("name", [name for name in EVERYTHING if name != "remove"])
def test_a_picture_in_the_trash_is_not_found(alice: Person, name: str) -> None:
    image = add_image(alice.user_id)
    images.delete_image(alice.user_id, image.id)
    with pytest.raises(NotFound):
        EVERYTHING[name](alice.user_id, image.id)


def test_a_picture_is_shown_with_its_texts_and_who_wrote_them(alice: Person) -> None:
    image = add_image(
        alice.user_id,
        alt_text="A dog on a beach",
        alt_text_by=WrittenBy.PERSON,
        tags=["dog"],
        tags_by=WrittenBy.MODEL,
        facts={"camera": "X100"},
    )
    shown = images.get_image(alice.user_id, image.id)
    assert shown.alt_text == "A dog on a beach"
    assert shown.tags == ["dog"]
    assert shown.description is None
    assert shown.written_by == {"alt_text": "person", "tags": "model"}
    assert shown.facts == {"camera": "X100"}
    assert shown.analysis is None
    assert shown.error is None
    assert shown.uploaded_at == image.uploaded_at


def test_a_picture_is_shown_with_its_newest_analysis(alice: Person) -> None:
    image = add_image(alice.user_id)
    add_analysis(image, model_version="old")
    newest = add_analysis(image, model_version="new", processing_time=2.25)
    shown = images.get_image(alice.user_id, image.id)
    assert shown.status is AnalysisStatus.COMPLETED
    assert shown.analysis is not None
    assert shown.analysis.id == newest.id
    assert shown.analysis.model_version == "new"
    assert shown.analysis.processing_time == 2.25


def test_a_failure_is_shown_with_its_reason(alice: Person) -> None:
    image = add_image(
        alice.user_id,
        analysis_status=AnalysisStatus.FAILED,
        attempts=3,
        error_code="model_refused",
        error_message="The model refused",
    )
    shown = images.get_image(alice.user_id, image.id)
    assert shown.error is not None
    assert (shown.error.code, shown.error.message) == ("model_refused", "The model refused")
    status = image_status.get_status(alice.user_id, image.id)
    assert status.status is AnalysisStatus.FAILED
    assert status.attempts == 3
    assert status.error == shown.error


def listed(
    user_id: UUID, *, limit: int = 60, cursor: str | None = None, tag: str = "", **wanted: Any
) -> ImagePage:
    return listing.list_images(user_id, ImageQuery(tags=tag, **wanted), limit=limit, cursor=cursor)


def walk(user_id: UUID, **wanted: Any) -> Iterator[ImagePage]:
    page = listed(user_id, **wanted)
    yield page
    while page.next_cursor:
        page = listed(user_id, cursor=page.next_cursor, **wanted)
        yield page


def test_pages_neither_skip_nor_repeat_while_pictures_come_and_go(alice: Person) -> None:
    at = now() - timedelta(days=1)
    # Several of the same microsecond, so that the id decides, across a page's end.
    rows = [add_image(alice.user_id, uploaded_at=at + timedelta(seconds=n // 4)) for n in range(14)]
    expected = [row.id for row in sorted(rows, key=lambda r: (r.uploaded_at, r.id), reverse=True)]
    seen: list[UUID] = []
    for number, page in enumerate(walk(alice.user_id, limit=3)):
        seen += [item.id for item in page.items]
        assert page.total == (14 if number == 0 else None)
        add_image(alice.user_id)
        images.delete_image(alice.user_id, page.items[-1].id)
    assert seen == expected


def test_a_full_last_page_has_no_next_one(alice: Person) -> None:
    for _ in range(4):
        add_image(alice.user_id)
    assert [len(page.items) for page in walk(alice.user_id, limit=2)] == [2, 2]


def test_a_list_holds_the_persons_own_pictures_only(alice: Person, mallory: Person) -> None:
    image = add_image(alice.user_id)
    assert listed(mallory.user_id) == ImagePage(items=[], next_cursor=None, total=0)
    assert [item.id for item in listed(alice.user_id).items] == [image.id]
    assert images.public_images(mallory.user_id, [image.id]) == []
    assert (images.count_images(alice.user_id), images.count_images(mallory.user_id)) == (1, 0)


def test_a_list_is_narrowed_by_status_tag_and_words(alice: Person) -> None:
    dog = add_image(alice.user_id, alt_text="A brown dog", tags=["dog", "beach"])
    cat = add_image(alice.user_id, description="A cat at sea", tags=["beach"])
    add_analysis(cat)

    def found(**wanted: Any) -> set[UUID]:
        pages = list(walk(alice.user_id, **wanted))
        ids = {item.id for page in pages for item in page.items}
        assert pages[0].total == len(ids)
        return ids

    assert found(q="DOG") == {dog.id}
    assert found(q="cat sea") == {cat.id}
    assert found(tag="beach") == {dog.id, cat.id}
    assert found(tag=" dog ") == {dog.id}
    assert found(status=AnalysisStatus.COMPLETED) == {cat.id}
    assert found(status=AnalysisStatus.PENDING, tag="beach", q="brown") == {dog.id}
    assert found(q="  ", tag="") == {dog.id, cat.id}
    assert found(q="giraffe") == set()


@pytest.mark.parametrize(
    "q", ["'", "\\", "a\\'b", "!!", "& | !", "a:*", '"open', "(", "\x00", "\ud800", "%", "a" * 500]
)
def test_no_search_breaks_the_list(alice: Person, q: str) -> None:
    add_image(alice.user_id)
    assert listed(alice.user_id, q=q, tag=q).next_cursor is None


def test_a_cursor_is_bound_to_person_and_filter(alice: Person, mallory: Person) -> None:
    for person in (alice, mallory):
        for _ in range(2):
            add_image(person.user_id, tags=["dog"])
    cursor = listed(alice.user_id, tag="dog", limit=1).next_cursor
    assert cursor
    assert listed(alice.user_id, tag="dog", limit=1, cursor=cursor).items
    for user, wanted in ((mallory, {"tag": "dog"}), (alice, {"tag": "cat"}), (alice, {})):
        with pytest.raises(InvalidRequest) as refused:
            listed(user.user_id, cursor=cursor, **wanted)
        assert refused.value.code == "invalid_cursor"


def test_chosen_pictures_come_in_the_order_asked_for(alice: Person) -> None:
    rows = [add_image(alice.user_id) for _ in range(3)]
    images.delete_image(alice.user_id, rows[1].id)
    ids = [rows[2].id, new_id(), rows[1].id, rows[0].id]
    assert [item.id for item in images.public_images(alice.user_id, ids)] == [
        rows[2].id,
        rows[0].id,
    ]
    assert images.public_images(alice.user_id, []) == []


def test_an_edit_is_written_by_a_person_and_told_to_open_pages(
    alice: Person, heard: Callable[[], list[str]]
) -> None:
    image = add_image(alice.user_id, description="by a model", description_by=WrittenBy.MODEL)
    shown = images.edit_image(
        alice.user_id, image.id, ImageEdit(alt_text=" A dog\x00 ", tags=["Dog", "dog ", ""])
    )
    assert shown.alt_text == "A dog"
    assert shown.tags == ["Dog"]
    assert shown.description == "by a model"
    assert shown.written_by == {
        "alt_text": "person",
        "tags": "person",
        "description": "model",
    }
    assert images.get_image(alice.user_id, image.id) == shown
    assert heard() == ["image_edited"]


def test_an_edit_of_nothing_changes_nothing(
    alice: Person, heard: Callable[[], list[str]], administrator: sa.Engine
) -> None:
    image = add_image(alice.user_id, alt_text="A dog")

    def row() -> object:
        with administrator.connect() as connection:
            return connection.execute(sa.text("SELECT * FROM images")).one()

    before = row()
    assert images.edit_image(alice.user_id, image.id, ImageEdit()).alt_text == "A dog"
    assert heard() == []
    assert row() == before


def test_null_makes_a_text_unknown_again(alice: Person) -> None:
    image = add_image(alice.user_id, alt_text="A dog", alt_text_by=WrittenBy.PERSON)
    shown = images.edit_image(alice.user_id, image.id, ImageEdit(alt_text=None))
    assert shown.alt_text is None
    assert shown.written_by == {}


def test_a_decorative_picture_has_an_empty_alt_text(alice: Person) -> None:
    image = add_image(alice.user_id, alt_text="A border", alt_text_by=WrittenBy.MODEL)
    shown = images.edit_image(alice.user_id, image.id, ImageEdit(decorative=True))
    assert (shown.decorative, shown.alt_text) == (True, "")
    assert shown.written_by == {"decorative": "person", "alt_text": "person"}
    shown = images.edit_image(alice.user_id, image.id, ImageEdit(alt_text="A border"))
    assert (shown.decorative, shown.alt_text) == (False, "A border")
    images.edit_image(alice.user_id, image.id, ImageEdit(decorative=True))
    shown = images.edit_image(alice.user_id, image.id, ImageEdit(decorative=False))
    assert (shown.decorative, shown.alt_text) == (False, None)
    both = ImageEdit(decorative=True, alt_text="A border")
    assert images.edit_image(alice.user_id, image.id, both).alt_text == ""


def test_the_trash_hides_a_picture_and_keeps_its_row(
    alice: Person, heard: Callable[[], list[str]], administrator: sa.Engine
) -> None:
    image = add_image(alice.user_id)
    images.delete_image(alice.user_id, image.id)
    assert listed(alice.user_id).items == []
    assert images.count_images(alice.user_id) == 0
    assert heard() == ["image_deleted"]
    with administrator.connect() as connection:
        deleted_at = connection.execute(sa.text("SELECT deleted_at FROM images")).scalar_one()
    assert deleted_at is not None


@pytest.mark.parametrize("from_trash", [False, True])
def test_permanent_removes_row_history_and_files(
    alice: Person,
    heard: Callable[[], list[str]],
    administrator: sa.Engine,
    picture_file: Callable[..., Any],
    from_trash: bool,
) -> None:
    image, other = add_image(alice.user_id), add_image(alice.user_id)
    add_analysis(image)
    store = get_store()
    for key in (image.s3_key, other.s3_key):
        store.put(key, picture_file(), "image/jpeg")
    if from_trash:
        images.delete_image(alice.user_id, image.id)
    heard()
    images.delete_image(alice.user_id, image.id, permanent=True)
    assert heard() == ["image_deleted"]
    assert not store.exists(image.s3_key)
    assert store.exists(other.s3_key)
    with administrator.connect() as connection:
        assert connection.execute(sa.text("SELECT id FROM images")).scalars().all() == [other.id]
        assert connection.execute(sa.text("SELECT count(*) FROM image_analyses")).scalar_one() == 0


def test_history_comes_newest_first_in_pages(alice: Person) -> None:
    image, other = add_image(alice.user_id), add_image(alice.user_id)
    made = [add_analysis(image, model_version=f"m-{n}", tags=["x"]) for n in range(5)]
    add_analysis(other)
    seen: list[UUID] = []
    cursor = None
    while True:
        page = history.list_analyses(alice.user_id, image.id, limit=2, cursor=cursor)
        seen += [item.id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        with pytest.raises(InvalidRequest):
            history.list_analyses(alice.user_id, other.id, cursor=cursor)
    assert seen == [row.id for row in reversed(made)]
    assert page.items[-1].tags == ["x"]
    assert page.items[-1].description == "A dog"


def test_pages_neither_skip_nor_repeat_while_others_write_at_the_same_time(
    alice: Person,
) -> None:
    at = now() - timedelta(days=1)
    there = [add_image(alice.user_id, uploaded_at=at + timedelta(seconds=n)) for n in range(60)]
    old = [image.id for image in reversed(there)]
    stop = threading.Event()
    added: list[UUID] = []

    def write(number: int) -> None:
        while not stop.is_set():
            image = add_image(alice.user_id)
            added.append(image.id)
            images.edit_image(alice.user_id, there[number].id, ImageEdit(alt_text="A dog"))
            if number:
                images.delete_image(alice.user_id, image.id, permanent=number == 1)

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, number) for number in range(3)]
        try:
            for _ in range(5):
                seen = [item.id for page in walk(alice.user_id, limit=7) for item in page.items]
                assert len(seen) == len(set(seen))
                assert [one for one in seen if one in old] == old
        finally:
            stop.set()
        for writer in writers:
            writer.result()
    assert len(added) > 5
    left = [item.id for page in walk(alice.user_id, limit=200) for item in page.items]
    assert images.count_images(alice.user_id) == len(left)


def test_a_picture_says_what_it_is_for_and_where_it_may_not_go(
    alice: Person, mallory: Person
) -> None:
    image = add_image(alice.user_id)
    edit = ImageEdit(context=" A product\r\npage\0 ", never_cloud=True)
    edited = images.edit_image(alice.user_id, image.id, edit)
    assert (edited.context, edited.never_cloud) == ("A product\npage", True)
    assert edited.written_by == {}
    assert images.edit_image(alice.user_id, image.id, ImageEdit(context=" ")).context is None
    assert images.get_image(alice.user_id, image.id).never_cloud
    with pytest.raises(NotFound):
        images.edit_image(mallory.user_id, image.id, ImageEdit(never_cloud=False))

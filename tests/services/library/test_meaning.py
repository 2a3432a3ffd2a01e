"""Search by meaning: across languages, with a cut-off, of one person's pictures, with words."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from imgapp.adapters import db, imaging, text_embeddings
from imgapp.adapters.imaging.pool import DecoderPool
from imgapp.errors import NotFound, ServiceUnavailable
from imgapp.models import new_id, now
from imgapp.services.batches import batches
from imgapp.services.batches.schemas import NewBatch
from imgapp.services.library import bulk, card_rows, embedding, images, listing, meaning
from imgapp.services.library.image_query import ImageQuery, Sort
from imgapp.settings import get_settings
from tests.support.waiting import eventually

TEXTS: dict[str, tuple[str, list[str]]] = {
    "dog": ("A brown dog runs along a sandy beach", ["dog", "beach"]),
    "cake": ("A birthday cake with lit candles", ["cake", "birthday", "candles"]),
    "mountain": ("A snowy mountain peak at sunrise", ["mountain", "snow", "sunrise"]),
    "wedding": ("A bride and groom kiss under an arch of flowers", ["wedding", "bride"]),
    "car": ("A red sports car on a city street", ["car", "red", "street"]),
}


@pytest.fixture
def pictures(alice, add_image) -> dict[str, UUID]:
    """Described in English and embedded, the first one the newest."""
    made = {
        name: add_image(
            alice, alt_text=said, tags=tags, language="en", uploaded_at=now() - timedelta(hours=n)
        )
        for n, (name, (said, tags)) in enumerate(TEXTS.items())
    }
    assert embedding.embed_some() == len(made)
    return made


def search(person: Any, query: str | None, **values: Any) -> list[UUID]:
    """What is found, after everything that counts or pages it has agreed."""
    wanted = ImageQuery(q=query, **values)
    found = listing.all_ids(person.user_id, wanted)
    assert listing.count(person.user_id, wanted) == len(found)
    assert listing.read_timeline(person.user_id, wanted, "UTC").total == len(found)
    assert listing.matching(person.user_id, wanted, found) == set(found)
    assert [row.id for row in card_rows.read_window(person.user_id, wanted, 0, 60)] == found[:60]
    return found


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Hund am Strand", "dog"),
        ("chien sur la plage", "dog"),
        ("perro en la playa", "dog"),
        ("cane sulla spiaggia", "dog"),
        ("собака на пляже", "dog"),
        ("海滩上的狗", "dog"),
        ("puppy at the seaside", "dog"),
        ("Geburtstagstorte", "cake"),
        ("gâteau d'anniversaire", "cake"),
        ("Berge im Schnee", "mountain"),
        ("montaña nevada", "mountain"),
        ("Hochzeit", "wedding"),
        ("mariage", "wedding"),
        ("結婚式", "wedding"),
        ("rotes Auto", "car"),
        ("voiture rouge", "car"),
    ],
)
def test_a_query_finds_what_means_the_same(alice, pictures, query, name) -> None:
    assert search(alice, query, meaning=False) == []
    assert search(alice, query, sort=Sort.RELEVANCE)[:1] == [pictures[name]]
    assert pictures[name] in search(alice, query)


@pytest.mark.parametrize(
    "query",
    [
        "qwertzuiop", "asdfghjkl", "fhqwhgads", "xkcd zzzq", "lkjhg poiuy", "йцукен", "aaaaaaa",
        "IMG_1234", "1234567890", "!!!", "\U0001f600", "x" * 500, "submarine", "Elefant",
        "philosophie",
    ],
)  # fmt: skip
def test_what_is_in_no_picture_or_means_nothing_finds_nothing(alice, pictures, query) -> None:
    assert search(alice, query) == []


@pytest.mark.parametrize(
    "query", ['"Hund am Strand"', "Hund -Strand", "Hund or Katze", "„Hund am Strand“", "-Hund"]
)
def test_with_an_operator_words_alone_are_asked_for(alice, pictures, query) -> None:
    assert search(alice, query) == search(alice, query, meaning=False)


def test_relevance_and_date_order_the_same_pictures(alice, add_image, pictures) -> None:
    oldest = add_image(
        alice,
        alt_text="Ein Hund am Strand",
        language="de",
        uploaded_at=now() - timedelta(days=9),
    )
    embedding.embed_some()
    best = search(alice, "Hund am Strand", sort=Sort.RELEVANCE)
    # Found by its words and by what they mean.
    assert best == [oldest, pictures["dog"]]
    assert search(alice, "Hund am Strand") == [pictures["dog"], oldest]
    for sort in Sort:
        assert set(search(alice, "Hund am Strand", sort=sort)) == set(best)


def test_pages_of_both_orders_have_every_picture_once(alice, add_image) -> None:
    made = [
        add_image(alice, alt_text=f"A dog and {n} balls", uploaded_at=now() - timedelta(hours=n))
        for n in range(7)
    ]
    embedding.embed_some()
    for sort in (Sort.NEWEST, Sort.RELEVANCE):
        wanted, seen, cursor = ImageQuery(q="Hund", sort=sort), [], None
        while True:
            page = listing.list_images(alice.user_id, wanted, limit=3, cursor=cursor)
            assert page.total == (None if cursor else 7)
            seen += [image.id for image in page.items]
            if (cursor := page.next_cursor) is None:
                break
        assert sorted(seen) == sorted(made)
        assert seen == search(alice, "Hund", sort=sort)
        before, after = listing.neighbours(alice.user_id, wanted, seen[3])
        assert (before, after) == (seen[2], seen[4])
        assert listing.ids_between(alice.user_id, wanted, seen[5], seen[1]) == seen[1:6]


def test_other_conditions_are_true_of_what_is_near(alice, add_image, pictures) -> None:
    batch = batches.create_batch(alice.user_id, NewBatch(name="Seaside")).id
    for status in ("failed", "completed"):
        add_image(alice, alt_text="A black dog", tags=["walk"], analysis_status=status)
    embedding.embed_some()
    assert len(search(alice, "Hund")) == 3
    assert len(search(alice, "Hund", status="failed")) == 1
    assert len(search(alice, "Hund", tags="walk", sort=Sort.RELEVANCE)) == 2
    assert search(alice, "Hund", batch=batch) == []
    assert len(search(alice, "Hund", uploaded_to=now() - timedelta(days=1))) == 0


def test_an_edited_text_is_found_by_what_it_means_now(alice, pictures) -> None:
    edit(alice, pictures["dog"], alt_text="A steam train on a bridge", tags=["train", "bridge"])
    # Not by what it meant before, from that moment on.
    assert search(alice, "Hund") == []
    assert search(alice, "train") == [pictures["dog"]]
    assert embedding.embed_some() == 1
    assert search(alice, "Hund") == []
    assert search(alice, "Dampflok") == [pictures["dog"]]
    edit(alice, pictures["dog"], alt_text=None, tags=None)
    assert embedding.embed_some() == 1
    assert search(alice, "Dampflok") == []
    assert count("image_embeddings", alice) == len(TEXTS) - 1


def edit(person: Any, image_id: UUID, **values: Any) -> None:
    said = ", ".join(f"{name} = :{name}" for name in values)
    with db.transaction(person.user_id) as session:
        session.execute(
            sa.text(f"UPDATE images SET {said} WHERE id = :id"), {**values, "id": image_id}
        )


def count(table: str, person: Any) -> int:
    with db.transaction(person.user_id) as session:
        return int(session.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_nothing_is_asked_for_twice_or_for_nothing(alice, add_image, pictures) -> None:
    assert embedding.embed_some() == 0
    add_image(alice)
    edit(alice, pictures["dog"], alt_text=TEXTS["dog"][0], description=None)
    edit(alice, pictures["cake"], filename="other.jpg")
    assert count("embedding_requests", alice) == 0


def test_what_is_taken_is_left_to_who_took_it_and_asked_for_again_when_it_changes(
    alice, add_image
) -> None:
    image_id = add_image(alice, alt_text="A dog")
    with db.transaction() as session:
        take = sa.text("SELECT image_id, asked_at FROM imgapp_take_embedding_requests(9)")
        [(taken, asked_at)] = session.execute(take).all()
    assert taken == image_id
    assert embedding.embed_some() == 0
    edit(alice, image_id, alt_text="A train")
    # The answer of whoever read the text before it was changed.
    [vector] = text_embeddings.embed([[("A dog", 1.0)]])
    keep = sa.text("SELECT imgapp_keep_embeddings(:ids, :asked, :vectors)").bindparams(
        sa.bindparam("ids", type_=sa.ARRAY(sa.Uuid)),
        sa.bindparam("asked", type_=sa.ARRAY(sa.DateTime(timezone=True))),
        sa.bindparam("vectors", type_=sa.ARRAY(sa.Text)),
    )
    with db.transaction(alice.user_id) as session:
        session.execute(keep, {"ids": [image_id], "asked": [asked_at], "vectors": [vector]})
    assert search(alice, "Hund") == []
    assert embedding.embed_some() == 1
    assert search(alice, "Zug") == [image_id]


def test_what_is_in_the_trash_is_not_found_until_it_is_back(alice, pictures) -> None:
    images.delete_image(alice.user_id, pictures["dog"])
    assert search(alice, "Hund") == []
    assert count("image_embeddings", alice) == len(TEXTS) - 1
    bulk.restore(alice.user_id, [pictures["dog"]])
    assert embedding.embed_some() == 1
    assert search(alice, "Hund") == [pictures["dog"]]


def test_each_text_of_a_picture_is_found(alice, add_image) -> None:
    texts = {
        "description": "A steam train crosses a bridge",
        "tags": ["wedding", "bride"],
        "visible_text": "Happy birthday",
    }
    made = {name: add_image(alice, **{name: said}) for name, said in texts.items()}
    embedding.embed_some()
    for name, query in (
        ("description", "Zug"),
        ("tags", "Hochzeit"),
        ("visible_text", "Geburtstag"),
    ):
        assert search(alice, query)[:1] == [made[name]], name


def test_pictures_like_one_are_the_nearest_without_itself(alice, add_image, pictures) -> None:
    puppy = add_image(alice, alt_text="A small dog plays in the sand", tags=["dog", "sand"])
    boat = add_image(alice, alt_text="Two dogs on a boat", tags=["dog", "boat"])
    embedding.embed_some()
    like = search(alice, None, like=pictures["dog"], sort=Sort.RELEVANCE)
    assert like == [puppy, boat]
    assert search(alice, None, like=pictures["dog"]) == [boat, puppy]
    assert search(alice, "boat", like=pictures["dog"], sort=Sort.RELEVANCE) == [boat]
    unknown = add_image(alice)
    assert search(alice, None, like=unknown) == []


@pytest.fixture
def many(alice, mallory, administrator: sa.Engine) -> Callable[[], None]:
    """As if these people had ten thousand pictures: they are found from neighbour to neighbour."""

    def count() -> None:
        with administrator.begin() as connection:
            connection.execute(sa.text("UPDATE storage_usage SET listed = 20000"))

    return count


def test_of_many_pictures_the_same_are_found(alice, mallory, add_image, pictures, many) -> None:
    hers = [add_image(mallory, alt_text=f"A dog and {n} cats") for n in range(30)]
    embedding.embed_some()
    queries = ("Hund am Strand", "Hochzeit", "rotes Auto", "submarine", "Berge im Schnee")
    few = [search(alice, query, sort=Sort.RELEVANCE) for query in queries]
    like = search(mallory, None, like=hers[0], sort=Sort.RELEVANCE)
    many()
    assert [search(alice, query, sort=Sort.RELEVANCE) for query in queries] == few
    assert search(mallory, None, like=hers[0], sort=Sort.RELEVANCE) == like
    assert set(search(mallory, "Hund")) == set(hers)
    assert search(alice, "Hund", uploaded_to=now() - timedelta(minutes=30)) == []


def test_mallory_finds_nothing_of_alices_by_meaning(alice, mallory, add_image, pictures) -> None:
    hers = add_image(mallory, alt_text="A dog", language="en")
    embedding.embed_some()
    for query in ("Hund am Strand", "dog"):
        assert search(mallory, query, sort=Sort.RELEVANCE) == [hers]
    asked = ImageQuery(like=pictures["dog"])
    assert listing.all_ids(mallory.user_id, asked) == []
    assert listing.count(mallory.user_id, asked) == 0
    assert listing.matching(mallory.user_id, ImageQuery(q="Hund"), pictures.values()) == set()
    for image_id in (pictures["dog"], new_id()):
        with pytest.raises(NotFound):
            listing.list_images(mallory.user_id, ImageQuery(like=image_id))
    vector = text_embeddings.embed_query("dog on the beach")
    with db.transaction(mallory.user_id) as session:
        near = session.execute(
            sa.select(sa.func.imgapp_nearest(vector, -1.0, 0.0, ""))
        ).scalar_one()
    assert near == [hers]


def test_mallory_cannot_put_a_vector_where_alices_is(alice, mallory, add_image, pictures) -> None:
    with (
        pytest.raises(sa.exc.ProgrammingError, match="row-level security"),
        db.transaction(mallory.user_id) as session,
    ):
        session.execute(
            sa.text(
                "INSERT INTO image_embeddings (image_id, user_id, embedding)"
                " SELECT :image, :user, array_fill(0.1::real, ARRAY[512])::halfvec"
            ),
            {"image": add_image(alice), "user": mallory.user_id},
        )


def test_words_are_found_while_the_encoder_is_away(alice, pictures, monkeypatch) -> None:
    def fail(query: str) -> str:
        raise ServiceUnavailable

    monkeypatch.setattr(text_embeddings, "embed_query", fail)
    monkeypatch.setattr(meaning, "_known", type(meaning._known)())
    assert search(alice, "dog") == [pictures["dog"]]
    assert search(alice, "Hund") == []


def test_nobody_without_embeddings_starts_an_encoder(alice, mallory, pictures, monkeypatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(text_embeddings, "embed_query", lambda query: asked.append(query) or "")
    assert search(mallory, "a query that nobody has had before") == []
    assert asked == []
    assert search(alice, "a query that nobody has had before") == []
    assert asked


@pytest.fixture
def lanes(alice, add_image, monkeypatch) -> list[int]:
    """Which lane embedded each batch, of twelve pictures that wait, while processors are free."""
    used: list[int] = []
    embed = text_embeddings.embed

    def noted(pictures: Any, *, lane: int) -> list[str]:
        if lane == 0 and used:
            # Lest the first lane is done before the second has begun.
            eventually(lambda: 1 in used or not beside())
        used.append(lane)
        return embed(pictures, lane=lane)

    monkeypatch.setattr(text_embeddings, "embed", noted)
    monkeypatch.setattr(text_embeddings.Processors, "are_free", lambda _: True)
    monkeypatch.setattr(embedding, "AT_ONCE", 2)
    monkeypatch.setattr(embedding, "_LOOK_SECONDS", 0.0)
    for n in range(12):
        add_image(alice, alt_text=f"A dog on a beach with {n} cats")
    return used


def beside() -> bool:
    return any(thread.name == embedding.BESIDE for thread in threading.enumerate())


def test_a_second_lane_embeds_what_the_first_one_leaves(alice, lanes) -> None:
    assert embedding.embed_some() == 12

    assert set(lanes) == {0, 1}
    assert len(search(alice, "Hund am Strand")) == 12
    assert not beside()


def test_there_is_no_second_lane_while_pictures_come_in(alice, lanes) -> None:
    run_dir = get_settings().data_dir / "run"
    with DecoderPool()._slot(run_dir, bulk=True):
        assert embedding.embed_some() == 12

    assert set(lanes) == {0}
    assert not imaging.is_busy()

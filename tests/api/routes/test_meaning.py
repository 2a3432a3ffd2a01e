"""`q`, `like` and `meaning` of `GET /api/images`, and what nobody else is told by them."""

from __future__ import annotations

from uuid import UUID

import pytest

from imgapp.models import new_id
from imgapp.services.library import embedding, images


@pytest.fixture
def dogs(alice, add_image) -> list[str]:
    made = [add_image(alice, alt_text=said, tags=["dog"]) for said in ("A dog runs", "A dog sits")]
    add_image(alice, alt_text="A bar chart of sales", tags=["chart"])
    embedding.embed_some()
    return [str(one) for one in made]


def found(client, **params) -> list[str]:
    answer = client.get("/api/images", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == len(answer.json()["items"])
    return [image["id"] for image in answer.json()["items"]]


def test_a_word_of_another_language_is_found_and_can_be_left_out(client_for, alice, dogs) -> None:
    client = client_for(alice)
    assert found(client, q="Hund") == dogs[::-1]
    assert sorted(found(client, q="Hund", sort="relevance")) == sorted(dogs)
    assert found(client, q="Hund", meaning="false") == []
    assert found(client, q='"Hund"') == []
    assert client.get("/api/images/timeline", params={"q": "Hund"}).json()["total"] == 2


def test_pictures_like_one(client_for, alice, dogs) -> None:
    client = client_for(alice)
    assert found(client, like=dogs[0], sort="relevance") == [dogs[1]]
    pages = client.get("/api/images", params={"like": dogs[0], "limit": 1}).json()
    assert (len(pages["items"]), pages["next_cursor"]) == (1, None)


def test_a_cursor_is_of_one_meaning(client_for, alice, dogs) -> None:
    client = client_for(alice)
    first = client.get("/api/images", params={"q": "Hund", "limit": 1, "sort": "relevance"}).json()
    cursor = first["next_cursor"]
    for other in ({"meaning": "false"}, {"like": dogs[0]}, {"q": "Katze"}, {"sort": "newest"}):
        asked = {"q": "Hund", "limit": 1, "sort": "relevance", "cursor": cursor, **other}
        answer = client.get("/api/images", params=asked)
        assert answer.json()["code"] == "invalid_cursor"
    rest = {"q": "Hund", "limit": 1, "sort": "relevance", "cursor": cursor}
    [last] = client.get("/api/images", params=rest).json()["items"]
    assert {last["id"], first["items"][0]["id"]} == set(dogs)


def test_somebody_elses_picture_is_one_that_is_not_there(client_for, alice, mallory, dogs) -> None:
    client = client_for(mallory)
    images.delete_image(alice.user_id, UUID(dogs[1]))
    asked = (dogs[0], dogs[1], str(new_id()), "no-id")
    answers = [client.get("/api/images", params={"like": image_id}) for image_id in asked]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({answer.content for answer in answers}) == 1
    for image_id in asked[:3]:
        timeline = client.get("/api/images/timeline", params={"like": image_id})
        assert timeline.json()["total"] == 0
    assert found(client, q="Hund") == []


def test_what_is_done_to_all_that_is_found_is_done_to_what_the_list_shows(
    client_for, alice, dogs
) -> None:
    client = client_for(alice)
    for words, changed in (({"meaning": False}, 0), ({}, 2)):
        body = {"action": "add_tags", "tags": ["pet"], "filter": {"q": "Hund", **words}}
        assert client.post("/api/images/actions", json=body).json()["changed"] == changed
    assert sorted(found(client, tag="pet")) == sorted(dogs)

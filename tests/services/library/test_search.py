"""Words that are looked for: stems, accents, languages without spaces, phrases, file names."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imgapp.adapters.db import transaction
from imgapp.services.library import listing
from imgapp.services.library.image_query import ImageQuery


def search(person: Any, query: str, **values: Any) -> list[UUID]:
    wanted = ImageQuery(q=query, **values)
    found = listing.all_ids(person.user_id, wanted)
    assert listing.count(person.user_id, wanted) == len(found)
    return found


@pytest.mark.parametrize(
    ("text", "queries", "others"),
    [
        ("Dogs and foxes", ["dog", "dogs", "fox", "foxes", "do"], ["god", "foxglove", "dogma"]),
        ("A man runs home", ["running", "runs", "run"], ["runner-up"]),
        ("Cars in the rain", ["car", "Cars"], ["care", "carp"]),
        ("Crème brûlée in a café", ["creme brulee", "café", "cafe", "CAFÉ", "brûlee"], []),
        ("Cafe de la Paix", ["café", "cafés"], []),
        ("Ærø, Łódź, Straße", ["aero", "lodz", "strasse", "straße", "Łódź"], []),
        ("The dog's l\u2019arbre", ["dog", "arbre", "l'arbre", "dog\u2019s"], []),
        ("A well-known e-mail: who@example.com", ["well known", "example", "e-mail", "mail"], []),
    ],
)
def test_words_are_found_in_other_forms(alice, add_image, text, queries, others) -> None:
    image_id = add_image(alice, alt_text=text, language="en")
    for query in queries:
        assert search(alice, query) == [image_id], query
    for query in others:
        assert search(alice, query) == [], query


@pytest.mark.parametrize(
    ("language", "text", "queries"),
    [
        ("de", "Alte Häuser am Fluss", ["Haus", "Häuser", "hauser", "altes", "Flüsse"]),
        ("de-AT", "Das Haus", ["Häuser"]),
        ("fr", "Des chevaux dorés", ["cheval", "chevaux", "doré", "dore"]),
        ("es", "Canciones y gatos", ["canción", "cancion", "gata"]),
        ("it", "Due gatti bianchi", ["gatto", "bianco"]),
        ("nb", "Hunder ved sjøen", ["hund", "hundene", "sjo"]),
        ("ru", "Красная ёлка", ["красный", "елки", "ёлка", "КРАСНАЯ"]),
        ("tr", "İstanbul'da kediler", ["istanbul", "İSTANBUL", "kedi"]),
        (None, "Boats without a language", ["boat", "languages"]),
        ("xx", "Words of an unknown language", ["word", "unknown"]),
    ],
)
def test_stems_are_those_of_the_pictures_language(
    alice, add_image, language, text, queries
) -> None:
    image_id = add_image(alice, description=text, language=language)
    for query in queries:
        assert search(alice, query) == [image_id], query


def test_stems_follow_a_changed_language(alice, add_image) -> None:
    image_id = add_image(alice, alt_text="Häuser", language="en")
    assert search(alice, "Haus") == [image_id]  # by its beginning
    assert search(alice, "Hauses") == []
    with transaction(alice.user_id) as session:
        session.execute(sa.text("UPDATE images SET language = 'de'"))
    assert search(alice, "Hauses") == [image_id]


@pytest.mark.parametrize(
    ("text", "queries", "others"),
    [
        (
            "東京タワーと富士山の写真",
            ["東", "京", "真", "東京", "京タ", "タワー", "富士山", "写真", "ﾀﾜｰ", "東京 写真"],
            ["大阪", "京東", "東京都", "富山", "猫"],
        ),
        (
            "一只猫坐在红色的沙发上。",
            ["猫", "上", "沙发", "红色的沙发", "猫坐", "沙发 猫"],
            ["狗", "猫沙发"],
        ),
        ("고양이가 창문 옆에", ["고", "고양이", "양이", "고양이가", "창문"], ["강아지", "고창"]),
        ("ガラスのびん", ["ガラス", "ラス", "がびん or びん", "びん"], ["カラス", "ひん"]),
        (
            "นักเรียนถือร่มสีแดงหน้าโรงเรียน",
            ["นักเรียน", "ร่ม", "สีแดง", "แดง", "โรงเรียน", "ร", "ร่ม โรงเรียน"],
            ["แมว", "โรงรถ"],
        ),
        ("ເດັກນ້ອຍຫຼິ້ນຢູ່ແຄມທະເລ", ["ເດັກ", "ທະເລ", "ແຄມ"], ["ແມວ"]),
        ("ក្មេងស្រីកាន់ឆ័ត្រពណ៌ក្រហម", ["ក្មេងស្រី", "ឆ័ត្រ", "ក្រហម"], ["ឆ្មា"]),
        ("ကလေးတစ်ယောက်သည်ထီးနီကိုကိုင်ထားသည်", ["ကလေး", "ထီး", "ထီးနီ", "ကိုင်"], ["ကြောင်"]),
        ("東京tower 2024年", ["tower", "東京tower", "東京 tower", "2024", "年"], ["京tow 大阪"]),
    ],
)
def test_any_part_of_a_text_without_spaces_is_found(
    alice, add_image, text, queries, others
) -> None:
    image_id = add_image(alice, alt_text=text, language="ja")
    for query in queries:
        assert search(alice, query) == [image_id], query
    for query in others:
        assert search(alice, query) == [], query


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("ΟΔΟΣ ΕΡΜΟΥ", ["οδός", "ΟΔΌΣ", "οδοσ", "ερμού"]),
        ("שָׁלוֹם עֲלֵיכֶם", ["שלום", "שָׁלוֹם", "עליכם"]),
        ("السَّلامُ عليكم فى ١٢ ساعة أحمد", ["السلام", "الســـلام", "احمد", "أَحْمَد"]),
        ("Þingvellir, Straße, STRASSE, Œuvre", ["thing", "þing", "ÞING", "strasse", "oeuvre"]),
        ("Ħal Għaxaq, Ŋgomo, Eiði", ["hal ghaxaq", "ngomo", "eidi", "EIÐI"]),
        ("GROẞE Straße in İstanbul", ["große", "GROSSE", "istanbul", "ISTANBUL"]),
    ],
)
def test_accents_points_and_case_do_not_matter_in_any_script(
    alice, add_image, text, queries
) -> None:
    image_id = add_image(alice, alt_text=text, language="en")
    for query in queries:
        assert search(alice, query) == [image_id], query


def test_phrases_exclusions_and_alternatives_keep_their_meaning(alice, add_image) -> None:
    image_id = add_image(alice, alt_text="A black cat sleeps on a red sofa", visible_text="猫 禁止")
    found = ['"black cat"', "“red sofa”", "cat -dog", "dog or cat", '"black cats"', "sleeping"]
    for query in [*found, "-dog -犬", "犬 or 猫", '"猫 禁止"', 'cat -"cat black"', "sofa OR dog"]:
        assert search(alice, query) == [image_id], query
    missed = ['"cat black"', "cat -sofas", "cat -猫", '-"red sofa"', '"red cat"', "dog or bird"]
    for query in missed:
        assert search(alice, query) == [], query


def test_a_search_starts_while_it_is_typed(alice, add_image) -> None:
    image_id = add_image(alice, description="Lighthouse at the pier")
    for length in range(1, len("lighthouse pier") + 1):
        assert search(alice, "lighthouse pier"[:length]) == [image_id]


@pytest.mark.parametrize(
    "query",
    ["BeachHouse", "beach house", "house 2024", "IMG", "1234", "img_1234", "BeachHouse2024",
     "IMG_1234-BeachHouse2024.final.jpg", "final.jpg", "ferie", "fêrié"],
)  # fmt: skip
def test_file_names_are_found_in_pieces(alice, add_image, query) -> None:
    image_id = add_image(alice, filename="IMG_1234-BeachHouse2024.final.jpg férié.jpg")
    assert search(alice, query) == [image_id]


def test_what_is_said_of_a_picture_counts_more_than_its_file_name(alice, add_image) -> None:
    texts = [
        {"filename": "harbour.jpg", "alt_text": "A gull"},
        {"filename": "a.jpg", "alt_text": "A gull", "visible_text": "Harbour"},
        {"filename": "b.jpg", "alt_text": "A gull", "description": "It sits in a harbour"},
        {"filename": "c.jpg", "alt_text": "Boats in the harbour"},
    ]
    least_first = [add_image(alice, language="en", **each) for each in texts]
    assert search(alice, "harbour", sort="relevance") == least_first[::-1]
    assert search(alice, "harbours", sort="relevance") == least_first[::-1]


def test_nobody_finds_the_pictures_of_others(alice, mallory, add_image) -> None:
    add_image(alice, alt_text="Häuser 東京 dogs", language="de")
    for query in ["Haus", "東京", "東", "dog", "dogs", "-cat", "", "jpg or dogs", "=de:haus"]:
        assert search(mallory, query) == []


PIECES = st.sampled_from(
    ['"', "-", " or ", " OR ", "'", "\\", "<->", ":*", "&", "|", "!", "(", ")", "=en:dog", "東京",
     "ガ", "dog", "Häuser", "“", "ß", "\u0301", "ﷺ", "\U0001f408", "\u200d", "%", "%L", "$1"]
)  # fmt: skip
ANYTHING = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@given(st.lists(st.one_of(PIECES, ANYTHING), max_size=40).map(lambda parts: "".join(parts)[:500]))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_typed_is_a_query(alice, query) -> None:
    with transaction(alice.user_id) as session:
        read = sa.text(
            "SELECT imgapp_search_query(:q), imgapp_search_document(:q, :q, NULL, :q, :q, 'de')"
        )
        understood, _ = session.execute(read, {"q": query}).one()
    assert understood is not None or not query.strip(" ")
    assert listing.count(alice.user_id, ImageQuery(q=query)) == 0

"""The encoder: what is alike in which languages, the words that it knows, and broken children."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from imgapp.adapters import text_embeddings
from imgapp.adapters.text_embeddings import DIMENSIONS, EncoderProcess, embed, embed_query
from imgapp.errors import ServiceUnavailable

DOGS = {
    "ar": "كلب على الشاطئ", "de": "Hund am Strand", "en": "A dog on the beach",
    "es": "un perro en la playa", "fr": "un chien sur la plage", "it": "un cane sulla spiaggia",
    "ja": "ビーチの犬", "ko": "해변의 개", "nl": "een hond op het strand", "pl": "pies na plaży",
    "pt": "um cachorro na praia", "ru": "собака на пляже", "th": "สุนัขบนชายหาด",
    "tr": "plajda bir köpek", "zh": "海滩上的狗", "zh-TW": "海灘上的狗",
}  # fmt: skip
OTHERS = [
    "A birthday cake with candles", "A bar chart of sales", "A man gives a speech",
    "A red car in a street", "A cat on a sofa",
]  # fmt: skip


def likeness(one: str, other: str) -> float:
    """The cosine: vectors are of length one."""
    rows = [[float(value) for value in said.strip("[]").split(",")] for said in (one, other)]
    assert all(len(row) == DIMENSIONS for row in rows)
    assert all(abs(sum(value**2 for value in row) - 1) < 0.01 for row in rows)
    return sum(a * b for a, b in zip(*rows, strict=True))


def test_each_of_the_languages_finds_the_same_text() -> None:
    assert set(DOGS) == set(text_embeddings.LANGUAGES)
    dog, *others = embed([[(said, 1.0)] for said in (DOGS["en"], *OTHERS)])
    for language, query in DOGS.items():
        asked = embed_query(query)
        assert likeness(asked, dog) > 0.32, language
        assert likeness(asked, dog) > 1.5 * max(likeness(asked, other) for other in others), (
            language
        )


@pytest.mark.parametrize(
    ("query", "known"),
    [
        ("dog", True), ("Geburtstagstorte", True), ("Sonnenuntergangsstimmung", True), ("犬", True),
        ("หมา", True), ("qwertzuiop", False), ("xkcd zzzq", False), ("йцукен", False),
        ("12.40", False), ("IMG_0042", False), ("", False), (" ", False), ("!?", False),
        ("\U0001f600", False),
        ("dog qwertz", True), ("dog qwertz asdfgh", False), ("\x00", False), ("a" * 100_000, False),
    ],
)  # fmt: skip
def test_a_query_of_words_that_nobody_knows_has_no_vector(query: str, known: bool) -> None:
    assert bool(embed_query(query)) is known


def test_what_nobody_knows_in_a_query_does_not_count() -> None:
    assert embed_query("dog qwertzuiop") == embed_query("dog ")


def test_texts_count_by_their_weight_and_not_by_their_length() -> None:
    long = "A cat sleeps on a sofa in a large and sunny room with plants, books and a piano. " * 9
    both, neither, dog, cat = embed(
        [[("A dog", 1.0), (long, 0.1)], [], [("A dog", 1.0)], [(long, 1.0)]]
    )
    assert neither == ""
    assert likeness(both, dog) > 0.95 > likeness(both, cat)
    assert embed([]) == []


def test_threads_get_their_own_answers() -> None:
    asked = [f"A dog and {n} cats" for n in range(12)]
    alone = [embed_query(query) for query in asked]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(embed_query, asked)) == alone


def test_a_process_starts_with_the_first_text_and_ends_when_idle(monkeypatch) -> None:
    monkeypatch.setattr(text_embeddings, "IDLE_SECONDS", 0.05)
    encoder = EncoderProcess()
    assert encoder._child is None
    encoder.run([[("A dog", 1.0)]], known_words=False, niceness=0)
    child = encoder._child
    assert child is not None
    child._process.wait(20)
    [again] = encoder.run([[("A dog", 1.0)]], known_words=False, niceness=0)
    assert again == embed([[("A dog", 1.0)]])[0]
    encoder.shutdown()
    assert encoder._child is None


BROKEN = {
    "it ends": "raise SystemExit",
    "it writes without end": "while True: print('x' * 100_000)",
    "it says nothing": "import time; time.sleep(600)",
    "it cannot be started": None,
}


@pytest.mark.parametrize("how", BROKEN)
def test_an_encoder_that_goes_wrong_is_left_alone_for_a_while(how: str, monkeypatch) -> None:
    monkeypatch.setattr(text_embeddings, "START_SECONDS", 0.3)
    monkeypatch.setattr(text_embeddings, "_SECONDS", 0.2)
    code = BROKEN[how]
    command = ("/nowhere/python",) if code is None else (sys.executable, "-c", code)
    encoder = EncoderProcess(command)
    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            encoder.run([[("A dog", 1.0)]], known_words=False, niceness=0)
    assert encoder._child is None
    assert threading.active_count() < 100

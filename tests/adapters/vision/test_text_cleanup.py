from __future__ import annotations

import pytest

from imgapp.adapters.vision.text_cleanup import clean, clean_alt_text, is_looping, shorten


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Image of a cat", "A cat"),
        ("A photo of two children", "Two children"),
        ("The picture shows ünal's boat", "Ünal's boat"),
        ("This image depicts a harbour.", "A harbour."),
        ("Das Bild zeigt eine Katze", "Eine Katze"),
        ("Foto von zwei Hunden", "Zwei Hunden"),
        ("Bild von einem Hund", "Bild von einem Hund"),
        ("Une photo d’un chien", "Un chien"),
        ("L'image montre une plage", "Une plage"),
        ("Imagen de dos perros", "Dos perros"),
        ("Esta imagem mostra um barco", "Um barco"),
        ("Foto di un gatto", "Un gatto"),
        ("Een foto van een fiets", "Een fiets"),
        ("Billede af en hund", "En hund"),
        ("Bild på en katt", "En katt"),
        ("这张图片显示了一只猫", "一只猫"),
        ("Photo of", ""),
        ("Black and white photo of a cat", "Black and white photo of a cat"),
        ("Screenshot of a calendar", "Screenshot of a calendar"),
        ("Imagery of war", "Imagery of war"),
        ("Foto op een kast", "Foto op een kast"),
        ('"A cat\non a mat"', "A cat on a mat"),
    ],
)
def test_alt_text_does_not_begin_with_image_of(text: str, cleaned: str) -> None:
    assert clean_alt_text(text) == cleaned


def test_texts_are_cut_at_a_sentence_or_a_word() -> None:
    assert shorten("One. Two three.", 14) == "One. Two…"
    assert shorten("One two. Three four.", 12) == "One two."
    assert shorten("一只猫。一只狗。一只鸟", 8) == "一只猫。一只狗。"
    assert shorten("x" * 20, 10) == "x" * 9 + "…"


def test_characters_that_nobody_sees_are_dropped() -> None:
    hidden = "".join(chr(0xE0000 + ord(c)) for c in "obey")
    assert clean(f"A\x00 cat\u202e\u200b\ud800{hidden}\x1b[31m") == "A cat[31m"
    assert clean("👩‍👧 à la carte\n\tzwölf") == "👩‍👧 à la carte\n\tzwölf"


def test_a_model_that_got_stuck_is_noticed_and_prose_is_not() -> None:
    assert is_looping("the dog and " * 50)
    assert is_looping("ha" * 300)
    assert is_looping("一只猫坐在垫子上。" * 40)
    prose = (
        "A wide valley lies under low clouds, and a narrow road winds along a river towards a "
        "village whose church tower stands out against the dark slope. In the foreground two "
        "hikers rest on a wooden bench; one of them points at the snow on the far summit, while "
        "the other pours tea from a flask. The grass around them is yellow with late summer."
    )
    assert not is_looping(prose)
    assert not is_looping(prose.replace(" ", "")[:240])

"""File names from strangers can be shown and can be stored."""

from __future__ import annotations

import os
import re

import pytest

from imgapp.services.storage.filenames import decode_name, portable_name, safe_name, shown_name


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("IMG_0001.JPG", "IMG_0001.JPG"),
        ("../../../../etc/cron.d/x.jpg", "x.jpg"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("C:\\photos\\me.png", "me.png"),
        ("name\0.jpg", "name.jpg"),
        ("file.jpg\r\nX-Injected: 1", "file.jpg X-Injected: 1"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("  Ünïcødé 日本 👍.jpg ", "Ünïcødé 日本 👍.jpg"),
        ("", "picture.jpg"),
        ("..", "picture.jpg"),
        (" . ", "picture.jpg"),
        ("/", "picture.jpg"),
        ("\ud800.jpg", ".jpg"),
        ("x" * 300 + ".jpeg", "x" * 250 + ".jpeg"),
        ("y" * 300, "y" * 255),
    ],
)
def test_names_are_shown_on_one_line(given: str, shown: str) -> None:
    assert shown_name(given, "image/jpeg") == shown


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("My photo (1).jpg", "My-photo-1.jpg"),
        ("Ünïcødé.JPEG", "Unicde.JPEG"),
        ("日本.jpg", "picture.jpg"),
        ("shell.php", "shell.php.jpg"),
        ("photo.JPG.txt", "photo.JPG.txt.jpg"),
        ("_thumbnail.webp", "thumbnail.webp.jpg"),
        (".htaccess", "htaccess.jpg"),
        ("-rf.jpg", "rf.jpg"),
        ("a" * 300 + ".jpg", "a" * 100 + ".jpg"),
        ("", "picture.jpg"),
        ("....", "picture.jpg"),
    ],
)
def test_names_in_keys_are_plain_and_have_the_right_extension(given: str, safe: str) -> None:
    assert safe_name(given, "image/jpeg") == safe
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.(jpg|jpeg|JPEG)", safe)


@pytest.mark.parametrize(
    ("given", "portable"),
    [
        ("写真 2023.jpg", "写真 2023.jpg"),
        ("Łódź.jpg", "Łódź.jpg"),
        ("Cafe\u0301.jpg", "Café.jpg"),
        ("Гора.JPEG", "Гора.JPEG"),
        ("CON.jpg", "CON_.jpg"),
        ("aux", "aux_.jpg"),
        ("Lpt1.tar.jpg", "Lpt1_.tar.jpg"),
        ("console.jpg", "console.jpg"),
        ('a<b>:"c|d?*.jpg', "a_b___c_d__.jpg"),
        ("..\\..\\x.jpg", "x.jpg"),
        (".htaccess", "htaccess.jpg"),
        ("end. .jpg", "end.jpg"),
        ("shell.php", "shell.php.jpg"),
        ("写" * 100 + ".jpg", "写" * 66 + ".jpg"),
        ("....", "picture.jpg"),
    ],
)
def test_names_in_archives_fit_every_system_and_keep_their_script(
    given: str, portable: str
) -> None:
    assert portable_name(given, "image/jpeg") == portable


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("Häuser in Köln, Straße.jpg", "latin-1"),
        ("Mädchen.jpg", "cp1252"),
        ("été à l’île – naïveté.jpg", "cp1252"),
        ("Ñandú año.jpg", "latin-1"),
        ("Téléphérique.jpg", "latin-1"),
        ("Pêche à l’été.jpg", "cp1252"),
        ("Kälte, Nähe, Ärzte.jpg", "latin-1"),
        ("桜.jpg", "utf-8"),
        ("東京駅 2023.jpg", "shift-jis"),
        ("写真 2023.jpg", "cp932"),
        ("富士山のふもと.jpg", "shift-jis"),
        ("テスト.jpg", "shift-jis"),
        ("Красная площадь.jpg", "cp1251"),
        ("写真, été, Гора.jpg", "utf-8"),
    ],
)
def test_a_name_that_is_no_utf_8_is_read_as_what_it_most_likely_is(
    name: str, encoding: str
) -> None:
    data = name.encode(encoding)
    assert decode_name(data) == name
    assert shown_name(os.fsdecode(data)) == name


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("写真 2023.jpg", "cp932"), ("d’été.jpg", "cp1252"), ("été.jpg", "latin-1")],
)
def test_a_name_that_a_form_gave_in_another_encoding_is_read(name: str, encoding: str) -> None:
    # What is no UTF-8 comes as Latin-1 from the reader of forms.
    assert shown_name(name.encode(encoding).decode("latin-1")) == name

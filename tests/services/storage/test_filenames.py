"""File names from strangers can be shown and can be stored."""

from __future__ import annotations

import re

import pytest

from imgapp.services.storage.filenames import safe_name, shown_name


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

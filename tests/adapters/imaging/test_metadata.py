"""What a picture says of itself and what a person wrote into it, however it is written."""

from __future__ import annotations

import json
import struct
from datetime import datetime, timedelta

import piexif
import pytest

from imgapp.adapters.imaging.metadata import profile_name, read_facts
from imgapp.adapters.imaging.sanitize import clean_line, clean_text


def exif(**tags: object) -> bytes:
    blocks: dict[str, dict[int, object]] = {"0th": {}, "Exif": {}, "GPS": {}}
    for name, value in tags.items():
        block = "Exif" if hasattr(piexif.ExifIFD, name) else "0th"
        number = getattr(piexif.ExifIFD if block == "Exif" else piexif.ImageIFD, name)
        blocks[block][number] = value
    data: bytes = piexif.dump(blocks)
    return data


def test_the_camera_and_its_settings_are_read() -> None:
    facts = read_facts(
        exif(
            Make=b"Canon\0\0rubbish",
            Model="Canon EOS 5D",
            LensModel="EF 24-105",
            ExposureTime=(1, 160),
            FNumber=(28, 5),
            ISOSpeedRatings=400,
            FocalLength=(105, 1),
            FocalLengthIn35mmFilm=105,
            DateTimeOriginal="2005:09:25 00:31:00",
            OffsetTimeOriginal="+02:00",
        )
    )
    assert facts == {
        "camera_make": "Canon",
        "camera_model": "Canon EOS 5D",
        "lens": "EF 24-105",
        "exposure_time": 0.00625,
        "f_number": 5.6,
        "iso": 400,
        "focal_length": 105.0,
        "focal_length_35mm": 105,
        "taken_at": "2005-09-25T00:31:00+02:00",
    }


@pytest.mark.parametrize(
    "date",
    [
        "0000:00:00 00:00:00",
        "9999:99:99 99:99:99",
        "2024-02-30T25:61:61Z",
        "    :  :     :  :  ",
        "1700:01:01 00:00:00",
        pytest.param(
            # Not the time itself in the name of the test: each process collects it anew.
            f"{datetime.now() + timedelta(days=400):%Y:%m:%d %H:%M:%S}",
            id="next year",
        ),
        "yesterday",
    ],
)
def test_an_impossible_date_is_left_out(date: str) -> None:
    assert "taken_at" not in read_facts(exif(Model="X", DateTimeOriginal=date, DateTime=date))


def test_a_date_without_the_original_one_is_taken() -> None:
    assert read_facts(exif(DateTime="2003:05:19 14:18:48")) == {"taken_at": "2003-05-19T14:18:48"}


def test_numbers_that_make_no_sense_are_left_out() -> None:
    assert read_facts(exif(FNumber=(0, 0), ExposureTime=(5, 0), FocalLength=(0, 1))) == {}


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("Größe".encode(), "Größe"),
        ("Größe".encode("cp1252"), "Größe"),
        (b"\xff\xfe\xc3(\xed\xa0\x80", None),
        ("a\u202egpj.exe".encode(), "agpj.exe"),
        (b"\x1b[31mred", "[31mred"),
        (b"two\r\nlines", "two lines"),
        (b"x" * 500, "x" * 200),
        (b"\0abc", None),
    ],
)
def test_text_is_made_fit_to_store(raw: bytes, read: str | None) -> None:
    model = read_facts(exif(Model=raw)).get("camera_model")
    json.dumps(model, ensure_ascii=False).encode()
    if read is not None or raw == b"\0abc":
        assert model == read


@pytest.mark.parametrize("size", [0, 1, 6, 7, 14, 30])
def test_damaged_exif_is_no_exif(size: int) -> None:
    assert read_facts(exif(Model="Canon")[:size]) == {}


def test_profiles_are_known_by_name() -> None:
    old = b"desc\0\0\0\0" + struct.pack(">I", 18) + b"Adobe RGB (1998)\0\0"
    new = b"mluc\0\0\0\0" + struct.pack(">II", 1, 12) + b"enUS" + struct.pack(">II", 20, 28)
    new += "Display P3".encode("utf-16-be")
    for tag, name in ((old, "Adobe RGB (1998)"), (new, "Display P3")):
        table = struct.pack(">I4sII", 1, b"desc", 144, len(tag))
        assert profile_name(bytes(128) + table + tag) == name
    assert profile_name(b"garbage" * 40) is None
    assert profile_name(None) is None


def test_text_is_cleaned_of_what_disturbs() -> None:
    dirty = "a\0b\x1b[1m \u202ec\u2066 \ud800d\r\ne\ufeff\ufffd"
    assert clean_text(dirty, 100) == "ab[1m c d\ne"
    assert clean_line(dirty, 100) == "ab[1m c d e"
    assert clean_text("e\u0301", 1) == "é"
    assert clean_text("👩\u200d💻", 10) == "👩\u200d💻"

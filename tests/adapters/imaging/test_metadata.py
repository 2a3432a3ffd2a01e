"""What a picture says of itself and what a person wrote into it, however it is written."""

from __future__ import annotations

import json
import struct
from datetime import datetime, timedelta

import piexif
import pytest

from imgapp.adapters.imaging.embedded_captions import (
    MAX_TAG,
    MAX_TAGS,
    EmbeddedCaptions,
    read_carried,
)
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


def xmp(body: str, attributes: str = "") -> bytes:
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
    <x:xmpmeta xmlns:x="adobe:ns:meta/"
        xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        xmlns:dc="http://purl.org/dc/elements/1.1/"
        xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/">
      <rdf:RDF><rdf:Description rdf:about="" {attributes}>{body}</rdf:Description></rdf:RDF>
    </x:xmpmeta><?xpacket end="w"?>""".encode()


def alternative(name: str, **texts: str) -> str:
    items = "".join(
        f'<rdf:li xml:lang="{language.replace("_", "-")}">{text}</rdf:li>'
        for language, text in texts.items()
    )
    return f"<{name}><rdf:Alt>{items}</rdf:Alt></{name}>"


def iptc(*datasets: tuple[int, int, bytes]) -> bytes:
    return b"".join(
        struct.pack(">BBBH", 0x1C, record, number, len(value)) + value
        for record, number, value in datasets
    )


def test_xmp_says_alt_text_description_and_tags() -> None:
    packet = xmp(
        alternative("Iptc4xmpCore:AltTextAccessibility", en="Two cats", x_default="Cats &amp; co")
        + alternative("dc:description", en="They sit on a wall.\nIt rains.")
        + "<dc:subject><rdf:Bag><rdf:li>cat</rdf:li><rdf:li> Wall </rdf:li><rdf:li>Cat</rdf:li>"
        "</rdf:Bag></dc:subject>"
    )
    assert read_carried(packet, None) == EmbeddedCaptions(
        alt_text="Cats & co",
        description="They sit on a wall.\nIt rains.",
        tags=["cat", "Wall"],
    )


def test_the_extended_description_goes_before_the_caption() -> None:
    packet = xmp(
        alternative("dc:description", x_default="short")
        + alternative("Iptc4xmpCore:ExtDescrAccessibility", x_default="long and precise")
    )
    assert read_carried(packet, None).description == "long and precise"


def test_a_plain_attribute_is_read_too() -> None:
    packet = xmp("", 'Iptc4xmpCore:AltTextAccessibility="A bridge"')
    assert read_carried(packet, None).alt_text == "A bridge"


def test_xmp_goes_before_iptc_and_their_tags_join() -> None:
    packet = xmp(
        alternative("dc:description", x_default="new")
        + "<dc:subject><rdf:Bag><rdf:li>one</rdf:li></rdf:Bag></dc:subject>"
    )
    older = iptc((2, 120, b"old"), (2, 25, b"ONE"), (2, 25, b"two"))
    assert read_carried(packet, older) == EmbeddedCaptions(description="new", tags=["one", "two"])


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [((1, 90, b"\x1b%G"), "utf-8"), ((2, 5, b"title"), "utf-8"), ((2, 5, b"title"), "cp1252")],
)
def test_iptc_is_read_in_its_character_set(charset: tuple[int, int, bytes], encoding: str) -> None:
    block = iptc(charset, (2, 120, "Häuser".encode(encoding)), (2, 25, "Öl".encode(encoding)))
    assert read_carried(None, block) == EmbeddedCaptions(description="Häuser", tags=["Öl"])


def test_iptc_is_found_among_photoshop_resources() -> None:
    block = iptc((2, 120, b"A caption"))
    other = b"8BIM" + struct.pack(">H", 0x03ED) + b"\3abc" + struct.pack(">I", 3) + b"xyz\0"
    found = b"8BIM" + struct.pack(">H", 0x0404) + b"\0\0" + struct.pack(">I", len(block)) + block
    assert read_carried(None, b"Photoshop 3.0\0" + other + found).description == "A caption"
    assert read_carried(None, b"Photoshop 3.0\0" + other) == EmbeddedCaptions()


@pytest.mark.parametrize(
    "caption", ["OLYMPUS DIGITAL CAMERA         ", "SONY DSC", "DCIM\\100GOPRO", "DSC_0001"]
)
def test_what_the_camera_wrote_is_not_a_caption(caption: str) -> None:
    assert (
        read_carried(xmp(alternative("dc:description", x_default=caption)), None)
        == EmbeddedCaptions()
    )


@pytest.mark.parametrize("caption", ["Digital art at the museum", "Sony building", "My images"])
def test_what_a_person_wrote_is_a_caption(caption: str) -> None:
    assert read_carried(None, iptc((2, 120, caption.encode()))).description == caption


@pytest.mark.parametrize(
    "packet",
    [
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
        + xmp(alternative("dc:description", x_default="&a;")),
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'.encode("utf-16"),
        b"<not closed",
        b"\xff\xfe\x00",
        b"",
        b"<x>" * 100_000,
    ],
)
def test_dangerous_and_broken_xmp_is_no_xmp(packet: bytes) -> None:
    assert read_carried(packet, None) == EmbeddedCaptions()


@pytest.mark.parametrize(
    "block", [b"\x1c", b"\x1c\2\x78\xff\xff", b"Photoshop 3.0\0" + b"8BIM\4", b"\0" * 99]
)
def test_broken_iptc_is_no_iptc(block: bytes) -> None:
    assert read_carried(None, block) == EmbeddedCaptions()


def test_texts_and_tags_are_bounded() -> None:
    packet = xmp(alternative("Iptc4xmpCore:AltTextAccessibility", x_default="é" * 5000))
    words = [(2, 25, f"{n} {'w' * 500}".encode()) for n in range(300)]
    carried = read_carried(packet, iptc((2, 120, b"x" * 30_000), *words))
    assert carried.alt_text is not None
    assert carried.description is not None
    assert carried.tags is not None
    assert (len(carried.alt_text), len(carried.description)) == (2000, 20_000)
    assert (len(carried.tags), max(map(len, carried.tags))) == (MAX_TAGS, MAX_TAG)


def test_text_is_cleaned_of_what_disturbs() -> None:
    dirty = "a\0b\x1b[1m \u202ec\u2066 \ud800d\r\ne\ufeff\ufffd"
    assert clean_text(dirty, 100) == "ab[1m c d\ne"
    assert clean_line(dirty, 100) == "ab[1m c d e"
    assert clean_text("e\u0301", 1) == "é"
    assert clean_text("👩\u200d💻", 10) == "👩\u200d💻"

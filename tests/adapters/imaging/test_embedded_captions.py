"""What a person wrote into a file, in whatever block and language."""

from __future__ import annotations

import struct

import pytest

from imgapp.adapters.imaging.embedded_captions import (
    MAX_ALL_TEXTS,
    MAX_LANGUAGES,
    MAX_TAG,
    MAX_TAGS,
    EmbeddedCaptions,
    read_carried,
)
from tests.support.metadata_blocks import alternative, iptc, photoshop, xmp


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
        language="en",
        texts={
            "en": {"alt_text": "Two cats", "description": "They sit on a wall.\nIt rains."},
            "x-default": {"alt_text": "Cats & co"},
        },
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
    resources = b"Photoshop 3.0\0" + photoshop(block)
    assert read_carried(None, resources).description == "A caption"
    others = b"Photoshop 3.0\0" + photoshop(block, number=0x0405)
    assert read_carried(None, others) == EmbeddedCaptions()


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


def alt_text(**texts: str) -> EmbeddedCaptions:
    return read_carried(xmp(alternative("Iptc4xmpCore:AltTextAccessibility", **texts)))


def test_the_language_of_a_text_is_kept() -> None:
    carried = alt_text(de="Ein Hafen")
    assert (carried.alt_text, carried.language, carried.texts) == ("Ein Hafen", "de", {})


def test_an_empty_default_hides_nothing() -> None:
    carried = alt_text(x_default="  ", de="Ein Hafen")
    assert (carried.alt_text, carried.language) == ("Ein Hafen", "de")


def test_a_default_is_in_the_language_that_says_the_same() -> None:
    carried = alt_text(x_default="A harbour", de="Ein Hafen", en="A harbour")
    assert (carried.alt_text, carried.language) == ("A harbour", "en")
    assert carried.texts == {
        "de": {"alt_text": "Ein Hafen"},
        "en": {"alt_text": "A harbour"},
    }


def test_a_default_of_which_nobody_says_the_language_is_in_none() -> None:
    carried = alt_text(x_default="A harbour", de="Ein Hafen")
    assert (carried.alt_text, carried.language) == ("A harbour", None)
    assert carried.texts["de"] == {"alt_text": "Ein Hafen"}


def test_every_language_of_every_text_is_kept_and_one_stands_on_the_picture() -> None:
    packet = xmp(
        alternative("Iptc4xmpCore:AltTextAccessibility", pt_br="Um porto", de="Ein Hafen")
        + alternative("Iptc4xmpCore:ExtDescrAccessibility", de="Der Hafen von Kiel.")
        + alternative("dc:description", de="Kiel", pt_BR="Kiel no inverno")
    )
    carried = read_carried(packet)
    assert carried.language == "pt-BR"
    assert (carried.alt_text, carried.description) == ("Um porto", "Kiel no inverno")
    assert carried.texts == {
        "pt-BR": {"alt_text": "Um porto", "description": "Kiel no inverno"},
        "de": {"alt_text": "Ein Hafen", "description": "Der Hafen von Kiel."},
    }


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("de", "de"),
        ("DE_at", "de-AT"),
        ("zh-hant-TW", "zh-Hant-TW"),
        ("sr-Latn", "sr-Latn"),
        ("de-x-simple", "de"),
        ("en-u-ca-gregory", "en"),
        ("x-default", None),
        ("x-klingon", None),
        ("", None),
        ("und", None),
        ("german", None),
        ("de!", None),
        ("en; DROP", None),
        ("d" * 300, None),
        ("de" + "-abcdefgh" * 9, None),
    ],
)
def test_a_language_is_a_tag_or_none(said: str, kept: str | None) -> None:
    items = f'<rdf:li xml:lang="{said}">Ein Hafen</rdf:li>'
    name = "Iptc4xmpCore:AltTextAccessibility"
    body = f"<{name}><rdf:Alt>{items}</rdf:Alt></{name}>"
    carried = read_carried(xmp(body))
    assert (carried.alt_text, carried.language) == ("Ein Hafen", kept)


def test_a_plain_element_may_say_its_language() -> None:
    carried = read_carried(xmp('<dc:description xml:lang="de">Ein Hafen</dc:description>'))
    assert (carried.description, carried.language) == ("Ein Hafen", "de")


def test_texts_in_many_languages_are_bounded() -> None:
    tags = [f"{a}{b}" for a in "abcdefgh" for b in "abcdefghi"]
    many = {tag: f"{tag} " + "x" * 500 for tag in tags}
    found = alt_text(**many).texts
    assert 1 < len(found) <= MAX_LANGUAGES
    assert sum(len(text) for said in found.values() for text in said.values()) <= MAX_ALL_TEXTS


@pytest.mark.parametrize(
    ("text", "read", "language"),
    [
        ("lang=x-default A harbour", "A harbour", None),
        ('lang="de" Ein Hafen', "Ein Hafen", "de"),
        ("lang=pt-BR Um porto", "Um porto", "pt-BR"),
        ("lang= is no word", "lang= is no word", None),
        ("lang=everything a program says", "lang=everything a program says", None),
    ],
)
def test_a_language_that_exiv2_wrote_as_text_goes_where_it_belongs(
    text: str, read: str, language: str | None
) -> None:
    attribute = f"Iptc4xmpCore:AltTextAccessibility='{text}'"
    carried = read_carried(xmp("", attribute))
    assert (carried.alt_text, carried.language) == (read, language)
    carried = read_carried(xmp(f"<dc:description>{text}</dc:description>"))
    assert (carried.description, carried.language) == (read, language)


def test_iptc_that_declares_utf_8_and_is_latin_1_keeps_its_letters() -> None:
    words = ((2, 120, "München".encode("latin-1")), (2, 25, "Café".encode("latin-1")))
    carried = read_carried(None, iptc((1, 90, b"\x1b%G"), *words))
    assert (carried.description, carried.tags) == ("München", ["Café"])


def test_a_last_letter_that_was_cut_off_spoils_no_other() -> None:
    cut = "Łódź, ulica Zielona ź".encode()[:-1]
    assert read_carried(None, iptc((2, 25, cut))).tags == ["Łódź, ulica Zielona"]


def test_iptc_with_every_four_bytes_reversed_is_read() -> None:
    block = iptc((2, 120, "Zürich".encode()), (2, 25, b"lake"))
    block += b"\0" * (-len(block) % 4)
    swapped = b"".join(block[at : at + 4][::-1] for at in range(0, len(block), 4))
    expected = EmbeddedCaptions(description="Zürich", tags=["lake"])
    assert read_carried(None, swapped) == read_carried(None, block) == expected


def test_a_cut_dataset_is_no_tag() -> None:
    block = iptc((2, 25, b"sea"), (2, 25, b"iptckeyword"))
    assert read_carried(None, block[:-7]).tags == ["sea"]


def test_a_whole_photoshop_block_goes_before_a_cut_one() -> None:
    whole = iptc((2, 25, b"sea"), (2, 25, b"iptckeyword"), (2, 120, b"A harbour"))
    carried = read_carried(None, whole[:12], photoshop=photoshop(whole))
    assert carried == EmbeddedCaptions(description="A harbour", tags=["sea", "iptckeyword"])
    nothing = photoshop(b"", number=0x0405)
    assert read_carried(None, whole, photoshop=nothing).description == "A harbour"


def exif(order: str, *tags: tuple[int, int, bytes], comment: bytes = b"", **camera: str) -> bytes:
    """An EXIF block: tags of its first directory, and a user comment."""
    said = [(number, 2, camera[name].encode() + b"\0") for number, name in MAKERS if name in camera]
    entries = sorted([*said, *tags])
    inner = 8 + 2 + 12 * (len(entries) + 1) + 4
    own = 2 + 12 + 4
    at, directory, values = inner + own + len(comment), b"", b""
    for number, kind, value in entries:
        long = len(value) > 4
        place = struct.pack(f"{order}I", at + len(values)) if long else value.ljust(4, b"\0")
        directory += struct.pack(f"{order}HHI", number, kind, len(value)) + place
        values += value if long else b""
    directory += struct.pack(f"{order}HHII", 0x8769, 4, 1, inner)
    comments = struct.pack(f"{order}HHHII", 1, 37510, 7, len(comment), inner + own) + bytes(4)
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    count = struct.pack(f"{order}H", len(entries) + 1)
    return head + count + directory + bytes(4) + comments + comment + values


MAKERS = ((271, "make"), (272, "model"))
DESCRIPTION, TITLE, COMMENT, KEYWORDS = 270, 40091, 40092, 40094


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_the_description_of_exif_is_a_caption(order: str, encoding: str) -> None:
    block = exif(order, (DESCRIPTION, 2, "Der Hafen von Århus\0rubbish".encode(encoding)))
    assert read_carried(exif=block) == EmbeddedCaptions(description="Der Hafen von Århus")


@pytest.mark.parametrize("order", ["<", ">"])
def test_windows_writes_its_own_captions_and_keywords(order: str) -> None:
    def wide(text: str) -> bytes:
        return f"{text}\0".encode("utf-16-le")

    keywords = (KEYWORDS, 1, wide("sea; Größe;;日本"))
    block = exif(order, (TITLE, 1, wide("Title")), (COMMENT, 1, wide("A comment")), keywords)
    assert read_carried(exif=block).description == "A comment"
    assert read_carried(exif=block).tags == ["sea", "Größe", "日本"]
    assert read_carried(exif=exif(order, (TITLE, 1, wide("Title")))).description == "Title"
    assert read_carried(exif=exif(order, (TITLE, 1, wide("")))).description is None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("code", "encoding", "text"),
    [
        (b"ASCII\0\0\0", "ascii", "A harbour"),
        (b"ASCII\0\0\0", "utf-8", "Åarhus"),
        (b"UNICODE\0", "utf-16", "日本の港"),
        (b"UNICODE\0", "order", "Ein großer Hafen"),
        (b"UNICODE\0", "order", "日本の港 一"),
        (b"UNICODE\0", "other order", "A harbour"),
        (b"JIS\0\0\0\0\0", "iso2022_jp", "日本の港"),
        (b"JIS\0\0\0\0\0", "shift_jis", "日本の港"),
        (b"\0\0\0\0\0\0\0\0", "utf-8", "Ein großer Hafen"),
        (b"\0\0\0\0\0\0\0\0", "cp1252", "Ein großer Hafen"),
        (b"", "utf-8", "Without any code"),
    ],
)
def test_a_user_comment_is_read_by_its_character_code(
    order: str, code: bytes, encoding: str, text: str
) -> None:
    of_block = {"<": "utf-16-le", ">": "utf-16-be"}
    other = {"<": "utf-16-be", ">": "utf-16-le"}
    encoding = {"order": of_block[order], "other order": other[order]}.get(encoding, encoding)
    block = exif(order, comment=code + text.encode(encoding))
    assert read_carried(exif=block) == EmbeddedCaptions(description=text)


def test_xmp_and_iptc_go_before_exif_and_their_tags_join() -> None:
    block = exif("<", (DESCRIPTION, 2, b"by exif\0"), (KEYWORDS, 1, "three".encode("utf-16-le")))
    packet = xmp(alternative("dc:description", de="by xmp"))
    older = iptc((2, 120, b"by iptc"), (2, 25, b"two"))
    assert read_carried(packet, older, exif=block).description == "by xmp"
    assert read_carried(None, older, exif=block).description == "by iptc"
    assert read_carried(None, older, exif=block).tags == ["two", "three"]
    assert read_carried(exif=block).description == "by exif"


@pytest.mark.parametrize(
    ("caption", "camera"),
    [
        ("OLYMPUS DIGITAL CAMERA         ", {}),
        ("          ", {}),
        ("SONY DSC", {}),
        ("Exif_JPEG_PICTURE", {}),
        ("My beautiful picture", {}),
        ("DCIM\\100MEDIA\\DJI_0042.JPG", {}),
        ("Screenshot", {}),
        ("oplus_1048864", {}),
        ('{"shape": [480, 640, 3]}', {}),
        ('<?xml version="1.0"?><OME></OME>', {}),
        ("ImageJ=1.53t\nimages=3", {}),
        ("a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7", {}),
        ("Canon EOS 5D", {"make": "Canon", "model": "Canon EOS 5D"}),
        ("canon", {"make": "Canon", "model": "EOS 5D"}),
    ],
)
def test_what_a_camera_or_program_wrote_into_exif_is_no_caption(
    caption: str, camera: dict[str, str]
) -> None:
    block = exif("<", (DESCRIPTION, 2, f"{caption}\0".encode()), **camera)
    assert read_carried(exif=block) == EmbeddedCaptions()
    commented = exif("<", comment=b"ASCII\0\0\0" + caption.encode(), **camera)
    assert read_carried(exif=commented) == EmbeddedCaptions()


@pytest.mark.parametrize("mode", ["oznorCO", "rbt", "hdr"])
def test_the_mode_of_the_lens_is_no_caption(mode: str) -> None:
    by_phone = (DESCRIPTION, 2, f"{mode}\0".encode())
    assert read_carried(exif=exif("<", by_phone, make="HUAWEI")) == EmbeddedCaptions()
    assert read_carried(exif=exif("<", by_phone, make="Canon")).description == mode
    words = (DESCRIPTION, 2, b"Kiel\0")
    assert read_carried(exif=exif("<", words, make="HONOR")).description == "Kiel"


def test_behind_what_a_camera_wrote_stands_what_a_person_wrote() -> None:
    block = exif(
        ">",
        (DESCRIPTION, 2, b"SONY DSC\0"),
        comment=b"ASCII\0\0\0" + b"My Canon on [a wall] {at night}",
        make="Sony",
    )
    assert read_carried(exif=block).description == "My Canon on [a wall] {at night}"


@pytest.mark.parametrize("size", [0, 1, 8, 12, 30, 60])
def test_broken_exif_says_nothing(size: int) -> None:
    block = exif("<", (DESCRIPTION, 2, b"A harbour by night\0"), comment=b"ASCII\0\0\0Hello")
    assert read_carried(exif=block[:size]) == EmbeddedCaptions()

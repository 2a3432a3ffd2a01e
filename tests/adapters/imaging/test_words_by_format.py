"""Where the words of each format stand: a row of the table in docs/formats.md for each test."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import piexif
import pytest
from PIL import Image

from imgapp.adapters import imaging
from imgapp.adapters.imaging import DecodedImage
from imgapp.adapters.imaging.formats import GIF, PNG, recognise
from imgapp.adapters.imaging.found_blocks import find_blocks
from imgapp.adapters.imaging.png_chunks import read_png_words
from tests.support.metadata_blocks import (
    alternative,
    iptc,
    photoshop,
    raw_profile,
    tiff,
    with_gif_xmp,
    with_jpeg_segment,
    with_png_chunks,
    with_webp_chunk,
    with_xmp_box,
    xmp,
)

XMP = xmp(
    alternative("Iptc4xmpCore:AltTextAccessibility", de="Ein Hafen")
    + "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>"
)
BY_XMP = ("Ein Hafen", None, ["sea"], "de")
IPTC = iptc((1, 90, b"\x1b%G"), (2, 25, "Größe".encode()), (2, 120, b"A harbour"))
IPTC += b"\0" * (-len(IPTC) % 4)
BY_IPTC = (None, "A harbour", ["Größe"], None)
BY_EXIF = (None, "A quay", None, None)
NOTHING = (None, None, None, None)

Decode = Callable[..., DecodedImage]


@pytest.fixture
def decode(tmp_path: Path) -> Decode:
    def run(data: bytes) -> DecodedImage:
        path = tmp_path / "picture"
        path.write_bytes(data)
        out_dir = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        out_dir.mkdir()
        return imaging.decode(path, out_dir)

    return run


def words(decoded: DecodedImage) -> tuple[str | None, str | None, list[str] | None, str | None]:
    carried = decoded.carried
    return carried.alt_text, carried.description, carried.tags, carried.language


def exif(orientation: int = 1) -> bytes:
    """Where the picture was taken stands in it, too."""
    block: bytes = piexif.dump(
        {
            "0th": {
                piexif.ImageIFD.Make: "Canon",
                piexif.ImageIFD.ImageDescription: "A quay",
                piexif.ImageIFD.Orientation: orientation,
            },
            "Exif": {piexif.ExifIFD.DateTimeOriginal: "2005:09:25 00:31:00"},
            "GPS": {
                piexif.GPSIFD.GPSLatitudeRef: "N",
                piexif.GPSIFD.GPSLatitude: ((52, 1), (31, 1), (12, 1)),
            },
        }
    )
    return block


def file(name: str, frames: int = 1, **save: Any) -> bytes:
    """Red on the left, blue on the right."""
    if name in ("heic", "heif"):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    image = Image.new("RGB", (64, 48), (200, 40, 30))
    image.paste((20, 40, 200), (32, 0, 64, 48))
    buffer = io.BytesIO()
    if frames > 1:
        others = [Image.new("RGB", (64, 48), (n, 0, 0)) for n in range(1, frames)]
        save |= {"save_all": True, "append_images": others, "duration": 100}
    image.save(buffer, name, **save)
    return buffer.getvalue()


def test_jpeg_xmp(decode: Decode) -> None:
    assert words(decode(file("jpeg", xmp=XMP))) == BY_XMP


def test_jpeg_iptc(decode: Decode) -> None:
    segment = b"Photoshop 3.0\0" + photoshop(IPTC)
    assert words(decode(with_jpeg_segment(file("jpeg"), 0xED, segment))) == BY_IPTC


def test_jpeg_exif(decode: Decode) -> None:
    assert words(decode(file("jpeg", exif=exif()))) == BY_EXIF


@pytest.mark.parametrize("after_pixels", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_png_xmp(decode: Decode, after_pixels: bool, packed: bool) -> None:
    text = b"\1\0\0\0" + zlib.compress(XMP) if packed else b"\0\0\0\0" + XMP
    chunk = (b"iTXt", b"XML:com.adobe.xmp\0" + text)
    assert words(decode(with_png_chunks(file("png"), chunk, after_pixels=after_pixels))) == BY_XMP


def check_exif(decoded: DecodedImage) -> None:
    """Camera, date, caption, and which way up it is: turned, so that blue is below. Not where."""
    assert words(decoded) == BY_EXIF
    assert decoded.facts["camera_make"] == "Canon"
    assert decoded.facts["taken_at"] == "2005-09-25T00:31:00"
    assert (decoded.width, decoded.height) == (48, 64)
    assert decoded.facts["orientation"] == "portrait"
    for rendition in (decoded.preview, decoded.thumbnail, decoded.model):
        with Image.open(rendition) as image:
            assert image.size == (48, 64)
            top, below = (image.convert("RGB").getpixel((24, y)) for y in (8, 56))
            assert top[0] > 150 > 90 > below[0], rendition.name
            assert not image.getexif()
        assert b"Canon" not in rendition.read_bytes()
    said = {name: value for name, value in decoded.facts.items() if name != "colors"}
    assert "gps" not in str(said).lower()
    assert not {name for name in said if "tude" in name or "location" in name}


@pytest.mark.parametrize("after_pixels", [False, True])
def test_png_exif(decode: Decode, after_pixels: bool) -> None:
    chunk = (b"eXIf", exif(orientation=6).removeprefix(b"Exif\0\0"))
    decoded = decode(with_png_chunks(file("png"), chunk, after_pixels=after_pixels))
    check_exif(decoded)


@pytest.mark.parametrize("after_pixels", [False, True])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["exif", "APP1"])
def test_png_raw_profile_exif(decode: Decode, name: str, packed: bool, after_pixels: bool) -> None:
    chunk = raw_profile(name, exif(orientation=6), packed=packed)
    decoded = decode(with_png_chunks(file("png"), chunk, after_pixels=after_pixels))
    check_exif(decoded)


@pytest.mark.parametrize("after_pixels", [False, True])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["xmp", "APP1"])
def test_png_raw_profile_xmp(decode: Decode, name: str, packed: bool, after_pixels: bool) -> None:
    start = b"http://ns.adobe.com/xap/1.0/\0" if name == "APP1" else b""
    chunk = raw_profile(name, start + XMP, packed=packed)
    assert words(decode(with_png_chunks(file("png"), chunk, after_pixels=after_pixels))) == BY_XMP


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["iptc", "8bim"])
def test_png_raw_profile_iptc(decode: Decode, name: str, packed: bool) -> None:
    for block in (IPTC, photoshop(IPTC)):
        chunk = raw_profile(name, block, packed=packed)
        assert words(decode(with_png_chunks(file("png"), chunk))) == BY_IPTC


def test_png_description_and_title(decode: Decode) -> None:
    title = (b"tEXt", b"Title\0" + "Köln".encode("latin-1"))
    packed = (b"zTXt", b"Description\0\0" + zlib.compress(b"A river"))
    german = (b"iTXt", b"Description\0\0\0de\0Beschreibung\0" + "Ein Fluß".encode())
    for after_pixels in (False, True):

        def read(*chunks: tuple[bytes, bytes], after: bool = after_pixels) -> Any:
            return words(decode(with_png_chunks(file("png"), *chunks, after_pixels=after)))

        assert read(title) == (None, "Köln", None, None)
        assert read(title, packed) == (None, "A river", None, None)
        assert read(title, german) == (None, "Ein Fluß", None, "de")
        # What a metadata block says goes before them.
        assert read(title, packed, raw_profile("iptc", IPTC)) == BY_IPTC


def test_webp_xmp_with_and_without_its_flag(decode: Decode) -> None:
    assert words(decode(file("webp", xmp=XMP))) == BY_XMP
    assert words(decode(with_webp_chunk(file("webp", exif=exif()), b"XMP ", XMP)))[:1] == BY_XMP[:1]
    assert words(decode(with_webp_chunk(file("webp"), b"XMP ", XMP))) == BY_XMP
    assert words(decode(with_webp_chunk(file("webp", frames=2), b"XMP ", XMP))) == BY_XMP


def test_webp_exif_with_and_without_its_flag(decode: Decode) -> None:
    check_exif(decode(file("webp", exif=exif(orientation=6))))
    block = exif(orientation=6).removeprefix(b"Exif\0\0")
    check_exif(decode(with_webp_chunk(file("webp"), b"EXIF", block)))


@pytest.mark.parametrize("frames", [1, 3])
def test_gif_xmp(decode: Decode, frames: int) -> None:
    assert words(decode(with_gif_xmp(file("gif", frames), XMP))) == BY_XMP


def test_avif_xmp_and_exif(decode: Decode) -> None:
    assert words(decode(file("avif", xmp=XMP))) == BY_XMP
    assert words(decode(file("avif", exif=exif()))) == BY_EXIF


def test_moving_avif_xmp_and_exif(decode: Decode) -> None:
    assert words(decode(file("avif", 3, xmp=XMP))) == BY_XMP
    assert words(decode(file("avif", 3, exif=exif()))) == BY_EXIF


def test_moving_avif_xmp_of_exiftool(decode: Decode) -> None:
    assert words(decode(with_xmp_box(file("avif", 3), XMP))) == BY_XMP


def test_heic_xmp_and_exif(decode: Decode) -> None:
    assert words(decode(file("heif", xmp=XMP))) == BY_XMP
    assert words(decode(file("heif", exif=exif()))) == BY_EXIF


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_xmp(decode: Decode, order: str) -> None:
    assert words(decode(tiff(order, (700, 1, XMP)))) == BY_XMP


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [1, 4, 7])
def test_tiff_iptc(decode: Decode, order: str, kind: int) -> None:
    assert words(decode(tiff(order, (33723, kind, IPTC)))) == BY_IPTC


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_photoshop(decode: Decode, order: str) -> None:
    resources = (34377, 7, photoshop(IPTC))
    assert words(decode(tiff(order, resources))) == BY_IPTC
    assert words(decode(tiff(order, (33723, 4, IPTC[:16]), resources))) == BY_IPTC


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_exif(decode: Decode, order: str) -> None:
    keywords = (40094, 1, "sea".encode("utf-16-le"))
    decoded = decode(tiff(order, (270, 2, b"A quay\0"), keywords))
    assert words(decoded) == (None, "A quay", ["sea"], None)


def test_bmp_carries_no_words(decode: Decode) -> None:
    assert words(decode(file("bmp"))) == NOTHING


CONTAINERS = {
    "png": lambda: with_png_chunks(
        file("png"), raw_profile("xmp", XMP), (b"tEXt", b"Title\0x"), after_pixels=True
    ),
    "gif": lambda: with_gif_xmp(file("gif"), XMP),
    "webp": lambda: with_webp_chunk(file("webp"), b"XMP ", XMP),
    "avif": lambda: with_xmp_box(file("avif", 3), XMP),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_blocks_of_a_cut_file_do_no_harm(tmp_path: Path, name: str) -> None:
    whole, path = CONTAINERS[name](), tmp_path / "cut"
    form = recognise(io.BytesIO(whole))
    for size in (*range(1, 60), *range(60, len(whole), 41)):
        path.write_bytes(whole[:size])
        assert set(find_blocks(path, form)) <= {"xmp-data"}
        if name == "png":
            read_png_words(path)
    path.write_bytes(whole)
    assert XMP in find_blocks(path, form)["xmp-data"]


def test_a_profile_that_unpacks_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    bomb = zlib.compress(b"\nxmp\n 20000000\n" + b"20" * 20_000_000)
    chunk = (b"zTXt", b"Raw profile type xmp\0\0" + bomb)
    path.write_bytes(with_png_chunks(file("png"), chunk, chunk))
    assert find_blocks(path, PNG) == {}


def test_a_file_of_tiny_pieces_is_not_read_to_its_end(tmp_path: Path) -> None:
    gif, path = file("gif"), tmp_path / "tiny.gif"
    comment = b"\x21\xfe" + b"\1x" * 600_000 + b"\0"
    head = 13 + 3 * 2 ** ((gif[10] & 7) + 1)
    path.write_bytes(with_gif_xmp(gif[:head] + gif[head:], XMP))
    assert "xmp-data" in find_blocks(path, GIF)
    path.write_bytes(gif[:head] + comment + with_gif_xmp(gif, XMP)[head:])
    assert find_blocks(path, GIF) == {}


def test_every_row_of_the_table_is_held_by_a_test() -> None:
    page = Path(__file__).parents[3] / "docs" / "formats.md"
    section = page.read_text().split("## Words that a picture carries")[1].split("\n## ")[0]
    named = re.findall(r"\| `(test_\w+)` \|", section)
    assert len(named) > 20
    assert [name for name in named if name not in globals()] == []

"""docs/formats.md: each row of its tables is made, and is as it says."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
import pyvips
from PIL import Image

from imgapp.adapters import imaging
from imgapp.adapters.imaging.formats import TIFF, recognise
from imgapp.adapters.imaging.tiff_variants import for_pillow, read_directory
from imgapp.errors import UnsupportedFormat
from tests.support.heif_files import ALPHA, Item, avif, box, coded, full_box, grid, nclx
from tests.support.png_files import chromaticities, chunk, cicp, gamma, png
from tests.support.tiff_files import old_jpeg, tiff

WIDE, HIGH = 48, 32
BRICK = (190, 80, 60)
GREY = round(0.299 * 190 + 0.587 * 80 + 0.114 * 60)
TURNED = 6
"""To be turned by 90 degrees clockwise (Exif 2.3, Orientation)."""

NAMED = "sP3C"
"""What the profile of libvips for Display P3 calls itself."""

Make = Callable[[bool], bytes]
"""Given whether to say that the picture is turned."""


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table under a heading, by their first cell."""
    page = (Path(__file__).parents[3] / "docs" / "formats.md").read_text()
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (.+) \|$", section, re.MULTILINE)[1:]
    table = [line.split(" | ") for line in lines]
    return {first: rest for first, *rest in table}


def exif() -> bytes:
    tags = Image.Exif()
    tags[0x0112] = TURNED
    return tags.tobytes()


def still(kind: str, turned: bool, *, mode: str = "RGB", **options: Any) -> bytes:
    """What Pillow writes."""
    file = io.BytesIO()
    if turned:
        options["exif"] = exif()
    image = Image.new("RGB", (WIDE, HIGH), BRICK)
    image.convert(mode).save(file, kind, **options)
    return file.getvalue()


def several(kind: str, turned: bool, **options: Any) -> bytes:
    blue = Image.new("RGB", (WIDE, HIGH), "blue")
    return still(kind, turned, save_all=True, append_images=[blue], **options)


def with_profile(suffix: str, turned: bool, **options: Any) -> bytes:
    """What libvips writes, in Display P3."""
    return by_vips(suffix, plain().icc_transform("p3", input_profile="srgb"), turned, **options)


def plain() -> pyvips.Image:
    black = pyvips.Image.black(WIDE, HIGH, bands=3)
    return (black + list(BRICK)).cast("uchar").copy(interpretation="srgb")


_WIDE = plain().icc_transform("p3", input_profile="srgb")
PROFILE = bytes(_WIDE.get("icc-profile-data"))
BRICK_IN_P3 = tuple(round(value) for value in _WIDE(1, 1))


def with_gamma(colour: tuple[int, ...], power: float) -> list[float]:
    """A colour in sRGB's curve, or Display P3's, by another curve: values from 0 to 255."""
    return [255 * (((v / 255 + 0.055) / 1.055) ** 2.4) ** power for v in colour]


def by_vips(suffix: str, image: pyvips.Image, turned: bool, **options: Any) -> bytes:
    image = image.copy()
    if turned:
        image.set_type(pyvips.GValue.gint_type, "orientation", TURNED)
    return bytes(image.write_to_buffer(suffix, **options))


def cmyk(suffix: str, turned: bool) -> bytes:
    return by_vips(suffix, plain().icc_transform("cmyk", input_profile="srgb"), turned)


def png16(*chunks: bytes, colour: Sequence[float] = BRICK) -> Make:
    pixels = np.full((HIGH, WIDE, 3), np.array(colour) * 257).astype(np.uint16)
    turn = chunk(b"eXIf", exif().removeprefix(b"Exif\0\0"))
    return lambda turned: png(pixels, *chunks, *([turn] if turned else []))


def image(colour: tuple[int, ...] = BRICK) -> Image.Image:
    return Image.new("RGB", (WIDE, HIGH), colour)


def avif_of(
    *properties: bytes,
    colour: tuple[int, ...] = BRICK,
    rest: tuple[Item, ...] = (),
    first: Item | None = None,
) -> Make:
    def make(turned: bool) -> bytes:
        item = first or coded(image(colour), *properties)
        # Anticlockwise, in quarters (ISO/IEC 23008-12, 6.5.10).
        turn = (box(b"irot", b"\3"),) if turned else ()
        return avif(replace(item, properties=(*item.properties, *turn)), *rest)

    return make


def premultiplied_avif() -> Make:
    half = Image.new("L", (WIDE, HIGH), 128)
    dark = Image.new("RGB", (WIDE, HIGH), tuple(value // 2 for value in BRICK))
    mask = replace(coded(half, full_box(b"auxC", ALPHA)), references={b"auxl": (1,)})
    colours = replace(coded(dark, nclx(1, 13)), references={b"prem": (2,)})
    return avif_of(first=colours, rest=(mask,))


def grid_avif() -> Make:
    tile = coded(Image.new("RGB", (WIDE // 2, HIGH), BRICK), nclx(1, 13))
    return avif_of(first=grid(2, 1, (WIDE, HIGH), nclx(1, 13)), rest=(tile, tile))


def heic(
    turned: bool,
    *,
    mode: str = "RGB",
    colour: tuple[int, ...] = BRICK,
    more: int = 0,
    **options: Any,
) -> bytes:
    if mode == "RGB":
        file = pillow_heif.from_pillow(image(colour))
    else:
        grey = np.full((HIGH, WIDE), GREY * 257, dtype=np.uint16)
        file = pillow_heif.from_bytes(mode, (WIDE, HIGH), grey.tobytes())
    for _ in range(more):
        file.add_from_pillow(Image.new("RGB", (WIDE, HIGH), "blue"))
    if turned:
        file[0].info["exif"] = exif()
    out = io.BytesIO()
    file.save(out, quality=95, **options)
    return out.getvalue()


def heic_of(primaries: int, transfer: int, colour: tuple[int, ...] = BRICK) -> Make:
    codes: dict[str, Any] = {"color_primaries": primaries, "transfer_characteristics": transfer}
    return partial(heic, colour=colour, **codes, matrix_coefficients=6, full_range_flag=1)


def tiff_of(values: list[Any], kind: str, bits: int | tuple[int, ...], **tags: Any) -> Make:
    """One strip of pixels that are all the same but the first, which is zero."""
    pixels = np.tile(np.array(values, dtype=kind), (HIGH * WIDE, 1))
    pixels[0] = 0
    said = {256: WIDE, 257: HIGH, 258: bits, 277: len(values)}
    said |= {int(name[1:]): value for name, value in tags.items()}
    return lambda turned: tiff(pixels.tobytes(), said | ({274: TURNED} if turned else {}))


def packed_12_bits() -> Make:
    value = GREY * 16
    pair = bytes((value >> 4, (value & 15) << 4 | value >> 8, value & 255))
    said = {256: WIDE, 257: HIGH, 258: 12}
    data = pair * (WIDE * HIGH // 2)
    return lambda turned: tiff(data, said | ({274: TURNED} if turned else {}))


def old_jpeg_of(turned: bool, *, tiled: bool = False) -> bytes:
    return old_jpeg(image(), tiled=tiled, orientation=TURNED if turned else 1)


def lab(space: str, turned: bool) -> bytes:
    return by_vips(".tif", plain().colourspace(space), turned)


def lab_8_bits() -> Make:
    lightness, a, b = plain().colourspace("lab")(1, 1)
    values = [round(lightness * 2.55), round(a) % 256, round(b) % 256]
    return tiff_of(values, "u1", (8, 8, 8), _262=8)


READ: dict[str, Make] = {
    "JPEG": partial(still, "JPEG", quality=95),
    "JPEG, grey": partial(still, "JPEG", mode="L"),
    "JPEG with a profile": partial(with_profile, ".jpg"),
    "JPEG, CMYK": partial(cmyk, ".jpg"),
    "JPEG with more pictures behind it (gain map, MPO)": partial(several, "MPO"),
    "JPEG without its end marker": lambda turned: still("JPEG", turned, quality=95)[:-2],
    "PNG": partial(still, "PNG"),
    "PNG, 16 bits": png16(),
    "PNG, palette": partial(still, "PNG", mode="P"),
    "PNG, grey": partial(still, "PNG", mode="L"),
    "PNG with a profile": partial(with_profile, ".png"),
    "PNG with cICP: PQ": png16(cicp(9, 16)),
    "PNG with cICP: HLG": png16(cicp(9, 18)),
    "PNG with cICP: Display P3": png16(cicp(12, 13), colour=BRICK_IN_P3),
    "PNG with gAMA": png16(gamma(1 / 1.8), colour=with_gamma(BRICK, 1 / 1.8)),
    "PNG with gAMA and cHRM": png16(
        gamma(1 / 1.8),
        chromaticities(0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
        colour=with_gamma(BRICK_IN_P3, 1 / 1.8),
    ),
    "PNG, moving": partial(several, "PNG"),
    "WebP": partial(still, "WEBP", quality=95),
    "WebP with a profile": partial(with_profile, ".webp"),
    "WebP, moving": partial(several, "WEBP"),
    "GIF": partial(still, "GIF"),
    "GIF, moving": partial(several, "GIF"),
    "AVIF": partial(still, "AVIF", quality=95),
    "AVIF with a profile": avif_of(box(b"colr", b"prof", PROFILE), colour=BRICK_IN_P3),
    "AVIF with nclx: PQ": avif_of(nclx(9, 16)),
    "AVIF with nclx: HLG": avif_of(nclx(9, 18)),
    "AVIF with nclx: Display P3": avif_of(nclx(12, 13), colour=BRICK_IN_P3),
    "AVIF, colours multiplied with alpha": premultiplied_avif(),
    "AVIF, grid": grid_avif(),
    "AVIF, several pictures": avif_of(nclx(1, 13), rest=(coded(image(), nclx(1, 13)),)),
    "AVIF, moving": partial(several, "AVIF"),
    "HEIC": heic,
    "HEIC with a profile": partial(heic, icc_profile=PROFILE, colour=BRICK_IN_P3),
    "HEIC, grey, 10 bits": partial(heic, mode="I;16"),
    "HEIC, grey, 12 bits": partial(heic, mode="I;16", bit_depth=12),
    "HEIC with nclx: PQ": heic_of(9, 16),
    "HEIC with nclx: HLG": heic_of(9, 18),
    "HEIC with nclx: Display P3": heic_of(12, 13, BRICK_IN_P3),
    "HEIC, several pictures": partial(heic, more=1),
    "TIFF, LZW": partial(still, "TIFF", compression="tiff_lzw"),
    "TIFF, Deflate": partial(still, "TIFF", compression="tiff_adobe_deflate"),
    "TIFF, PackBits": partial(still, "TIFF", compression="packbits"),
    "TIFF, JPEG": partial(still, "TIFF", compression="jpeg"),
    "TIFF, fax": partial(still, "TIFF", mode="1", compression="group4"),
    "TIFF, LZMA": partial(still, "TIFF", compression="lzma"),
    "TIFF, Zstandard": partial(still, "TIFF", compression="zstd"),
    "TIFF, old-style JPEG": old_jpeg_of,
    "TIFF, old-style JPEG in tiles": partial(old_jpeg_of, tiled=True),
    "TIFF, 16 bits": tiff_of([v * 257 for v in BRICK], "<u2", (16, 16, 16), _262=2),
    "TIFF, grey, 12 bits": packed_12_bits(),
    "TIFF, CIELAB, 8 bits": lab_8_bits(),
    "TIFF, CIELAB, 16 bits": partial(lab, "labs"),
    "TIFF, CMYK": partial(cmyk, ".tif"),
    "TIFF, grey, floating point": tiff_of([GREY / 255], "<f4", 32, _339=3),
    "TIFF, grey, integers of 32 bits": tiff_of([GREY * 0x01010101], "<u4", 32),
    "TIFF, RGB, floating point": partial(lab, "scrgb"),
    "TIFF, colours multiplied with alpha": tiff_of(
        [*(v // 2 for v in BRICK), 128], "u1", (8, 8, 8, 8), _262=2, _338=1
    ),
    "TIFF, several pages": partial(several, "TIFF"),
    "BigTIFF": lambda turned: by_vips(".tif", plain(), turned, bigtiff=True),
    "BMP": partial(still, "BMP"),
}
READERS = {"vips": "libvips", "pillow": "Pillow", "heif": "pillow-heif"}


def reader_of(source: Path) -> str:
    with source.open("rb") as file:
        form = recognise(file)
        rare = form is TIFF and for_pillow(read_directory(file))
    return "Pillow" if rare else READERS[form.loader]


def test_the_page_has_a_row_for_each_file_made_here() -> None:
    assert list(rows("What is read")) == list(READ)
    assert list(rows("What is not supported")) == list(REFUSED)


@pytest.mark.parametrize("name", READ)
def test_what_is_read_is_read_as_the_page_says(name: str, tmp_path: Path) -> None:
    reader, colours, said, upright = rows("What is read")[name]
    turned = upright != "it is not told"
    source = tmp_path / "file"
    source.write_bytes(READ[name](turned))
    decoded = imaging.decode(source, tmp_path)
    assert reader_of(source) == reader
    assert decoded.facts["color_space"] == (NAMED if said == "its name" else said)
    assert (decoded.width, decoded.height) == ((HIGH, WIDE) if turned else (WIDE, HIGH))
    with Image.open(decoded.preview) as preview:
        assert preview.size == (decoded.width, decoded.height)
        middle = preview.convert("RGB").getpixel((preview.width // 2, preview.height // 2))
    if colours == "tone-mapped":
        return  # tests/browser/test_colours.py knows what is right.
    if name == "TIFF, fax":
        assert len(set(middle)) == 1
        return
    expected = (GREY, GREY, GREY) if said == "Greyscale" else BRICK
    far = max(abs(a - b) for a, b in zip(middle, expected, strict=True))
    assert far < (25 if said == "CMYK" else 12), (middle, expected)


def moving(name: str) -> bool:
    return name.endswith(", moving") and not name.startswith("PNG")


@pytest.mark.parametrize("name", [name for name in READ if re.search("moving|several|grid", name)])
def test_only_what_moves_is_called_animated(name: str, tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(READ[name](False))
    facts = imaging.decode(source, tmp_path).facts
    counted = "grid" not in name and not name.startswith("PNG")
    assert (facts["animated"], facts["pages"]) == (moving(name), 2 if counted else 1)


def tiff_with(**tags: Any) -> bytes:
    return tiff_of([100, 100, 100], "u1", (8, 8, 8), **{"_262": 2, **tags})(False)


REFUSED: dict[str, bytes] = {
    "AVIF with a mini box": box(b"ftyp", b"mif3avif") + box(b"mini", bytes(40)),
    "TIFF, LERC": tiff_with(_259=34887),
    "TIFF, JPEG 2000": tiff_with(_259=34712),
    "TIFF, JPEG XL": tiff_with(_259=50002),
    "TIFF, 10 bits": tiff_of([100], "<u2", 10)(False),
    "TIFF, RGB, 12 bits": tiff_of([100, 100, 100], "<u2", (12, 12, 12), _262=2)(False),
    "TIFF, 64 bits": tiff_of([0.5], "<f8", 64, _339=3)(False),
    "TIFF, complex numbers": tiff_of([1], "<c8", 64, _339=6)(False),
    "TIFF, ICC L*a*b*": tiff_with(_262=9),
    "DNG": b"II*\0" + struct.pack("<IHHHIII", 8, 1, 50706, 1, 4, 0x401, 0),
    "DNG whose directory stands behind the pixels": tiff(bytes(10_000), {50706: 1}),
    "JPEG XL": b"\xff\x0a\xfa",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "Photoshop": b"8BPS\0\1",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg">',
    "Video": b"\0\0\0\x18ftypisom\0\0\2\0",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_supported_is_named(name: str, tmp_path: Path) -> None:
    source = tmp_path / "file"
    source.write_bytes(REFUSED[name])
    with pytest.raises(UnsupportedFormat) as refused:
        imaging.decode(source, tmp_path)
    assert refused.value.detail.startswith(rows("What is not supported")[name][0])

"""A vision model sees long pictures in parts that it can read, and transparent ones at all."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imgapp.adapters import imaging
from imgapp.adapters.imaging import DecodedImage, model_copy, model_parts
from imgapp.adapters.imaging.long_pictures import OVERLAP, longest_side

Decode = Callable[[Image.Image], DecodedImage]


@pytest.fixture
def decode(tmp_path: Path) -> Decode:
    def run(image: Image.Image) -> DecodedImage:
        source = tmp_path / "picture.png"
        image.save(source)
        return imaging.decode(source, tmp_path)

    return run


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def striped(size: tuple[int, int], count: int = 50) -> Image.Image:
    """Stripes across its length, each a little lighter than the one before."""
    image = Image.new("L", size)
    draw, along = ImageDraw.Draw(image), int(size[1] > size[0])
    for n in range(count):
        place = [0, 0, *size]
        place[along] = size[along] * n // count
        draw.rectangle(tuple(place), fill=5 * n)
    return image


@pytest.mark.parametrize(
    ("size", "side"),
    [
        ((4000, 3000), 1024),
        ((1080, 2400), 1024),
        ((3000, 1000), 1024),
        ((100, 900), 1024),
        ((800, 16_000), 10 * 960 + 64),
        ((800, 4_000), 2560),
        ((6000, 600), 5120),
        ((400, 2_000), 2000),
        ((1, 60_000), 10 * 960 + 64),
    ],
)
def test_only_a_long_picture_keeps_more_than_1024_pixels(size: tuple[int, int], side: int) -> None:
    assert longest_side(*size) == longest_side(*reversed(size)) == side


@pytest.mark.parametrize("size", [(800, 16_000), (6000, 600)])
def test_a_long_picture_is_read_in_parts_that_overlap(
    decode: Decode, size: tuple[int, int]
) -> None:
    copy = decode(striped(size)).model.read_bytes()
    parts = [opened(part).convert("L") for part in model_parts(copy, *size)]
    along = int(size[1] > size[0])
    whole, lengths = opened(copy).size, {part.size[along] for part in parts}
    assert min(whole) >= 480
    assert len(lengths) == 1
    assert max(lengths) <= 1024
    assert {part.size[1 - along] for part in parts} == {whole[1 - along]}
    assert len(parts) * max(lengths) - whole[along] >= (len(parts) - 1) * (OVERLAP - 1)
    # From one end to the other, and in order.
    firsts = [part.getpixel((0, 0)) for part in parts]
    assert firsts == sorted(firsts)
    last = parts[-1]
    assert parts[0].getpixel((0, 0)) == pytest.approx(0, abs=4)
    assert last.getpixel((last.width - 1, last.height - 1)) == pytest.approx(245, abs=4)


def test_the_preview_of_a_long_picture_is_as_large_as_ever(decode: Decode) -> None:
    decoded = decode(striped((800, 16_000)))
    with Image.open(decoded.preview) as preview, Image.open(decoded.thumbnail) as thumbnail:
        assert (preview.size, thumbnail.size) == ((72, 1440), (26, 512))


@pytest.mark.parametrize("size", [(1024, 768), (2048, 1024), (300, 200)])
def test_an_ordinary_picture_is_sent_as_it_is(decode: Decode, size: tuple[int, int]) -> None:
    copy = decode(striped(size)).model.read_bytes()
    assert model_parts(copy, *size) == [copy]
    assert max(opened(copy).size) <= 1024


def test_what_an_earlier_version_kept_of_a_long_picture_is_one_part() -> None:
    file = io.BytesIO()
    striped((51, 1024)).save(file, "JPEG")
    assert model_parts(file.getvalue(), 800, 16_000) == [file.getvalue()]


def test_where_one_is_all_that_fits_it_is_the_whole_picture(decode: Decode) -> None:
    copy = decode(striped((800, 16_000))).model.read_bytes()
    assert opened(model_copy(copy)).size == (51, 1024)


def logo(*inks: int, mode: str = "RGBA") -> Image.Image:
    """A transparent picture with a bar of each ink."""
    image = Image.new("LA", (400, 200), (90, 0))
    draw = ImageDraw.Draw(image)
    for n, ink in enumerate(inks):
        draw.rectangle((50, 40 + 60 * n, 350, 70 + 60 * n), fill=(ink, 255))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize(
    ("inks", "ground"),
    [((0,), 255), ((255,), 0), ((255, 0), 128), ((128,), 255), ((120, 200), 255), ((240, 130), 0)],
)
def test_what_can_be_seen_of_a_transparent_picture_stands_out(
    decode: Decode, inks: tuple[int, ...], ground: int, mode: str
) -> None:
    decoded = decode(logo(*inks, mode=mode))
    for copy in (decoded.model.read_bytes(), model_copy(decoded.preview.read_bytes())):
        grey = np.asarray(opened(copy).convert("L")).astype(int)
        assert grey[5, 5] == pytest.approx(ground, abs=3)
        for n, ink in enumerate(inks):
            assert grey[55 + 60 * n, 200] == pytest.approx(ink, abs=6)
            assert abs(ink - grey[5, 5]) >= 48


def test_a_picture_of_which_nothing_can_be_seen_is_white(decode: Decode) -> None:
    copy = decode(Image.new("RGBA", (40, 40), (0, 0, 0, 0))).model.read_bytes()
    assert np.asarray(opened(copy)).min() > 250

"""Pictures in HDR and wide gamut look here as Chromium paints their originals."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser

from imgapp.adapters import imaging
from tests.support import png_files
from tests.support.heif_files import ALPHA, avif, box, coded, full_box, grid, nclx
from tests.support.png_files import chromaticities, chunk, cicp, gamma, png

SIDE = 128
RGB = NDArray[np.float64]
Paint = Callable[[bytes, str], RGB]
Shown = Callable[[bytes, str], RGB]


@pytest.fixture(scope="module")
def paint(browser: Browser) -> Paint:
    """What Chromium shows of a file, on black."""

    def run(data: bytes, mime_type: str) -> RGB:
        url = f"data:{mime_type};base64,{base64.b64encode(data).decode()}"
        page = browser.new_page()
        page.set_content(f"<body style='margin:0;background:#000'><img src='{url}'>")
        page.evaluate("document.images[0].decode()")
        painted = page.locator("img").screenshot()
        page.close()
        return np.asarray(Image.open(io.BytesIO(painted)).convert("RGB")).astype(float)

    return run


@pytest.fixture
def shown(tmp_path: Path) -> Shown:
    """What we show of it, on black, and what `color_space` says."""

    def run(data: bytes, space: str) -> RGB:
        source = tmp_path / "picture"
        source.write_bytes(data)
        decoded = imaging.decode(source, tmp_path)
        assert decoded.facts["color_space"] == space
        image = Image.open(decoded.preview).convert("RGBA")
        black = Image.new("RGBA", image.size, "black")
        return np.asarray(Image.alpha_composite(black, image).convert("RGB")).astype(float)

    return run


def scene() -> NDArray[np.uint16]:
    """A soft picture with greys from black to white, and with saturated colours."""
    along = np.linspace(0, 1, SIDE)
    x, y = np.meshgrid(along, along)
    hues = [(1 + np.cos(6.28 * (y + third / 3))) / 2 for third in range(3)]
    colours = np.stack([x * (0.25 + 0.75 * hue) for hue in hues], axis=2)
    colours[: SIDE // 3] = x[: SIDE // 3, :, None]
    return np.asarray((colours * 65535).round(), dtype=np.uint16)


def eight_bits() -> Image.Image:
    return Image.fromarray((scene() >> 8).astype(np.uint8))


def alike(ours: RGB, theirs: RGB, *, levels: float = 2.5) -> None:
    """Mean and deviation of each channel are the same within a few levels, and most pixels are."""
    assert ours.shape == theirs.shape
    means = np.abs(ours.mean(axis=(0, 1)) - theirs.mean(axis=(0, 1)))
    deviations = np.abs(ours.std(axis=(0, 1)) - theirs.std(axis=(0, 1)))
    assert means.max() < levels
    assert deviations.max() < levels
    # WebP keeps colours at half the size.
    assert np.percentile(np.abs(ours - theirs), 90) < 12


ADOBE = chromaticities(0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
PEAK = {
    "of the pixels": chunk(b"cLLI", struct.pack(">II", 400_0000, 100_0000)),
    "of the display": chunk(b"mDCV", bytes(16) + struct.pack(">II", 4000_0000, 50)),
}


@pytest.mark.parametrize(
    ("chunks", "space"),
    [
        ([], "sRGB"),
        ([cicp(9, 16)], "BT.2020 PQ"),
        ([cicp(9, 18)], "BT.2020 HLG"),
        ([cicp(12, 16)], "Display P3 PQ"),
        ([cicp(1, 18)], "sRGB HLG"),
        ([cicp(9, 16), PEAK["of the pixels"]], "BT.2020 PQ"),
        ([cicp(9, 18), PEAK["of the pixels"]], "BT.2020 HLG"),
        ([cicp(9, 16), PEAK["of the display"]], "BT.2020 PQ"),
        ([cicp(12, 13)], "Display P3"),
        ([cicp(9, 1)], "BT.2020, gamma 2.4"),
        ([cicp(6, 4)], "SMPTE C, gamma 2.2"),
        ([gamma(1 / 1.8)], "sRGB, gamma 1.8"),
        ([gamma(1.0)], "sRGB, linear"),
        ([gamma(1 / 2.2)], "sRGB"),
        ([gamma(1 / 2.2), ADOBE], "RGB, gamma 2.2"),
        ([chunk(b"sRGB", b"\0"), gamma(1.0)], "sRGB"),
    ],
)
def test_png(paint: Paint, shown: Shown, chunks: list[bytes], space: str) -> None:
    data = png(scene(), *chunks)
    alike(shown(data, space), paint(data, "image/png"))


@pytest.mark.long
@pytest.mark.parametrize(
    ("primaries", "transfer", "space"),
    [
        (1, 13, "sRGB"),
        (1, 1, "sRGB"),
        (2, 2, "sRGB"),
        (9, 16, "BT.2020 PQ"),
        (9, 18, "BT.2020 HLG"),
        (12, 13, "Display P3"),
        (12, 1, "Display P3"),
        (9, 14, "BT.2020"),
    ],
)
def test_avif(paint: Paint, shown: Shown, primaries: int, transfer: int, space: str) -> None:
    data = avif(coded(eight_bits(), nclx(primaries, transfer)))
    alike(shown(data, space), paint(data, "image/avif"))


@pytest.mark.long
def test_avif_that_says_how_bright_it_is(paint: Paint, shown: Shown) -> None:
    light = box(b"clli", struct.pack(">HH", 400, 100))
    data = avif(coded(eight_bits(), nclx(9, 16), light))
    alike(shown(data, "BT.2020 PQ"), paint(data, "image/avif"))


@pytest.mark.long
def test_the_tiles_of_a_grid_may_say_it_for_the_whole(paint: Paint, shown: Shown) -> None:
    tile = coded(eight_bits(), nclx(9, 16))
    data = avif(grid(2, 1, (2 * SIDE, SIDE)), tile, tile)
    alike(shown(data, "BT.2020 PQ"), paint(data, "image/avif"))


@pytest.mark.long
@pytest.mark.parametrize("premultiplied", [False, True])
def test_colours_multiplied_with_their_alpha(
    paint: Paint, shown: Shown, premultiplied: bool
) -> None:
    alpha = Image.linear_gradient("L").resize((SIDE, SIDE))
    image, meant = eight_bits(), io.BytesIO()
    Image.merge("RGBA", (*image.split(), alpha)).save(meant, "PNG")
    if premultiplied:
        image = Image.composite(image, Image.new("RGB", image.size), alpha)
    colours = coded(image, nclx(1, 13))
    if premultiplied:
        colours = replace(colours, references={b"prem": (2,)})
    mask = replace(coded(alpha, full_box(b"auxC", ALPHA)), references={b"auxl": (1,)})
    # Chromium 156 takes the mask of an AVIF for video levels (16 to 235), whatever it says.
    alike(shown(avif(colours, mask), "sRGB"), paint(meant.getvalue(), "image/png"))


@pytest.mark.parametrize(
    ("primaries", "transfer", "space"),
    [(9, 16, "BT.2020 PQ"), (9, 18, "BT.2020 HLG"), (12, 13, "Display P3")],
)
def test_heic_of_ten_bits(
    paint: Paint, shown: Shown, primaries: int, transfer: int, space: str
) -> None:
    # Chromium shows no HEIC: the same pixels as PNG are what is right.
    heic = io.BytesIO()
    image = pillow_heif.from_bytes("RGB;16", (SIDE, SIDE), scene().tobytes())
    image.save(
        heic,
        quality=95,
        chroma=444,
        color_primaries=primaries,
        transfer_characteristics=transfer,
        matrix_coefficients=9,
        full_range_flag=1,
    )
    theirs = paint(png(scene(), png_files.cicp(primaries, transfer)), "image/png")
    alike(shown(heic.getvalue(), space), theirs)

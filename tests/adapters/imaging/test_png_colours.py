"""What a PNG says of its colours is read up to its pixels, and no further."""

from __future__ import annotations

import io
import struct

import pytest

from imgapp.adapters.imaging.colour_coding import BT_1886, ColourCoding, Curve, from_cicp
from imgapp.adapters.imaging.png_colours import colour_coding
from tests.support.png_files import chromaticities, chunk, cicp, gamma

SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)


def read(*chunks: bytes) -> ColourCoding | None:
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13))
    return colour_coding(io.BytesIO(head + b"".join(chunks) + chunk(b"IDAT", b"")))


def test_code_points_go_before_a_profile_and_that_before_gamma() -> None:
    profile, srgb = chunk(b"iCCP", b"a\0\0"), chunk(b"sRGB", b"\0")
    assert read(profile, cicp(9, 16)) == from_cicp(9, 16)
    assert read(profile, gamma(1.0)) is None
    assert read(srgb, gamma(1.0)) is None
    assert read(cicp(9, 1)) == from_cicp(9, 1, like_bt709=BT_1886)


def test_gamma_is_read_and_srgb_by_another_name_costs_nothing() -> None:
    coding = read(gamma(0.5))
    assert coding is not None
    assert coding.transfer == Curve(2.0)
    assert read(gamma(1 / 2.2)) is None
    assert read(gamma(1 / 2.2), chromaticities(*SRGB)) is None


@pytest.mark.parametrize(
    "numbers",
    [
        (0.3127, 0, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06),
        (0.3127, 0.329, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3),
        (40_000.0,) * 8,
    ],
)
def test_chromaticities_that_no_light_has_are_left_out(numbers: tuple[float, ...]) -> None:
    coding = read(gamma(0.5), chromaticities(*numbers))
    assert coding is not None
    assert coding.primaries.name == "sRGB"


@pytest.mark.parametrize("value", [0, 0.000_01, 30_000])
def test_a_gamma_that_would_make_it_black_is_left_out(value: float) -> None:
    assert read(gamma(value)) is None


def test_damaged_and_endless_files_say_nothing() -> None:
    assert colour_coding(io.BytesIO(b"")) is None
    assert read(chunk(b"cICP", b"\t")) is None
    assert read(chunk(b"tEXt", b"") * 300, cicp(9, 16)) is None
    huge = struct.pack(">I4s", 2**32 - 1, b"iTXt")
    assert read(huge, cicp(9, 16)) is None


def test_what_comes_after_the_pixels_is_not_read() -> None:
    assert read(chunk(b"IDAT", b""), cicp(9, 16)) is None

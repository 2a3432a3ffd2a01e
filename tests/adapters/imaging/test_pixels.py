"""Numbers that nothing gives a scale to look as they are meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgapp.adapters import imaging
from tests.support.tiff_files import tiff

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
SIDE = 64


def shown(values: np.ndarray[Any, Any], sample_format: int, folder: Path) -> tuple[int, int, int]:
    """The darkest, the middle and the lightest grey of a ramp."""
    source = folder / "ramp.tif"
    height, width = values.shape
    said = {256: width, 257: height, 258: values.itemsize * 8, 339: sample_format}
    source.write_bytes(tiff(values.tobytes(), said))
    with Image.open(imaging.decode(source, folder).preview) as image:
        grey = np.asarray(image.convert("L"))
    return int(grey.min()), int(np.median(grey)), int(grey.max())


def ramp(start: float, end: float, kind: str) -> np.ndarray[Any, Any]:
    return np.tile(np.linspace(start, end, SIDE), (SIDE, 1)).astype(kind)


@pytest.mark.parametrize(
    ("start", "end", "kind", "sample_format", "expected"),
    [
        (0, 1, "<f4", FLOAT, (0, 127, 255)),
        (0, 1, "<f2", FLOAT, (0, 127, 255)),
        (0.5, 0.75, "<f4", FLOAT, (127, 159, 191)),
        (0, 255, "<f4", FLOAT, (0, 127, 255)),
        (0, 65535, "<f4", FLOAT, (0, 127, 255)),
        (-40, 40, "<f4", FLOAT, (0, 127, 255)),
        (0, 0.001, "<f4", FLOAT, (0, 127, 255)),
        (0, 2**32 - 1, "<u4", UNSIGNED, (0, 127, 255)),
        (0, 2**31, "<u4", UNSIGNED, (0, 64, 128)),
        (0, 1000, "<u4", UNSIGNED, (0, 127, 255)),
        (0, 128, "<u4", UNSIGNED, (0, 64, 128)),
        (-(2**31), 2**31 - 1, "<i4", SIGNED, (0, 127, 255)),
        (-(2**15), 2**15 - 1, "<i2", SIGNED, (0, 127, 255)),
        (-200, 2800, "<i2", SIGNED, (0, 127, 255)),
        (7, 7, "<i4", SIGNED, (0, 0, 0)),
    ],
)
def test_black_and_white_are_the_ends_of_the_scale_that_the_numbers_fill(
    start: float,
    end: float,
    kind: str,
    sample_format: int,
    expected: tuple[int, int, int],
    tmp_path: Path,
) -> None:
    found = shown(ramp(start, end, kind), sample_format, tmp_path)
    assert all(abs(a - b) <= 5 for a, b in zip(found, expected, strict=True)), found


def test_what_is_no_number_does_not_spoil_the_rest(tmp_path: Path) -> None:
    values = ramp(0, 1, "<f4")
    values[0, :8] = np.nan
    values[1, :8] = np.inf
    values[2, :8] = -3.4e38
    assert shown(values, FLOAT, tmp_path)[1:] == pytest.approx((127, 255), abs=5)


def test_a_large_one_is_reduced_before_it_is_measured(tmp_path: Path) -> None:
    values = np.tile(np.linspace(0, 1, 3000), (100, 1)).astype("<f4")
    assert shown(values, FLOAT, tmp_path) == pytest.approx((0, 127, 255), abs=5)


@pytest.mark.parametrize("shape", [(5000, 1), (1, 5000)])
def test_a_line_of_pixels_stays_one(shape: tuple[int, int], tmp_path: Path) -> None:
    values = np.linspace(0, 1, 5000).astype("<f4").reshape(shape)
    assert shown(values, FLOAT, tmp_path) == pytest.approx((0, 127, 255), abs=5)

"""A file of which little is missing is read; one of which pixels are missing is not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgapp.adapters import imaging
from imgapp.errors import DamagedImage
from tests.support.pictures import picture


def jpeg(**options: bool) -> bytes:
    file = io.BytesIO()
    picture(3).save(file, "JPEG", quality=90, **options)
    return file.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_end_marker_has_all_its_pixels(
    tmp_path: Path, progressive: bool, missing: int
) -> None:
    whole, cut = tmp_path / "whole.jpg", tmp_path / "cut.jpg"
    whole.write_bytes(jpeg(progressive=progressive))
    cut.write_bytes(whole.read_bytes()[:-missing])
    previews = []
    for path in (whole, cut):
        (folder := tmp_path / path.stem).mkdir()
        with Image.open(imaging.decode(path, folder).preview) as image:
            previews.append(np.asarray(image))
    assert np.array_equal(*previews)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [6, 50, 5_000])
def test_a_jpeg_that_lacks_some_of_its_pixels_is_damaged(
    tmp_path: Path, progressive: bool, missing: int
) -> None:
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(jpeg(progressive=progressive)[:-missing])
    with pytest.raises(DamagedImage):
        imaging.decode(cut, tmp_path)

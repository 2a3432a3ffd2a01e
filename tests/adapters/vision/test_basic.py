from __future__ import annotations

import io
import random
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFilter

from imgapp.adapters.imaging.colours import colour_name
from imgapp.adapters.vision import Description, Picture, basic_describer, default_ask
from imgapp.adapters.vision.basic import BasicDescriber
from imgapp.errors import PermanentDescriberError


def describe(image: Image.Image, **facts: Any) -> Description:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=90)
    return BasicDescriber().describe(
        Picture(data.getvalue(), *image.size, facts=facts), default_ask()
    )


def noisy(size: tuple[int, int], low: int, high: int) -> Image.Image:
    grain = random.Random(7)
    pixels = bytes(grain.randrange(low, high) for _ in range(size[0] * size[1]))
    return Image.frombytes("L", size, pixels).convert("RGB")


def test_is_what_describes_when_nothing_is_configured() -> None:
    assert isinstance(basic_describer(), BasicDescriber)


def test_says_colours_light_and_shape_and_no_more() -> None:
    image = Image.new("RGB", (600, 400), (250, 250, 250))
    image.paste((30, 60, 200), (0, 0, 600, 240))
    found = describe(image)

    assert found.alt_text == "Landscape-format drawing, mainly blue and white, medium bright"
    assert found.description is not None
    assert "600 by 400 pixels" in found.description
    assert "blue and white" in found.description
    assert found.tags == ["drawing", "landscape format", "blue", "white"]
    assert (found.visible_text, found.decorative, found.language) == (None, None, "en")
    assert found.model_version == "basic-1"
    assert found.input_tokens is None


def test_repeats_what_the_file_says_of_camera_and_day() -> None:
    found = describe(
        noisy((300, 400), 0, 60),
        camera_make="Canon",
        camera_model="Canon EOS 5D",
        taken_at="2019-05-04T10:11:12+02:00",
    )
    assert found.description is not None
    assert found.alt_text == "Portrait-format photo, black, very dark"
    assert "camera that calls itself Canon EOS 5D on 4 May 2019" in found.description


def test_a_date_that_is_none_is_left_out() -> None:
    found = describe(noisy((300, 300), 0, 255), taken_at="0000-00-00")
    assert found.description is not None
    assert "dated" not in found.description


def test_tells_a_page_from_a_picture_and_from_one_plain_colour() -> None:
    page = Image.new("RGB", (800, 1000), "white")
    for line in range(30):
        ImageDraw.Draw(page).text((80, 80 + line * 28), "Invoice for seven bicycles " * 3, "black")
    assert "document" in (describe(page).tags or [])
    assert "look like a document" in (describe(page).description or "")
    assert "document" not in (describe(noisy((300, 300), 0, 255)).tags or [])
    assert describe(Image.new("RGB", (100, 100), "red")).alt_text == "Plain red area"


def test_says_whether_a_photo_is_blurred() -> None:
    sharp = noisy((60, 40), 60, 200).resize((600, 400), Image.Resampling.NEAREST)
    soft = sharp.filter(ImageFilter.GaussianBlur(5))
    assert "It is sharp." in (describe(sharp, camera_make="Canon").description or "")
    found = describe(soft, camera_make="Canon")
    assert "It is blurred." in (found.description or "")
    assert "blurred" in (found.tags or [])


@pytest.mark.parametrize("size", [(1, 1), (1, 1024), (1024, 1)])
def test_copes_with_extreme_shapes(size: tuple[int, int]) -> None:
    assert describe(Image.new("RGB", size, "blue")).alt_text == "Plain blue area"


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "grey"),
        ((220, 20, 30), "red"),
        ((250, 140, 20), "orange"),
        ((110, 70, 30), "brown"),
        ((245, 225, 40), "yellow"),
        ((40, 160, 60), "green"),
        ((50, 200, 200), "turquoise"),
        ((40, 80, 220), "blue"),
        ((130, 50, 210), "purple"),
        ((250, 130, 190), "pink"),
        ((230, 210, 175), "beige"),
    ],
)
def test_names_colours_as_people_do(rgb: tuple[int, int, int], name: str) -> None:
    assert colour_name(*rgb) == name


def test_a_copy_that_cannot_be_opened_is_a_permanent_failure() -> None:
    with pytest.raises(PermanentDescriberError):
        BasicDescriber().describe(Picture(b"not a picture", 1, 1), default_ask())

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from imgapp.adapters import reading
from imgapp.adapters.imaging.pool import DecoderPool
from imgapp.adapters.vision import Description, Picture, basic_describer, default_ask
from imgapp.adapters.vision.basic import BasicDescriber
from imgapp.errors import PermanentDescriberError
from tests.support.written import LETTER, jpeg, page, photo


@pytest.fixture
def reads(set_env: Callable[..., None]) -> None:
    set_env(IMGAPP_READING="on")


def describe(image: Image.Image, **facts: Any) -> Description:
    picture = Picture(jpeg(image), *image.size, facts=facts)
    return BasicDescriber().describe(picture, default_ask())


def looks(image: Image.Image, **facts: Any) -> dict[str, str]:
    found: dict[str, str] = describe(image, **facts).facts["looks"]
    return found


def noisy(size: tuple[int, int], low: int, high: int) -> Image.Image:
    grain = random.Random(7)
    pixels = bytes(grain.randrange(low, high) for _ in range(size[0] * size[1]))
    return Image.frombytes("L", size, pixels).convert("RGB")


def test_is_what_describes_when_nothing_is_configured() -> None:
    assert isinstance(basic_describer(), BasicDescriber)


def test_says_nothing_of_a_picture_without_words(reads: None) -> None:
    found = describe(photo(), camera_make="Canon")
    assert (found.alt_text, found.description, found.tags) == (None, None, None)
    assert (found.visible_text, found.decorative, found.language) == (None, None, None)
    assert (found.model_version, found.input_tokens) == ("basic-1", None)
    assert found.facts["looks"]["kind"] == "photo"


def test_a_picture_of_mostly_words_has_them_as_its_alt_text(reads: None) -> None:
    found = describe(page(LETTER))
    assert found.alt_text == " ".join(LETTER.split())
    assert found.visible_text is not None
    assert found.visible_text.split() == LETTER.split()
    assert found.visible_text.count("\n") >= 4
    assert found.language == "en"


def test_a_long_text_is_cut_in_the_alt_text_and_whole_beside_it(reads: None) -> None:
    lines = [f"Chapter {number} of the long story of bicycles" for number in range(11, 25)]
    found = describe(page("\n".join(lines), size=(1000, 1300)))
    assert found.visible_text == "\n".join(lines)
    assert found.alt_text is not None
    assert found.alt_text.startswith(lines[0])
    assert len(found.alt_text) <= 250


def test_a_sign_in_a_photo_is_read_and_is_not_what_the_photo_shows(reads: None) -> None:
    found = describe(photo("Harbour Street"))
    assert found.visible_text == "Harbour Street"
    assert found.alt_text is None


def test_a_title_on_a_drawing_with_much_else_is_no_alt_text(reads: None) -> None:
    image = Image.new("RGB", (1000, 800), "#ffe9c7")
    draw = ImageDraw.Draw(image)
    draw.ellipse((60, 80, 560, 520), "#a23b2b", "#222", 4)
    draw.polygon((600, 620, 960, 600, 760, 180), "#2b5a8a", "#222", 4)
    draw.text((20, 700), "Figure 12", "black", ImageFont.load_default(60))
    found = describe(image)
    assert found.visible_text == "Figure 12"
    assert found.alt_text is None


def test_a_reader_that_hangs_leaves_the_picture_without_its_words(
    reads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("python3", "-c", "import sys; sys.stdin.readline(); sys.exit(1)")
    monkeypatch.setattr(reading, "_pool", DecoderPool(1, command, name="reader"))
    found = describe(page(LETTER))
    assert (found.visible_text, found.alt_text) == (None, None)
    assert found.facts["looks"]["contrast"]


def test_light_and_contrast_are_facts() -> None:
    assert looks(noisy((300, 400), 0, 60)) == {
        "kind": "picture", "light": "very dark", "contrast": "low",
    }  # fmt: skip
    assert looks(Image.new("RGB", (100, 100), "white"))["light"] == "very bright"


def test_tells_a_page_from_a_picture_and_from_one_plain_colour() -> None:
    sheet = Image.new("RGB", (800, 1000), "white")
    for line in range(30):
        ImageDraw.Draw(sheet).text((80, 80 + line * 28), "Invoice for seven bicycles " * 3, "black")
    assert looks(sheet)["kind"] == "document"
    assert looks(noisy((300, 300), 0, 255))["kind"] == "picture"
    assert looks(noisy((300, 300), 0, 255), camera_model="EOS 5D")["kind"] == "photo"
    assert looks(Image.new("RGB", (100, 100), "red"))["kind"] == "plain area"


def test_says_whether_a_photo_is_blurred() -> None:
    sharp = noisy((60, 40), 60, 200).resize((600, 400), Image.Resampling.NEAREST)
    soft = sharp.filter(ImageFilter.GaussianBlur(5))
    assert looks(sharp, camera_make="Canon")["sharpness"] == "sharp"
    assert looks(soft, camera_make="Canon")["sharpness"] == "blurred"


@pytest.mark.parametrize("size", [(1, 1), (1, 1024), (1024, 1)])
def test_copes_with_extreme_shapes(size: tuple[int, int]) -> None:
    assert looks(Image.new("RGB", size, "blue"))["kind"] == "plain area"


def test_a_copy_that_cannot_be_opened_is_a_permanent_failure() -> None:
    with pytest.raises(PermanentDescriberError):
        BasicDescriber().describe(Picture(b"not a picture", 1, 1), default_ask())

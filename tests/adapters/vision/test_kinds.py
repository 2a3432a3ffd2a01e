"""How often the kind and the sharpness of a picture are measured wrongly."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from imgapp.adapters.imaging import decode, model_copy
from imgapp.adapters.vision.image_statistics import Kind, Measures, kind_of, measure, sharpness_of
from imgapp.errors import RejectedFile

ROOT = Path(__file__).resolve().parents[3]
MANY = 16
NOT_PHOTOS = {"Sony DSC-P12.jpg", "fogra-0-100-100-0.tif", "multipage.tif"}
"""A black picture, a plain one and a scanned line."""


def as_the_describer_gets_it(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image = image.convert("RGB")
    image.thumbnail((1440, 1440))
    image.save(data, "WEBP", quality=82)
    return model_copy(data.getvalue())


def measures(copy: bytes) -> Measures:
    with Image.open(io.BytesIO(copy)) as opened:
        return measure(opened.convert("RGB"))


def kind(image: Image.Image) -> Kind:
    return kind_of(measures(as_the_describer_gets_it(image)), *image.size)


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def words(dice: random.Random, count: int) -> str:
    return " ".join(
        "".join(dice.choices("aeinorstlmdu", k=dice.randint(2, 9))) for _ in range(count)
    )


def page(dice: random.Random) -> Image.Image:
    """A page of text; every second one scanned: tilted, noisy, lit from one side."""
    width = dice.choice([850, 1240])
    size, margin = width // dice.choice([50, 60, 70]), width // 10
    paper = dice.choice(["white", "#fbfaf5", "#f4efe2"])
    image = Image.new("RGB", (width, int(width * dice.choice([1.294, 1.414]))), paper)
    draw, y = ImageDraw.Draw(image), margin
    while y < image.height - margin:
        if dice.random() < 0.85:
            draw.text((margin, y), words(dice, 14)[: width // size + 20], "#181818", font(size))
        y += int(size * 1.5)
    return scanned(image, dice) if dice.random() < 0.5 else image


def scanned(image: Image.Image, dice: random.Random) -> Image.Image:
    tilted = image.rotate(dice.uniform(-2, 2), Image.Resampling.BICUBIC, fillcolor="#eee")
    pixels = np.asarray(tilted.filter(ImageFilter.GaussianBlur(0.6))).astype(float)
    light = np.linspace(1, dice.uniform(0.8, 0.95), pixels.shape[1])[None, :, None]
    noise = np.random.default_rng(dice.randrange(99)).normal(0, 4, pixels.shape)
    return Image.fromarray((pixels * light + noise).clip(0, 255).astype(np.uint8))


def screen(dice: random.Random) -> Image.Image:
    """A window with a bar, a menu at its side, and cards of text; light or dark."""
    width, height = dice.choice([(1366, 768), (1920, 1080), (1170, 2532), (1333, 871)])
    ground, ink, side = dice.choice([("white", "#222", "#eef0f3"), ("#17191e", "#ddd", "#23262d")])
    image = Image.new("RGB", (width, height), ground)
    draw, size = ImageDraw.Draw(image), max(14, width // 90)
    draw.rectangle((0, 0, width, size * 4), dice.choice(["#2563eb", "#0b7a5a", "#333a45"]))
    draw.text((size, size), words(dice, 5), "white", font(size))
    draw.rectangle((0, size * 4, width // 6, height), side)
    for y in range(size * 6, height - size * 2, size * 3):
        draw.text((size, y), words(dice, 1), ink, font(size))
    left, wide = width // 6 + size, (width * 5 // 6 - size * 3) // 2
    for row, y in enumerate(range(size * 6, height - size * 9, size * 10)):
        for x in (left, left + wide + size):
            draw.rectangle((x, y, x + wide, y + size * 9), outline="#888", fill=side)
            for line in range(4):
                text = words(dice, 12)[: wide // size + row % 3]
                draw.text((x + size, y + size + line * size * 2), text, ink, font(size))
    return image


def drawing(dice: random.Random) -> Image.Image:
    """Shapes of even colour, with or without outlines, on a plain ground or a gradient."""
    image = Image.new("RGB", (1200, 900), dice.choice(["white", "#ffe9c7", "#cfe8ff"]))
    if dice.random() < 0.4:
        top = Image.linear_gradient("L").resize(image.size)
        image = Image.composite(Image.new("RGB", image.size, "#7ec8f2"), image, top)
    draw, line = ImageDraw.Draw(image), dice.choice([0, 3, 6])
    for _ in range(dice.randint(5, 16)):
        x, y, r = dice.randrange(1200), dice.randrange(900), dice.randrange(30, 200)
        colour = f"#{dice.randrange(1 << 24):06x}"
        if dice.random() < 0.5:
            draw.ellipse((x - r, y - r, x + r, y + r), colour, "#222", line)
        else:
            corners = [(x + dice.randint(-r, r), y + dice.randint(-r, r)) for _ in range(5)]
            draw.polygon(corners, colour, "#222", line)
    return image


@pytest.fixture(scope="module")
def photos(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder, found = tmp_path_factory.mktemp("renditions"), {}
    for path in sorted((corpus / "photos").iterdir()):
        if path.name not in NOT_PHOTOS:
            try:
                found[path.name] = model_copy(decode(path, folder).preview.read_bytes())
            except RejectedFile:
                continue
    assert len(found) >= 30
    return found


@pytest.mark.long
@pytest.mark.corpus
def test_real_photos_are_photos(photos: dict[str, bytes]) -> None:
    sizes = {name: Image.open(io.BytesIO(copy)).size for name, copy in photos.items()}
    wrong = {
        name: said
        for name, copy in photos.items()
        if (said := kind_of(measures(copy), *sizes[name])) != "photo"
    }
    assert len(wrong) <= len(photos) // 25, wrong


@pytest.mark.long
@pytest.mark.corpus
def test_a_photo_is_sharp_until_it_is_blurred(photos: dict[str, bytes]) -> None:
    called_blurred, missed = [], []
    for name, copy in photos.items():
        with Image.open(io.BytesIO(copy)) as image:
            soft = image.convert("RGB").filter(ImageFilter.GaussianBlur(4))
        if sharpness_of(measures(copy)) == "blurred":
            called_blurred.append(name)
        if sharpness_of(measure(soft)) != "blurred":
            missed.append(name)
    assert len(called_blurred) <= 1, called_blurred
    assert len(missed) <= 1, missed


@pytest.mark.long
@pytest.mark.parametrize(
    ("make", "expected"), [(page, "document"), (screen, "screenshot"), (drawing, "drawing")]
)
def test_what_was_drawn_is_told_apart(make: object, expected: Kind) -> None:
    assert callable(make)
    dice = random.Random(11)
    said = [kind(make(dice)) for _ in range(MANY)]
    assert said.count(expected) >= MANY * 0.9, said


def screenshots() -> Iterator[Path]:
    yield from sorted((ROOT / "docs" / "screenshots").glob("*.png"))


@pytest.mark.long
def test_our_own_screenshots_are_screenshots() -> None:
    said = {}
    for path in screenshots():
        with Image.open(path) as image:
            said[path.name] = kind(image)
    assert len(said) >= 8
    assert set(said.values()) == {"screenshot"}, said


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (3, 5), (47, 47)])
def test_what_holds_too_little_to_tell_is_a_plain_area_or_a_picture(size: tuple[int, int]) -> None:
    assert kind(Image.new("RGB", size, "teal")) == "plain area"
    assert kind(Image.effect_noise(size, 120)) in ("plain area", "picture")

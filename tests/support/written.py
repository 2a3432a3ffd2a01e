"""Pictures with words on them, made by the tests."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

# A font with Chinese and Japanese characters: one of these is on most machines with a browser.
_EAST_ASIAN = (
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
)
_DEJAVU = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"

LETTER = """Dear Ms Peterson,
thank you for your order of seven bicycles.
They leave our workshop on Monday morning
and will be with you before the weekend.
Please check them when they arrive."""


def east_asian(size: int) -> ImageFont.FreeTypeFont:
    """A font with Chinese and Japanese characters, or the test is skipped."""
    return _font(_EAST_ASIAN, size, "Chinese and Japanese")


def many_scripts(size: int) -> ImageFont.FreeTypeFont:
    """A font with Cyrillic, Greek and Hebrew letters, or the test is skipped."""
    return _font((_DEJAVU,), size, "Cyrillic, Greek and Hebrew")


def _font(paths: tuple[str, ...], size: int, what: str) -> ImageFont.FreeTypeFont:
    found = next((path for path in paths if Path(path).exists()), None)
    if found is None:
        pytest.skip(f"no font with {what} is installed")
    return ImageFont.truetype(found, size)


def page(
    text: str,
    *,
    size: tuple[int, int] = (900, 600),
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont | None = None,
) -> Image.Image:
    """Black lines on white."""
    image = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(image), font or ImageFont.load_default(36)
    for number, line in enumerate(text.splitlines()):
        draw.text((50, 50 + 80 * number), line, "black", font)
    return image


def photo(text: str = "") -> Image.Image:
    """Soft shapes and grain, as a lens sees them; with a small sign, if it says something."""
    image = Image.effect_noise((1000, 750), 90).convert("RGB")
    tint = Image.radial_gradient("L").resize(image.size)
    sky = Image.merge(
        "RGB", (tint, tint.point(lambda value: 255 - value), Image.new("L", image.size, 170))
    )
    image = Image.blend(image.filter(ImageFilter.GaussianBlur(6)), sky, 0.6)
    if text:
        draw = ImageDraw.Draw(image)
        draw.rectangle((380, 330, 660, 400), "white")
        draw.text((395, 342), text, "black", ImageFont.load_default(40))
        image = image.filter(ImageFilter.GaussianBlur(0.8))
    grain = Image.effect_noise(image.size, 12).convert("RGB")
    return Image.blend(image, grain, 0.08)


def jpeg(image: Image.Image) -> bytes:
    """As a describer gets it."""
    data = io.BytesIO()
    image.save(data, "JPEG", quality=85)
    return data.getvalue()

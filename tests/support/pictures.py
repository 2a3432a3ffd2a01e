"""Small real pictures that the tests make for themselves."""

from __future__ import annotations

import random
from pathlib import Path

import pillow_heif
from PIL import Image, ImageDraw

FORMATS = ("jpg", "png", "webp", "gif", "avif", "heic", "tiff", "bmp")


def picture(seed: int, size: tuple[int, int] = (800, 600)) -> Image.Image:
    """A picture that differs from every other seed's."""
    rng = random.Random(seed)
    image = Image.new("RGB", size, tuple(rng.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = rng.randrange(size[0]), rng.randrange(size[1])
        color = tuple(rng.randrange(256) for _ in range(3))
        draw.ellipse((x, y, x + rng.randrange(10, 200), y + rng.randrange(10, 200)), fill=color)
    return image


def jpeg(path: Path, *, seed: int, size: tuple[int, int] = (800, 600)) -> Path:
    """A JPEG file."""
    picture(seed, size).save(path, "JPEG", quality=85)
    return path


def truncated(path: Path) -> Path:
    """A JPEG file that ends in the middle."""
    data = jpeg(path, seed=99).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def every_format(folder: Path) -> list[Path]:
    """One picture in each of the formats that imgapp takes."""
    paths = []
    for seed, extension in enumerate(FORMATS):
        path = folder / f"picture.{extension}"
        image = picture(seed)
        if extension == "heic":
            pillow_heif.from_pillow(image).save(path)
        else:
            image.save(path)
        paths.append(path)
    return paths

"""Camera-like JPEG files: 12 megapixels, about 2 MB, each with bytes of its own."""

from __future__ import annotations

import colorsys
import math
import os
import random
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from tests.support.metadata_blocks import with_thumbnail

WIDTH, HEIGHT = 4032, 3024


def make_camera_jpegs(
    folder: Path, count: int, *, seed: int = 0, thumbnails: bool = True
) -> list[Path]:
    """`count` pictures in `folder`, made with every core; with a small one embedded in each, as
    cameras do, unless told."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"IMG_{seed + i:04}.jpg" for i in range(count)]
    # Forked, they would wait for threads of libvips that only the parent has.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        list(pool.map(_make, paths, range(seed, seed + count), repeat(thumbnails)))
    return paths


def copies(originals: list[Path], folder: Path, count: int, *, note: str = "copy") -> list[Path]:
    """Pictures with the pixels of `originals`, and bytes of their own: a comment with `note`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for i in range(count):
        data = originals[i % len(originals)].read_bytes()
        comment = f"{note} {i}".encode()
        marker = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        path = folder / f"COPY_{i:05}.jpg"
        path.write_bytes(data[:2] + marker + data[2:])
        made.append(path)
    return made


def scene(path: Path, seed: int) -> None:
    """A small picture of hills under a sky, of one of some shapes and many colours."""
    from PIL import Image, ImageDraw

    chosen = random.Random(seed)
    size = chosen.choice([(1200, 800), (1200, 900), (800, 1200), (900, 900), (1600, 900)])
    hue = chosen.random()
    image = Image.new("RGB", size, _colour(hue, 0.35, 0.95))
    draw = ImageDraw.Draw(image)
    radius, x = chosen.randint(40, 110), chosen.randint(150, size[0] - 150)
    draw.ellipse((x - radius, 120, x + radius, 120 + 2 * radius), fill=_colour(hue + 0.1, 0.2, 1))
    for layer in range(5):
        base, swing, width = size[1] * (0.4 + layer * 0.13), chosen.uniform(20, 90), size[0]
        phase = chosen.uniform(0, 6)
        ridge = [
            (x, base + swing * math.sin(x / 170 + phase + layer)) for x in range(0, width + 9, 8)
        ]
        draw.polygon(
            [*ridge, (width, size[1]), (0, size[1])],
            fill=_colour(hue + 0.5, 0.45, 0.8 - layer * 0.14),
        )
    image.save(path, quality=88)


def _colour(hue: float, saturation: float, value: float) -> tuple[int, ...]:
    return tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue % 1, saturation, value))


def _make(path: Path, seed: int, thumbnail: bool) -> None:
    import pyvips

    # Clouds of several scales and sensor noise: as hard to encode as a photo of a landscape.
    coarse = pyvips.Image.perlin(WIDTH, HEIGHT, cell_size=512, seed=seed)
    middle = pyvips.Image.perlin(WIDTH, HEIGHT, cell_size=64, seed=seed + 1)
    fine = pyvips.Image.perlin(WIDTH, HEIGHT, cell_size=12, seed=seed + 2)
    noise = pyvips.Image.gaussnoise(WIDTH, HEIGHT, sigma=8, seed=seed)
    bands = [
        coarse * gain * 90 + middle * 30 + fine * 18 + noise + base
        for gain, base in ((1.0, 120), (0.7, 135), (-0.6, 110))
    ]
    image = bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb")
    data = image.jpegsave_buffer(Q=86)
    if thumbnail:
        small = pyvips.Image.thumbnail_buffer(data, 160).jpegsave_buffer(Q=80, keep="none")
        data = with_thumbnail(data, small)
    path.write_bytes(data)

"""Camera-like JPEG files: 12 megapixels, about 2 MB, each with bytes of its own."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

WIDTH, HEIGHT = 4032, 3024


def make_camera_jpegs(folder: Path, count: int, *, seed: int = 0) -> list[Path]:
    """`count` pictures in `folder`, made with every core."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"IMG_{seed + i:04}.jpg" for i in range(count)]
    # Forked, they would wait for threads of libvips that only the parent has.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        list(pool.map(_make, paths, range(seed, seed + count)))
    return paths


def copies(originals: list[Path], folder: Path, count: int) -> list[Path]:
    """Pictures with the pixels of `originals` and a comment that makes each file's bytes unique."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for i in range(count):
        data = originals[i % len(originals)].read_bytes()
        comment = f"copy {i}".encode()
        marker = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        path = folder / f"COPY_{i:05}.jpg"
        path.write_bytes(data[:2] + marker + data[2:])
        made.append(path)
    return made


def _make(path: Path, seed: int) -> None:
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
    image.jpegsave(str(path), Q=86)

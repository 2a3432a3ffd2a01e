"""Pixels: hand what other libraries decoded to libvips, and give bare numbers a scale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyvips

from imgapp.errors import TooManyPixels

if TYPE_CHECKING:
    from PIL.Image import Image

BLOBS = {"exif": "exif-data", "xmp": "xmp-data", "icc_profile": "icc-profile-data"}
"""Names of metadata, in Pillow and in libvips."""
_BITS, _SAMPLE_FORMAT, _IPTC, _PHOTOSHOP = 258, 339, 33723, 34377


def check_pixels(width: int, height: int, most: int) -> None:
    """Raise TooManyPixels if there are more than `most`."""
    if width * height > most:
        limit = f"at most {most / 1e6:g} million are accepted"
        raise TooManyPixels(f"The picture has too many pixels: {width} x {height}, and {limit}.")


def labelled(data: Any, size: tuple[int, int], bands: int, form: str) -> pyvips.Image:
    """Grey or RGB pixels in memory, of 8 or 16 bits, with the name of their colours."""
    pixels = pyvips.Image.new_from_memory(data, *size, bands, form)
    deep, grey = form == "ushort", bands < 3
    names = ("grey16" if grey else "rgb16") if deep else ("b-w" if grey else "srgb")
    return pixels.copy(interpretation=names)


def read_pillow(
    source: Path, formats: tuple[str, ...], max_pixels: int
) -> tuple[pyvips.Image, int, dict[str, bytes]]:
    """What Pillow reads, upright: pixels, number of pages, metadata by libvips' names.

    Raises TooManyPixels, and what Pillow raises.
    """
    from PIL import Image, ImageOps  # Loaded by the few children that need it.

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(source, formats=formats) as image:
        check_pixels(*image.size, max_pixels)
        blobs = {BLOBS[k]: v for k, v in image.info.items() if k in BLOBS and v}
        pages = getattr(image, "n_frames", 1)
        tags = dict(getattr(image, "tag_v2", {}))
        upright = ImageOps.exif_transpose(image)
    for name, tag in (("iptc-data", _IPTC), ("photoshop-data", _PHOTOSHOP)):
        if isinstance(value := tags.get(tag), bytes):
            blobs[name] = value
    return _to_vips(upright, tags), pages, blobs


def _to_vips(image: Image, tags: dict[int, Any]) -> pyvips.Image:
    size = image.size
    if image.mode.startswith("I;16"):
        grey = pyvips.Image.new_from_memory(image.convert("I").tobytes(), *size, 1, "int")
        scale = 16 if tags.get(_BITS) == (12,) else 1
        return (grey * scale).cast("ushort").copy(interpretation="grey16")
    if image.mode in ("I", "F"):
        unsigned = tags.get(_BITS) == (32,) and tags.get(_SAMPLE_FORMAT, (1,)) == (1,)
        form = "float" if image.mode == "F" else "uint" if unsigned else "int"
        grey = pyvips.Image.new_from_memory(image.tobytes(), *size, 1, form)
        return grey.copy(interpretation="b-w")
    if image.mode == "LAB":
        lab = pyvips.Image.new_from_memory(image.tobytes(), *size, 3, "uchar")
        lightness, signed = lab[0] * (100 / 255), lab.copy(format="char")
        return lightness.bandjoin(signed.extract_band(1, n=2)).copy(interpretation="lab")
    if image.mode == "CMYK":
        cmyk = pyvips.Image.new_from_memory(image.tobytes(), *size, 4, "uchar")
        return cmyk.copy(interpretation="cmyk")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode in ("1", "L"):
        mode = "L"
    converted = image if image.mode == mode else image.convert(mode)
    return labelled(converted.tobytes(), size, len(mode), "uchar")


_NUMBERS = ("char", "short", "int", "uint", "float")
_LARGEST = {"char": 2.0**7 - 1, "short": 2.0**15 - 1, "int": 2.0**31 - 1, "uint": 2.0**32 - 1}


def has_bare_numbers(image: pyvips.Image) -> bool:
    """Whether nothing says which numbers are black and white, as in measurements."""
    named = image.interpretation in ("lab", "labs", "scrgb", "cmyk")
    return image.format in _NUMBERS and not named


def numbers_to_srgb(image: pyvips.Image) -> pyvips.Image:
    """Numbers as 8 bits: black and white are the ends of the usual scale that they lie in.

    Where they fill less than a sixteenth of it, or lie in none, they are the smallest and the
    largest number. The picture should be small and in memory.
    """
    low, high = _scale(image.min(), image.max(), image.format)
    factor = 255 / (high - low)
    shown = image.linear(factor, -low * factor).rint().cast("uchar")
    return shown.copy(interpretation="srgb" if image.bands > 2 else "b-w")


def finite(image: pyvips.Image) -> pyvips.Image:
    """Grey or three colours, zero for what is no number or so huge that it means "nothing"."""
    colours = image.extract_band(0, n=3 if image.bands > 2 else 1)
    return (colours.abs() < 1e30).ifthenelse(colours, 0) if image.format == "float" else colours


def _scale(low: float, high: float, form: str) -> tuple[float, float]:
    scales = [(0.0, 1.0)] if form == "float" else []
    scales += [(0.0, 255.0), (0.0, 65535.0)]
    if largest := _LARGEST.get(form):
        scales.append((-largest - 1 if low < 0 else 0.0, largest))
    for start, end in scales:
        if start <= low and high <= end * 1.001 and high - low >= (end - start) / 16:
            return start, end
    return low, high if high > low else low + 1

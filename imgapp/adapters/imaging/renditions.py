"""Renditions: makes thumbnail and preview of a picture, inside the decoder's process (libvips)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyvips

from imgapp.adapters.imaging.colours import main_colours
from imgapp.adapters.imaging.long_pictures import longest_side
from imgapp.adapters.imaging.model_copies import MODEL_OPTIONS, laid_on_ground
from imgapp.adapters.imaging.opened_image import OpenedImage
from imgapp.adapters.imaging.pixels import finite, has_bare_numbers, numbers_to_srgb

PREVIEW_SIDE, THUMBNAIL_SIDE = 1440, 512
PLACEHOLDER_SIDE, COLOURS_SIDE = 6, 48

# Measured on camera photos of 2.5 MB: effort 1 costs 10 % more time than 0 and saves 5 % of the
# bytes; effort 4 doubles the encoding for 12 % more. Thumbnails are small enough for effort 2.
PREVIEW_OPTIONS = {"Q": 78, "effort": 1, "keep": "none"}
THUMBNAIL_OPTIONS = {"Q": 76, "effort": 2, "keep": "none"}

# libvips by itself decodes to twice the size at least, for the last bit of sharpness: of a camera's
# 12 megapixels all of them. On real photos the half differs from that by 43 dB at the least, where
# WebP then costs 36; it takes a third less time, and the previews are 1 % smaller.
_SHRINKS = (8, 4, 2)


@dataclass(frozen=True)
class RenditionFacts:
    """What was found while the renditions were made."""

    has_alpha: bool
    """Whether anything in the picture is transparent."""
    placeholder: str
    colours: list[dict[str, str]]
    """As `colours.main_colours` names them."""


def make_renditions(source: Path, opened: OpenedImage, out_dir: Path) -> RenditionFacts:
    """Write preview.webp, model.jpg and thumbnail.webp."""
    model_side = longest_side(opened.width, opened.height)
    decoded = _reduced_from(source, opened, max(PREVIEW_SIDE, model_side))
    # A long picture is kept larger than its preview for the model, which is to read it.
    large = _opaque_if_possible(_turned(decoded, opened.turn).copy_memory())
    preview = _reduced(large, PREVIEW_SIDE) if model_side > PREVIEW_SIDE else large
    preview.webpsave(str(out_dir / "preview.webp"), **PREVIEW_OPTIONS)
    middle = _reduced(large, model_side).copy_memory()
    laid_on_ground(middle).jpegsave(str(out_dir / "model.jpg"), **MODEL_OPTIONS)
    # In memory, or each of those who use it would make it again.
    small = _reduced(middle, THUMBNAIL_SIDE).copy_memory()
    small.webpsave(str(out_dir / "thumbnail.webp"), **THUMBNAIL_OPTIONS)
    smaller = _reduced(small, COLOURS_SIDE).copy_memory()
    return RenditionFacts(
        has_alpha=bool(preview.hasalpha()),
        placeholder=placeholder_of(smaller),
        colours=main_colours(_pixels(smaller)),
    )


def placeholder_of(thumbnail: pyvips.Image) -> str:
    """A picture of at most 6 x 6 pixels, to be seen blurred until the thumbnail is there.

    URL-safe base64 of one byte for its width and then its pixels: rows from the top, three bytes
    each (sRGB). libvips makes it in a fifth of a millisecond; the ports of ThumbHash to Python
    take ten.
    """
    tiny = _reduced(thumbnail, PLACEHOLDER_SIDE)
    return base64.urlsafe_b64encode(bytes([tiny.width]) + _pixels(tiny)).decode()


def _pixels(image: pyvips.Image) -> bytes:
    """Rows from the top, three bytes each (sRGB), on white where it is transparent."""
    opaque = image.flatten(background=[255]) if image.hasalpha() else image
    coloured = opaque.colourspace("srgb") if opaque.bands < 3 else opaque
    return bytes(coloured.extract_band(0, n=3).cast("uchar").write_to_memory())


def _reduced(image: pyvips.Image, side: int) -> pyvips.Image:
    return image.thumbnail_image(side, height=side, size="down")


def _reduced_from(source: Path, opened: OpenedImage, side: int) -> pyvips.Image:
    """Upright, in sRGB and small. Managing colours that need it not would take thrice as long."""
    if opened.pixels is not None and opened.hdr is not None:
        from imgapp.adapters.imaging.tone_mapping import hdr_to_srgb  # It loads NumPy.

        return hdr_to_srgb(_coded_reduced(opened.pixels, side), opened.hdr)
    if opened.pixels is not None and has_bare_numbers(opened.pixels):
        return numbers_to_srgb(_coded_reduced(finite(opened.pixels), side))
    options: dict[str, Any] = {"height": side, "size": "down", "fail_on": "error"}
    if "icc-profile-data" in opened.blobs or opened.color_space == "cmyk":
        options |= {"output_profile": "srgb", "intent": "perceptual"}
    if opened.pixels is None:
        image = _loaded(source, opened, side, options)
    else:
        del options["fail_on"]
        image = opened.pixels.thumbnail_image(side, **options)
    if image.interpretation not in ("srgb", "b-w"):
        image = image.colourspace("srgb")
    return image if image.format == "uchar" else image.cast("uchar")


def _loaded(source: Path, opened: OpenedImage, side: int, options: dict[str, Any]) -> pyvips.Image:
    """Small, of a file that libvips reads, decoding no more of it than is needed."""
    long = max(opened.width, opened.height)
    shrink = next((by for by in _SHRINKS if long >= by * side), 1) if opened.shrinks else 1
    if shrink == 1:
        return pyvips.Image.thumbnail(str(source), side, **options)
    reading = {"access": "sequential", "fail_on": options["fail_on"]}
    image = pyvips.Image.new_from_file(str(source), shrink=shrink, **reading)
    del options["fail_on"]
    return image.thumbnail_image(side, **options)


def _turned(image: pyvips.Image, orientation: int) -> pyvips.Image:
    if orientation == 1:
        return image
    # Turning needs the pixels in another order than they come.
    image = image.copy_memory()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image.autorot()


def _coded_reduced(pixels: pyvips.Image, side: int) -> pyvips.Image:
    """Upright and small, in the numbers of the file."""
    scale = min(1.0, side / max(pixels.width, pixels.height))
    clear = pixels.bands == 4
    straight = pixels.premultiply() if clear else pixels
    # Not by a kernel that overshoots: there is no telling what the numbers beyond would mean.
    across, down = max(scale, 1 / pixels.width), max(scale, 1 / pixels.height)
    small = straight.resize(across, vscale=down, kernel="linear")
    small = small.unpremultiply() if clear else small
    return small.cast(pixels.format).copy_memory().autorot()


def _opaque_if_possible(image: pyvips.Image) -> pyvips.Image:
    """Without an alpha channel that hides nothing: it would cost time and bytes."""
    if not image.hasalpha():
        return image
    colour = image.bands - 1
    return image.extract_band(0, n=colour) if image[colour].min() == 255 else image

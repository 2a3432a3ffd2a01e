"""Opened pictures: read the header of a file, by the library that reads this variant (loaders)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pyvips

from imgapp.adapters.imaging import png_colours
from imgapp.adapters.imaging.colour_coding import ColourCoding
from imgapp.adapters.imaging.formats import AVIF, GIF, JPEG, PNG, TIFF, WEBP, FileFormat
from imgapp.adapters.imaging.heif_items import HeifItems, read_items
from imgapp.adapters.imaging.pixels import (
    BLOBS,
    check_pixels,
    has_bare_numbers,
    labelled,
    read_pillow,
)
from imgapp.adapters.imaging.tiff_variants import for_pillow, read_directory
from imgapp.errors import UnsupportedFormat

_LOADERS = ("Jpeg", "Png", "Webp", "Nsgif", "Heif", "Tiff")


@dataclass(frozen=True)
class OpenedImage:
    """A picture whose header is read."""

    width: int
    height: int
    pages: int
    color_space: str
    blobs: dict[str, bytes]
    pixels: pyvips.Image | None = None
    """Set where libvips cannot read the file, or not as it is meant."""
    hdr: ColourCoding | None = None
    """Set where `pixels`, of 16 bits then, hold more light than sRGB can."""
    moving: bool = False
    shrinks: bool = False
    """Whether libvips can decode it at a half, a quarter or an eighth of its size (JPEG)."""
    turn: int = 1
    """How the pixels are to be turned where their decoder does not know it (EXIF orientation)."""


def restrict_vips() -> None:
    """Allow the loaders of the accepted formats only, and keep nothing between pictures."""
    pyvips.operation_block_set("VipsForeignLoad", True)
    for name in _LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{name}", False)
    pyvips.cache_set_max(0)


def open_picture(source: Path, form: FileFormat, max_pixels: int) -> OpenedImage:
    """Read the header, and the pixels of what libvips cannot read.

    Raises TooManyPixels, and UnsupportedFormat for variants of a format that nothing here reads.
    """
    if form.loader == "heif":
        return _open_heif(source, max_pixels)
    if form.loader == "pillow":
        return _open_pillow(source, max_pixels)
    return _open_tiff(source, max_pixels) if form is TIFF else _open_vips(source, form, max_pixels)


def open_unended_jpeg(source: Path, max_pixels: int) -> OpenedImage:
    """A JPEG that lacks its end marker only: whatever else is missing is an error."""
    data = source.read_bytes() + b"\xff\xd9"
    image = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="warning")
    return replace(_opened(image, max_pixels), pixels=image)


def _open_vips(source: Path, form: FileFormat, max_pixels: int) -> OpenedImage:
    image = _from_vips(source)
    opened = _opened(image, max_pixels)
    if form in (PNG, AVIF):
        return _open_coded(source, form, opened, image)
    moving = opened.pages > 1 and form in (GIF, WEBP)
    return replace(opened, moving=moving, shrinks=form is JPEG)


def _open_coded(
    source: Path, form: FileFormat, opened: OpenedImage, image: pyvips.Image
) -> OpenedImage:
    """A format that says in words of its own how its colours are meant."""
    with source.open("rb") as file:
        if form is PNG:
            items = HeifItems(png_colours.colour_coding(file), pictures=opened.pages)
        else:
            items = read_items(file)
    if items.premultiplied and image.hasalpha():
        image = _straight(image)
    elif items.coding is None:
        return replace(opened, pages=items.pictures)
    return _coded(replace(opened, pages=items.pictures, pixels=image), items.coding)


def _from_vips(source: Path) -> pyvips.Image:
    return pyvips.Image.new_from_file(str(source), access="sequential", fail_on="error")


def _straight(image: pyvips.Image) -> pyvips.Image:
    """With colours that are not multiplied with their alpha."""
    return image.unpremultiply().cast(image.format)


def _opened(image: pyvips.Image, max_pixels: int) -> OpenedImage:
    check_pixels(image.width, image.height, max_pixels)
    names = set(image.get_fields())
    turned = "orientation" in names and 5 <= image.get("orientation") <= 8
    wide, high = (image.height, image.width) if turned else (image.width, image.height)
    return OpenedImage(
        width=wide,
        height=high,
        pages=image.get("n-pages") if "n-pages" in names else 1,
        color_space=image.interpretation,
        blobs={name: image.get(name) for name in names if name.endswith("-data")},
    )


def _open_heif(source: Path, max_pixels: int) -> OpenedImage:
    """HEVC is not in libvips' wheel. libheif turns the picture upright by itself."""
    import pillow_heif  # Loaded by the few children that need it.

    with source.open("rb") as header:
        items = read_items(header)
    hdr = items.coding is not None and items.coding.is_hdr
    file = pillow_heif.open_heif(source, convert_hdr_to_8bit=not hdr)
    image = file[file.primary_index]
    width, height = image.size
    check_pixels(width, height, max_pixels)
    blobs = {BLOBS[k]: bytes(v) for k, v in image.info.items() if k in BLOBS and v}  # type: ignore[arg-type]
    # Grey of more than 8 bits stays as it is: "I;16".
    mode, _, deep = image.mode.partition(";")
    bands = {"RGB": 3, "RGBA": 4, "RGBa": 4, "L": 1, "LA": 2, "La": 2, "I": 1}[mode]
    pixels = labelled(image.data, (width, height), bands, "ushort" if deep else "uchar")
    if mode in ("RGBa", "La"):
        pixels = _straight(pixels)
    pixels = _with_profile(pixels, blobs)
    opened = OpenedImage(width, height, items.pictures, pixels.interpretation, blobs, pixels)
    return _coded(opened, items.coding)


def _open_pillow(source: Path, max_pixels: int) -> OpenedImage:
    """BMP and moving AVIF, which libvips' wheel does not read."""
    opened = _from_pillow(*read_pillow(source, ("BMP", "AVIF"), max_pixels))
    with source.open("rb") as file:
        items = read_items(file)
    return _coded(replace(opened, moving=opened.pages > 1), items.coding)


def _open_tiff(source: Path, max_pixels: int) -> OpenedImage:
    with source.open("rb") as file:
        tags = read_directory(file)
    if for_pillow(tags):
        return _open_rare_tiff(source, max_pixels)
    image = _from_vips(source)
    opened = _opened(image, max_pixels)
    return replace(opened, pixels=image) if has_bare_numbers(image) else opened


def _open_rare_tiff(source: Path, max_pixels: int) -> OpenedImage:
    from PIL import UnidentifiedImageError  # Loaded by the few children that need it.

    try:
        return _from_pillow(*read_pillow(source, ("TIFF",), max_pixels))
    except UnidentifiedImageError as error:
        raise UnsupportedFormat("This kind of TIFF file is not supported.") from error


def _from_pillow(pixels: pyvips.Image, pages: int, blobs: dict[str, bytes]) -> OpenedImage:
    labelled = _with_profile(pixels, blobs)
    return OpenedImage(
        pixels.width, pixels.height, pages, pixels.interpretation, blobs, pixels=labelled
    )


def _with_profile(pixels: pyvips.Image, blobs: dict[str, bytes]) -> pyvips.Image:
    labelled = pixels.copy()
    if "icc-profile-data" in blobs:
        labelled.set_type(pyvips.GValue.blob_type, "icc-profile-data", blobs["icc-profile-data"])
    return labelled


def _coded(opened: OpenedImage, coding: ColourCoding | None) -> OpenedImage:
    """With the profile of a coding that the decoder knows nothing of."""
    if coding is None:
        return opened
    assert opened.pixels is not None
    deep = opened.pixels.format == "ushort"
    colours = opened.pixels.colourspace("rgb16" if deep else "srgb")
    if coding.is_hdr:
        wide = colours if deep else (colours * 257).cast("ushort").copy(interpretation="rgb16")
        return replace(opened, pixels=wide, hdr=coding)
    from imgapp.adapters.imaging.icc_profiles import icc_profile  # It loads NumPy.

    blobs = opened.blobs | {"icc-profile-data": icc_profile(coding)}
    return replace(opened, pixels=_with_profile(colours, blobs), blobs=blobs)

"""Renditions: makes thumbnail and preview of a picture, inside the decoder's process (libvips)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyvips

from imgapp.adapters.imaging.colours import main_colours
from imgapp.adapters.imaging.formats import FileFormat
from imgapp.errors import TooManyPixels

PREVIEW_SIDE, MODEL_SIDE, THUMBNAIL_SIDE = 1440, 1024, 512
PLACEHOLDER_SIDE, COLOURS_SIDE = 6, 48

# Measured on camera photos of 2.5 MB: effort 1 costs 10 % more time than 0 and saves 5 % of the
# bytes; effort 4 doubles the encoding for 12 % more. Thumbnails are small enough for effort 2.
PREVIEW_OPTIONS = {"Q": 78, "effort": 1, "keep": "none"}
THUMBNAIL_OPTIONS = {"Q": 76, "effort": 2, "keep": "none"}
# Every vision model takes JPEG. Made here, where the pixels are at hand, it costs a third of what
# decoding the preview for it would.
MODEL_OPTIONS = {"Q": 85, "keep": "none"}

_LOADERS = ("Jpeg", "Png", "Webp", "Nsgif", "Heif", "Tiff")


@dataclass(frozen=True)
class OpenedImage:
    """A picture whose header is read. `pixels` is set where libvips cannot read the file."""

    width: int
    height: int
    pages: int
    color_space: str
    blobs: dict[str, bytes]
    pixels: pyvips.Image | None = None
    turn: int = 1
    """How the pixels are to be turned where libvips does not know it (EXIF orientation)."""


def restrict_vips() -> None:
    """Allow the loaders of the accepted formats only, and keep nothing between pictures."""
    pyvips.operation_block_set("VipsForeignLoad", True)
    for name in _LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{name}", False)
    pyvips.cache_set_max(0)


def open_picture(source: Path, form: FileFormat, max_pixels: int) -> OpenedImage:
    """Read the header, and the pixels of what libvips cannot read. Raises TooManyPixels."""
    if form.loader == "heif":
        return _open_heif(source, max_pixels)
    if form.loader == "pillow":
        return _open_pillow(source, max_pixels)
    image = pyvips.Image.new_from_file(str(source), access="sequential", fail_on="error")
    _check_pixels(image.width, image.height, max_pixels)
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


def _check_pixels(width: int, height: int, most: int) -> None:
    if width * height > most:
        limit = f"at most {most / 1e6:g} million are accepted"
        raise TooManyPixels(f"The picture has too many pixels: {width} x {height}, and {limit}.")


def _open_heif(source: Path, max_pixels: int) -> OpenedImage:
    """HEVC is not in libvips' wheel. libheif turns the picture upright by itself."""
    import pillow_heif  # Loaded by the few children that need it.

    file = pillow_heif.open_heif(source, convert_hdr_to_8bit=True)
    image = file[file.primary_index]
    width, height = image.size
    _check_pixels(width, height, max_pixels)
    names = {"exif": "exif-data", "xmp": "xmp-data", "icc_profile": "icc-profile-data"}
    blobs = {names[k]: bytes(v) for k, v in image.info.items() if k in names and v}  # type: ignore[arg-type]
    bands = {"RGB": 3, "RGBA": 4, "RGBa": 4, "L": 1, "LA": 2}[image.mode]
    pixels = pyvips.Image.new_from_memory(image.data, width, height, bands, "uchar")
    if image.mode == "RGBa":
        pixels = pixels.unpremultiply().cast("uchar")
    return OpenedImage(width, height, len(file), "srgb", blobs, _with_profile(pixels, blobs))


def _open_pillow(source: Path, max_pixels: int) -> OpenedImage:
    """BMP is not in libvips' wheel, and libvips does not know moving AVIF."""
    from PIL import Image, ImageOps  # Loaded by the few children that need it.

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(source, formats=["BMP", "AVIF"]) as image:
        _check_pixels(*image.size, max_pixels)
        names = {"exif": "exif-data", "xmp": "xmp-data", "icc_profile": "icc-profile-data"}
        blobs = {names[k]: v for k, v in image.info.items() if k in names and v}
        pages = getattr(image, "n_frames", 1)
        mode = "RGBA" if "A" in image.getbands() else "RGB"
        upright = ImageOps.exif_transpose(image if image.mode == mode else image.convert(mode))
    width, height = upright.size
    raw = upright.tobytes()
    pixels = pyvips.Image.new_from_memory(raw, width, height, len(mode), "uchar")
    return OpenedImage(width, height, pages, "srgb", blobs, _with_profile(pixels, blobs))


def _with_profile(pixels: pyvips.Image, blobs: dict[str, bytes]) -> pyvips.Image:
    labelled = pixels.copy(interpretation="srgb" if pixels.bands > 2 else "b-w")
    if "icc-profile-data" in blobs:
        labelled.set_type(pyvips.GValue.blob_type, "icc-profile-data", blobs["icc-profile-data"])
    return labelled


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
    preview = _opaque_if_possible(_preview(source, opened).copy_memory())
    preview.webpsave(str(out_dir / "preview.webp"), **PREVIEW_OPTIONS)
    middle = _reduced(preview, MODEL_SIDE).copy_memory()
    flat(middle).jpegsave(str(out_dir / "model.jpg"), **MODEL_OPTIONS)
    small = _reduced(middle, THUMBNAIL_SIDE)
    small.webpsave(str(out_dir / "thumbnail.webp"), **THUMBNAIL_OPTIONS)
    return RenditionFacts(
        has_alpha=bool(preview.hasalpha()),
        placeholder=placeholder_of(small),
        colours=main_colours(_pixels(_reduced(small, COLOURS_SIDE))),
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
    opaque = flat(image)
    coloured = opaque.colourspace("srgb") if opaque.bands < 3 else opaque
    return bytes(coloured.extract_band(0, n=3).cast("uchar").write_to_memory())


def _reduced(image: pyvips.Image, side: int) -> pyvips.Image:
    return image.thumbnail_image(side, height=side, size="down")


def flat(image: pyvips.Image) -> pyvips.Image:
    """On white where it is transparent: JPEG knows no transparency."""
    return image.flatten(background=[255, 255, 255]) if image.hasalpha() else image


def _preview(source: Path, opened: OpenedImage) -> pyvips.Image:
    """Upright, in sRGB and small. Managing colours that need it not would take thrice as long."""
    options: dict[str, Any] = {"height": PREVIEW_SIDE, "size": "down", "fail_on": "error"}
    if "icc-profile-data" in opened.blobs or opened.color_space == "cmyk":
        options |= {"output_profile": "srgb", "intent": "perceptual"}
    if opened.pixels is None:
        image = pyvips.Image.thumbnail(str(source), PREVIEW_SIDE, **options)
    else:
        del options["fail_on"]
        image = opened.pixels.thumbnail_image(PREVIEW_SIDE, **options)
    if opened.turn > 1:
        image = _turned(image, opened.turn)
    if image.interpretation not in ("srgb", "b-w"):
        image = image.colourspace("srgb")
    return image if image.format == "uchar" else image.cast("uchar")


def _turned(image: pyvips.Image, orientation: int) -> pyvips.Image:
    # Turning needs the pixels in another order than they come.
    image = image.copy_memory()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image.autorot()


def _opaque_if_possible(image: pyvips.Image) -> pyvips.Image:
    """Without an alpha channel that hides nothing: it would cost time and bytes."""
    if not image.hasalpha():
        return image
    colour = image.bands - 1
    return image.extract_band(0, n=colour) if image[colour].min() == 255 else image

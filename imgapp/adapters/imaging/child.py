"""The decoder process: decodes files for `pool.py`, one job at a time (sandbox).

A job has `source`, `out_dir` and `max_pixels`; its answer `done`, or `rejected` with `detail`.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyvips

from imgapp.adapters.imaging.child_loop import Job, limit_resources, serve
from imgapp.adapters.imaging.embedded_captions import EmbeddedCaptions, read_carried
from imgapp.adapters.imaging.formats import JPEG, PNG, TIFF, FileFormat, recognise
from imgapp.adapters.imaging.found_blocks import add_found_blocks
from imgapp.adapters.imaging.metadata import profile_name, read_facts
from imgapp.adapters.imaging.opened_image import (
    OpenedImage,
    open_picture,
    open_unended_jpeg,
    restrict_vips,
)
from imgapp.adapters.imaging.png_chunks import read_png_words
from imgapp.adapters.imaging.renditions import RenditionFacts, make_renditions
from imgapp.errors import DamagedImage, RejectedFile, TooComplex, TooManyPixels, UnsupportedFormat

MEMORY_BYTES = 2 * 1024**3
LARGEST_FILE_BYTES = 64 * 1024**2


def main() -> None:
    """Decode until standard input ends."""
    limit_resources(memory=MEMORY_BYTES, file_size=LARGEST_FILE_BYTES)
    restrict_vips()
    serve(_answer)


def _answer(job: Job) -> dict[str, Any]:
    try:
        return {"done": _decode(Path(job["source"]), Path(job["out_dir"]), job["max_pixels"])}
    except RejectedFile as error:
        return {"rejected": type(error).__name__, "detail": error.detail}


def _decode(source: Path, out_dir: Path, max_pixels: int) -> dict[str, Any]:
    with source.open("rb") as file:
        form = recognise(file)
    try:
        opened, made = _open_and_reduce(source, form, out_dir, max_pixels)
    except RejectedFile:
        raise
    # Decoders raise whatever a broken file drives them to.
    except Exception as error:
        raise _rejection(form, error) from error
    return {
        "mime_type": form.mime_type,
        "width": opened.width,
        "height": opened.height,
        "facts": _facts(source, form, opened, made),
        "placeholder": made.placeholder,
        "carried": asdict(_carried(source, form, opened)),
    }


def _open_and_reduce(
    source: Path, form: FileFormat, out_dir: Path, max_pixels: int
) -> tuple[OpenedImage, RenditionFacts]:
    opened = add_found_blocks(open_picture(source, form, max_pixels), source, form)
    try:
        return opened, make_renditions(source, opened, out_dir)
    except pyvips.Error as error:
        if form is not JPEG or "premature end of jpeg" not in str(error).lower():
            raise
    opened = open_unended_jpeg(source, max_pixels)
    return opened, make_renditions(source, opened, out_dir)


_NO_MEMORY = ("out of memory", "memory allocation", "cannot allocate", "unable to allocate")
_TOO_MANY_PIXELS = ("maximum supported image dimension", "exceeds user limit", "image is too large")
_TOO_MANY_STEPS = ("scans", "too many", "limit")
_NOT_BUILT_IN = (
    "not been built in",
    "unsupported",
    "not supported",
    "not implemented",
    "not configured",
    "unknown c",
)


def _rejection(form: FileFormat, error: Exception) -> RejectedFile:
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
        return TooComplex("The picture takes too much memory to open.")
    if any(words in text for words in _TOO_MANY_PIXELS):
        return TooManyPixels("The picture has too many pixels.")
    if any(words in text for words in _TOO_MANY_STEPS):
        return TooComplex("The picture is put together in too many steps.")
    if any(words in text for words in _NOT_BUILT_IN):
        return UnsupportedFormat(f"This kind of {form.name} file is not supported.")
    return DamagedImage(f"The {form.name} file is damaged or incomplete.")


def _facts(
    source: Path, form: FileFormat, opened: OpenedImage, made: RenditionFacts
) -> dict[str, Any]:
    if form is TIFF:
        with source.open("rb") as file:
            facts = read_facts(file)
    else:
        facts = read_facts(opened.blobs.get("exif-data"))
    coded = opened.hdr.name if opened.hdr else None
    profile = profile_name(opened.blobs.get("icc-profile-data"))
    return facts | {
        "format": form.name,
        "orientation": _orientation(opened.width, opened.height),
        "color_space": coded or _COLOR_SPACES.get(opened.color_space) or profile or "sRGB",
        "has_alpha": made.has_alpha,
        "animated": opened.moving,
        "pages": opened.pages,
        "colours": made.colours,
    }


_COLOR_SPACES = {
    "b-w": "Greyscale",
    "grey16": "Greyscale",
    "cmyk": "CMYK",
    "lab": "CIELAB",
    "labs": "CIELAB",
}


def _orientation(width: int, height: int) -> str:
    if width == height:
        return "square"
    return "landscape" if width > height else "portrait"


def _carried(source: Path, form: FileFormat, opened: OpenedImage) -> EmbeddedCaptions:
    blobs = opened.blobs
    with ExitStack() as files:
        exif = files.enter_context(source.open("rb")) if form is TIFF else blobs.get("exif-data")
        return read_carried(
            blobs.get("xmp-data"),
            blobs.get("iptc-data"),
            photoshop=blobs.get("photoshop-data"),
            exif=exif,
            png=read_png_words(source) if form is PNG else None,
        )


if __name__ == "__main__":
    main()

"""Model copies: size, ground and parts of what a vision model sees of a picture (tiles)."""

from __future__ import annotations

import math

import pyvips

from imgapp.adapters.imaging.long_pictures import MODEL_SIDE, OVERLAP, STEP

# Every vision model takes JPEG. Made where the pixels are at hand, it costs a third of what
# decoding the preview for it would.
MODEL_OPTIONS = {"Q": 85, "keep": "none"}

_WHITE, _BLACK, _GREY = 255, 0, 128
_STANDS_OUT = 48
"""By how many of 255 steps of lightness."""
_MAY_VANISH = 0.1
_SAMPLE_SIDE = 64


def parts_of(copy: bytes) -> list[bytes]:
    """A model copy (JPEG) as it is, or cut along its length into pieces that overlap a little.

    From top to bottom or from left to right, each at most `MODEL_SIDE` long.
    """
    image = pyvips.Image.new_from_buffer(copy, "")
    long = max(image.width, image.height)
    if long <= MODEL_SIDE:
        return [copy]
    image = image.copy_memory()
    count = math.ceil((long - OVERLAP) / STEP)
    size = math.ceil((long + (count - 1) * OVERLAP) / count)
    starts = [round(n * (long - size) / (count - 1)) for n in range(count)]
    if image.height > image.width:
        cut = [image.crop(0, at, image.width, size) for at in starts]
    else:
        cut = [image.crop(at, 0, size, image.height) for at in starts]
    return [part.jpegsave_buffer(**MODEL_OPTIONS) for part in cut]


def whole_of(picture: bytes, side: int = MODEL_SIDE) -> bytes:
    """One JPEG of a preview or a model copy, at most `side` pixels long."""
    image = pyvips.Image.thumbnail_buffer(picture, side, height=side, size="down")
    data: bytes = laid_on_ground(image).jpegsave_buffer(**MODEL_OPTIONS)
    return data


def laid_on_ground(image: pyvips.Image) -> pyvips.Image:
    """Without transparency, on a ground from which what can be seen stands out: white, if it does.

    JPEG knows no transparency.
    """
    return image.flatten(background=[_ground(image)]) if image.hasalpha() else image


def _ground(image: pyvips.Image) -> int:
    small = image.thumbnail_image(_SAMPLE_SIDE, height=_SAMPLE_SIDE, size="down")
    seen = bytes(small.colourspace("b-w").cast("uchar").write_to_memory())
    pixels = list(zip(seen[::2], seen[1::2], strict=True))
    visible = sum(alpha for _, alpha in pixels) or 1

    def vanishing(ground: int) -> float:
        near = (alpha for grey, alpha in pixels if abs(grey - ground) < _STANDS_OUT)
        return sum(near) / visible

    if vanishing(_WHITE) <= _MAY_VANISH:
        return _WHITE
    return min((_WHITE, _BLACK, _GREY), key=vanishing)

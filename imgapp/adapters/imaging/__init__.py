"""Imaging: recognises, decodes and reduces untrusted pictures in separate, limited processes."""

from __future__ import annotations

import atexit
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgapp.adapters.imaging.embedded_captions import EmbeddedCaptions
from imgapp.adapters.imaging.long_pictures import MODEL_SIDE, is_long
from imgapp.adapters.imaging.pool import DecoderPool

__all__ = [
    "Decoded",
    "EmbeddedCaptions",
    "decode",
    "is_busy",
    "model_copy",
    "model_parts",
    "shutdown",
]


@dataclass(frozen=True)
class DecodedImage:
    """What became of a picture. Sizes are in pixels, after EXIF orientation."""

    mime_type: str
    width: int
    height: int
    facts: dict[str, Any]
    carried: EmbeddedCaptions
    placeholder: str
    """A few pixels, as `renditions.placeholder_of` writes them."""
    thumbnail: Path
    preview: Path
    model: Path


def decode(source: Path, out_dir: Path, *, bulk: bool = False) -> DecodedImage:
    """Recognise `source` by content and write its renditions: sRGB, without metadata.

    Bulk work goes after what somebody waits for, on the whole machine. Safe to call from many
    threads. Raises a RejectedFile that says why the file is no picture.
    """
    # The children import this package too, and have no business with the settings.
    from imgapp.settings import get_settings

    settings = get_settings()
    job = {"source": str(source), "out_dir": str(out_dir), "max_pixels": settings.max_pixels}
    answer = _pool.run(job, settings.data_dir / "run", bulk=bulk)
    return DecodedImage(
        mime_type=answer["mime_type"],
        width=answer["width"],
        height=answer["height"],
        facts=answer["facts"],
        carried=EmbeddedCaptions(**answer["carried"]),
        placeholder=answer["placeholder"],
        thumbnail=out_dir / "thumbnail.webp",
        preview=out_dir / "preview.webp",
        model=out_dir / "model.jpg",
    )


def is_busy() -> bool:
    """Whether pictures come in on this machine now, by whichever process."""
    from imgapp.settings import get_settings

    return _pool.is_busy(get_settings().data_dir / "run")


def model_copy(picture: bytes, side: int = MODEL_SIDE) -> bytes:
    """A small JPEG of a preview, for pictures that have no model.jpg, or of a long model.jpg.

    At most `side` pixels long.
    """
    from imgapp.adapters.imaging.model_copies import whole_of

    return whole_of(picture, side)


def model_parts(copy: bytes, width: int, height: int) -> list[bytes]:
    """What a vision model is sent of the model.jpg of a picture of this size (pixels).

    That is itself, or the parts of a long one, in order.
    """
    if not is_long(width, height):
        return [copy]
    from imgapp.adapters.imaging.model_copies import parts_of

    return parts_of(copy)


def shutdown() -> None:
    """End this process's idle decoders."""
    _pool.shutdown()


_pool = DecoderPool()


def _forget_children() -> None:
    # A forked process has no business with its parent's children.
    global _pool
    _pool = DecoderPool()


os.register_at_fork(after_in_child=_forget_children)
atexit.register(shutdown)

"""Model copies: fetch what a describer, or a reader, is given of a picture."""

from __future__ import annotations

from contextlib import suppress

from imgapp.adapters.imaging import model_copy
from imgapp.adapters.vision import Picture
from imgapp.errors import NotFound, PermanentDescriberError
from imgapp.models import Image
from imgapp.services.library import file_links


def picture_of(image: Image) -> Picture:
    """What a describer is given. Raises PermanentDescriberError, StoreUnavailable."""
    return Picture(
        copy_of(image),
        image.width,
        image.height,
        facts=image.facts,
        filename=image.filename,
    )


def unseen(image: Image) -> Picture:
    """What a describer is given that translates: nothing to look at."""
    return Picture(b"", image.width, image.height, filename=image.filename)


def copy_of(image: Image) -> bytes:
    """A downscaled JPEG without metadata. Raises PermanentDescriberError, StoreUnavailable."""
    with suppress(NotFound):
        return file_links.read_rendition(image, "model")
    try:
        return model_copy(file_links.read_rendition(image, "preview"))
    except NotFound:
        raise PermanentDescriberError(
            "The picture's preview is missing from the store. Upload the picture again.",
            code="preview_missing",
        ) from None

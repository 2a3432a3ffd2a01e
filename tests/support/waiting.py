"""Pictures that wait for their description, without the way they came in."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from uuid import UUID

from PIL import Image as PillowImage
from sqlmodel import col, select

from imgapp.adapters.db import transaction
from imgapp.adapters.storage import get_store, rendition_key
from imgapp.models import Image, ImageAnalysis, new_id
from imgapp.settings import get_settings


def add_picture(user_id: UUID, *, preview: bool = True, **columns: Any) -> UUID:
    """A pending row with a preview in the store."""
    image_id = new_id()
    key = f"users/{user_id}/images/{image_id}/photo.jpg"
    if preview:
        spool = get_settings().data_dir / f"{image_id}.webp"
        spool.parent.mkdir(parents=True, exist_ok=True)
        spool.write_bytes(_webp())
        get_store().put(rendition_key(key, "preview"), spool, "image/webp")
    row: dict[str, Any] = {
        "id": image_id,
        "user_id": user_id,
        "filename": "photo.jpg",
        "s3_key": key,
        "s3_bucket": get_store().bucket,
        "mime_type": "image/jpeg",
        "file_size": 1000,
        "sha256": image_id.hex * 2,
        "width": 2000,
        "height": 1500,
    }
    with transaction(user_id) as session:
        session.add(Image(**row | columns))
    return image_id


@lru_cache
def _webp() -> bytes:
    data = io.BytesIO()
    PillowImage.new("RGB", (1440, 1080), (30, 60, 200)).save(data, "WEBP")
    return data.getvalue()


def row_of(user_id: UUID, image_id: UUID) -> Image:
    """The picture's row as it is now."""
    with transaction(user_id) as session:
        return session.exec(select(Image).where(Image.id == image_id)).one()


def count_of(user_id: UUID) -> int:
    """How many rows a person has, the trash included."""
    with transaction(user_id) as session:
        return len(session.exec(select(Image.id)).all())


def analyses_of(user_id: UUID, image_id: UUID) -> list[ImageAnalysis]:
    """Its stored answers, oldest first."""
    query = select(ImageAnalysis).where(ImageAnalysis.image_id == image_id)
    with transaction(user_id) as session:
        return list(session.exec(query.order_by(col(ImageAnalysis.id))))


def change(user_id: UUID, image_id: UUID, **columns: Any) -> None:
    """Set columns of a picture's row."""
    with transaction(user_id) as session:
        image = session.exec(select(Image).where(Image.id == image_id)).one()
        for name, value in columns.items():
            setattr(image, name, value)


def eventually(fact: Callable[[], object], timeout: float = 60) -> None:
    """Wait until something that happens elsewhere has happened."""
    deadline = time.monotonic() + timeout
    while not fact():
        assert time.monotonic() < deadline, f"still not so after {timeout} s"
        time.sleep(0.02)

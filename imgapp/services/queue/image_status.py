"""Image status: reads where a picture is in the queue, with waiting reason and attempts."""

from __future__ import annotations

from uuid import UUID

from imgapp.adapters.db import transaction
from imgapp.models import ImageStatus
from imgapp.services.library.images import fetch
from imgapp.services.library.serialize import image_status
from imgapp.services.queue.waiting_reasons import why


def get_status(user_id: UUID, image_id: UUID) -> ImageStatus:
    """Where a picture is on its way to a description. Raises NotFound."""
    with transaction(user_id) as session:
        image = fetch(session, image_id)
        return image_status(image, why(session, image))

"""What is asked about a picture: the one place that decides it."""

from __future__ import annotations

from sqlmodel import Session

from imgapp.adapters.vision import Ask, default_ask
from imgapp.models import Image


def ask_for(session: Session, image: Image) -> Ask:  # noqa: ARG001
    """What to ask about this picture, in the transaction of its owner."""
    return default_ask(previous=image.error_code)

"""Vision models: list and check those that people may choose, `basic-1` included."""

from __future__ import annotations

from pydantic import Field

from imgapp.adapters.vision import BASIC
from imgapp.errors import InvalidRequest
from imgapp.models import Shape
from imgapp.services.installation.runtime_settings import installation
from imgapp.settings import get_settings


class VisionModels(Shape):
    """What can be asked here."""

    default: str = Field(description="Asked where nothing else is said")
    models: list[str] = Field(description="All that may be named, the default first")
    configured: bool = Field(description="Whether there is a vision model at all")


def offered() -> VisionModels:
    """What may be chosen now. Raises DatabaseUnavailable."""
    settings = get_settings()
    if settings.describer == "basic":
        return VisionModels(default=BASIC, models=[BASIC], configured=False)
    named = [settings.vision_model, *installation().models, BASIC]
    return VisionModels(
        default=settings.vision_model, models=list(dict.fromkeys(named)), configured=True
    )


def check(model: str | None) -> None:
    """Raises InvalidRequest (`unknown_model`) if the model may not be chosen; None may be."""
    if model is not None and model not in (known := offered()).models:
        names = ", ".join(known.models)
        raise InvalidRequest(
            f"There is no such model here. There are {names}.", code="unknown_model"
        )


def server_and_model() -> dict[str, object]:
    """Who would be asked here: parameters of the functions behind the queue."""
    settings = get_settings()
    model = BASIC if settings.describer == "basic" else settings.vision_model
    return {"server": settings.vision_server, "model": model, "local": settings.vision_local}

"""Vision models: list and check those that people may choose, `basic-1` included."""

from __future__ import annotations

from pydantic import Field

from imgapp.adapters.vision import BASIC, model_asked
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
    default = model_asked()
    if default == BASIC:
        return VisionModels(default=BASIC, models=[BASIC], configured=False)
    named = [default, *installation().models, BASIC]
    return VisionModels(default=default, models=list(dict.fromkeys(named)), configured=True)


def check(model: str | None) -> None:
    """Raises InvalidRequest (`unknown_model`) if the model may not be chosen; None may be."""
    if model is not None and model not in (known := offered()).models:
        names = ", ".join(known.models)
        raise InvalidRequest(
            f"There is no such model here. There are {names}.", code="unknown_model"
        )


def server_and_model() -> dict[str, object]:
    """Who would be asked here: parameters of the functions behind the queue."""
    settings, model = get_settings(), model_asked()
    return {"server": settings.vision_server, "model": model, "local": settings.vision_local}

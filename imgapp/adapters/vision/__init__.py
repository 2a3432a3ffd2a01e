"""Vision models: one module per kind of describer, and the choice of the configured one."""

from __future__ import annotations

from functools import lru_cache

from imgapp.adapters.vision.base import BASIC, Describer, Description, Detail, Picture, Question
from imgapp.adapters.vision.prompt import PromptVariables, default_ask, make_ask
from imgapp.errors import PermanentDescriberError
from imgapp.settings import get_settings

__all__ = [
    "BASIC",
    "Describer",
    "Description",
    "Detail",
    "Picture",
    "PromptVariables",
    "Question",
    "default_ask",
    "get_describer",
    "make_ask",
    "model_asked",
    "warm_up",
]


def model_asked(named: str | None = None) -> str:
    """The model that is asked where this one is named, or none; `BASIC` if there is no other."""
    settings = get_settings()
    return BASIC if settings.describer == "basic" else named or settings.vision_model


def get_describer(model: str | None = None) -> Describer:
    """The describer that the settings name, or the one that reads and measures only (`BASIC`).

    Any other model is asked through the configured server. Raises PermanentDescriberError if it is
    to be a vision model and none is configured.
    """
    if model_asked(model) == BASIC:
        from imgapp.adapters.vision.basic import BasicDescriber

        return BasicDescriber()
    settings = get_settings()
    key = settings.openai_api_key
    if key is None and settings.openai_base_url is None:
        raise PermanentDescriberError(
            "No vision model is configured. Ask your administrator to set OPENAI_API_KEY "
            "or OPENAI_BASE_URL.",
            code="not_configured",
        )
    secret = key.get_secret_value() if key else None
    return _openai_describer(secret, settings.openai_base_url, settings.vision_model)


@lru_cache(maxsize=4)
def _openai_describer(api_key: str | None, base_url: str | None, model: str) -> Describer:
    from imgapp.adapters.vision.openai import OpenAIDescriber

    return OpenAIDescriber(api_key=api_key, base_url=base_url, model=model)


def warm_up() -> None:
    """Load what reads a model's answers, so that the first one need not wait a second for it."""
    if get_settings().describer == "openai":
        from imgapp.adapters import languages
        from imgapp.adapters.vision import tags

        languages.load()
        tags.load()

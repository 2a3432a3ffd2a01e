"""Vision models: one module per kind of describer, and the one that the settings name."""

from __future__ import annotations

from functools import lru_cache

from imgapp.adapters.vision.base import Describer, Description, Picture
from imgapp.settings import get_settings

__all__ = ["Describer", "Description", "Picture", "get_describer"]


@lru_cache(maxsize=1)
def get_describer() -> Describer:
    """The describer that the settings name. Raises PermanentDescriberError."""
    if get_settings().describer == "openai":
        from imgapp.adapters.vision.openai import OpenAIDescriber

        return OpenAIDescriber.from_settings(get_settings())
    from imgapp.adapters.vision.basic import BasicDescriber

    return BasicDescriber()

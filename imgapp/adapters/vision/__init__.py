"""Vision models: one module per kind of describer, and the one for a server and a model."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from imgapp.adapters.vision.base import (
    BASIC,
    Describer,
    Description,
    Detail,
    Picture,
    PlaceOfUse,
    Question,
    SourceText,
)
from imgapp.adapters.vision.prompt import (
    PromptVariables,
    default_ask,
    make_ask,
    make_translation_ask,
)
from imgapp.adapters.vision.servers import Server

if TYPE_CHECKING:
    from imgapp.adapters.vision.openai import OpenAIDescriber

__all__ = [
    "BASIC",
    "Describer",
    "Description",
    "Detail",
    "Picture",
    "PlaceOfUse",
    "PromptVariables",
    "Question",
    "Server",
    "SourceText",
    "basic_describer",
    "default_ask",
    "make_ask",
    "make_translation_ask",
    "model_describer",
    "warm_up",
]


def basic_describer() -> Describer:
    """The describer that needs no model."""
    from imgapp.adapters.vision.basic import BasicDescriber

    return BasicDescriber()


@lru_cache(maxsize=32)
def model_describer(server: Server, model: str) -> OpenAIDescriber:
    """The describer that asks a model of a server, with the connections that it has."""
    from imgapp.adapters.vision.openai import OpenAIDescriber

    return OpenAIDescriber(server, model)


def warm_up() -> None:
    """Begin to load what reads a model's answers, which takes a second: best while it thinks."""
    from imgapp.adapters import languages

    if not languages.is_loaded():
        threading.Thread(target=_load, name="warm-up", daemon=True).start()


def _load() -> None:
    from imgapp.adapters import languages
    from imgapp.adapters.vision import tags

    languages.load()
    tags.load()

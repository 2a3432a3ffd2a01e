"""Reachability: asks whether the vision model's server answers, at no cost (health check)."""

from __future__ import annotations

from itertools import islice

import openai

from imgapp.adapters.vision.error_translation import translate
from imgapp.adapters.vision.openai import DEFAULT_BASE_URL
from imgapp.errors import TransientDescriberError
from imgapp.settings import get_settings

_SECONDS = 10.0
_NO_LIST = (404, 405, 501)
_MOST_MODELS = 2000


def listed_models() -> frozenset[str] | None:
    """The models that the configured server lists; None if it answers, but keeps no list.

    Raises TransientDescriberError and PermanentDescriberError.
    """
    settings = get_settings()
    key = settings.openai_api_key
    client = openai.OpenAI(
        api_key=key.get_secret_value() if key else "none",
        base_url=settings.openai_base_url or DEFAULT_BASE_URL,
        max_retries=0,
        timeout=_SECONDS,
    )
    headers = {} if key else {"Authorization": openai.Omit()}
    try:
        with client:
            listed = client.models.list(extra_headers=headers)
            return frozenset(str(model.id) for model in islice(listed, _MOST_MODELS))
    except openai.APIStatusError as error:
        if error.status_code in _NO_LIST:
            return None
        raise translate(error, settings.vision_model) from None
    except openai.OpenAIError as error:
        raise translate(error, settings.vision_model) from None
    except (AttributeError, TypeError, ValueError):
        raise TransientDescriberError(
            "What OPENAI_BASE_URL names answers, but not as a vision model server does",
            code="unusable_answer",
        ) from None

"""Reachability: asks what models a vision server has, at no cost (health check)."""

from __future__ import annotations

from itertools import islice

import openai

from imgapp.adapters.vision.error_translation import translate
from imgapp.adapters.vision.servers import Server
from imgapp.errors import TransientDescriberError

_SECONDS = 10.0
_NO_LIST = (404, 405, 501)
_MOST_MODELS = 2000


def listed_models(
    server: Server, model: str = "", *, seconds: float = _SECONDS
) -> list[str] | None:
    """The models that the server lists, as it does; None if it answers, but keeps no list.

    Raises TransientDescriberError and PermanentDescriberError.
    """
    key = server.api_key
    client = openai.OpenAI(
        api_key=key or "none", base_url=server.url, max_retries=0, timeout=seconds
    )
    headers = {} if key else {"Authorization": openai.Omit()}
    try:
        with client:
            listed = client.models.list(extra_headers=headers)
            named = dict.fromkeys(str(one.id)[:200] for one in islice(listed, _MOST_MODELS))
            return list(named)
    except openai.APIStatusError as error:
        if error.status_code in _NO_LIST:
            return None
        raise translate(error, model, key) from None
    except openai.OpenAIError as error:
        raise translate(error, model, key) from None
    except (AttributeError, TypeError, ValueError):
        raise TransientDescriberError(
            f"What is at {server.host} answers, but not as a vision model server does",
            code="unusable_answer",
        ) from None

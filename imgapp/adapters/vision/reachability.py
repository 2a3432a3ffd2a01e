"""Reachability: asks what models a vision server has, at no cost (health check)."""

from __future__ import annotations

import json

import httpx2

from imgapp.adapters.vision.connections import ServerTransport
from imgapp.adapters.vision.error_translation import translate
from imgapp.adapters.vision.openai_sdk import openai
from imgapp.adapters.vision.servers import Server
from imgapp.errors import TransientDescriberError

_SECONDS = 10.0
_NO_LIST = (404, 405, 501)
_MOST_MODELS = 2000
_LONGEST = 4_000_000
"""Bytes. OpenRouter's list has 600,000."""


def listed_models(
    server: Server, model: str = "", *, seconds: float = _SECONDS
) -> list[str] | None:
    """The models that the server lists, as it does; None if it answers, but keeps no list.

    Raises TransientDescriberError and PermanentDescriberError.
    """
    key = server.api_key
    client = openai.OpenAI(
        api_key=key or "none",
        base_url=server.url,
        max_retries=0,
        timeout=seconds,
        http_client=openai.DefaultHttpxClient(transport=ServerTransport()),
    )
    headers = {} if key else {"Authorization": openai.Omit()}
    said = bytearray()
    try:
        with client, client.models.with_streaming_response.list(extra_headers=headers) as answer:
            for chunk in answer.iter_bytes():
                said += chunk
                if len(said) > _LONGEST:
                    raise ValueError("a list without an end")
        return _names(bytes(said))
    except openai.APIStatusError as error:
        if error.status_code in _NO_LIST:
            return None
        raise translate(error, model, key) from None
    except openai.OpenAIError as error:
        raise translate(error, model, key) from None
    except (httpx2.HTTPError, KeyError, TypeError, ValueError, RecursionError):
        raise TransientDescriberError(
            f"What is at {server.host} answers, but not as a vision model server does",
            code="unusable_answer",
        ) from None


def _names(said: bytes) -> list[str]:
    listed = json.loads(said)["data"]
    if not isinstance(listed, list):
        raise TypeError
    named = (one["id"] for one in listed[:_MOST_MODELS])
    return list(dict.fromkeys(str(one)[:200] for one in named))

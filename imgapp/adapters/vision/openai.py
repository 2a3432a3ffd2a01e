"""Any server that speaks the OpenAI chat API: OpenAI, Ollama, vLLM, llama.cpp, LM Studio, …"""

from __future__ import annotations

import base64
import logging
from dataclasses import replace
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from imgapp.adapters.vision.answer import read_answer, refused
from imgapp.adapters.vision.base import Ask, Description, Picture
from imgapp.adapters.vision.dialect import Dialect, Dialects
from imgapp.adapters.vision.failures import translate
from imgapp.adapters.vision.prompt import QUESTION
from imgapp.errors import DescriberError, TransientDescriberError

log = logging.getLogger(__name__)

DEFAULT_BASE_URL = "https://api.openai.com/v1"
TIMEOUT_SECONDS = 60.0
_DIALECTS = Dialects()

# The SDK's HTTP library logs each request with its URL, which may hold credentials.
logging.getLogger("httpx2").setLevel(logging.WARNING)


class OpenAIDescriber:
    """Asks a vision model over HTTP. Retries are the caller's: each attempt is counted there."""

    def __init__(self, *, api_key: str | None, base_url: str | None, model: str) -> None:
        self.model = model
        self.base_url = base_url or DEFAULT_BASE_URL
        self._headers: dict[str, Any] = {} if api_key else {"Authorization": openai.Omit()}
        self._client = openai.OpenAI(
            api_key=api_key or "none",
            base_url=self.base_url,
            max_retries=0,
            timeout=openai.Timeout(TIMEOUT_SECONDS, connect=5.0),
        )

    def describe(self, picture: Picture, ask: Ask) -> Description:
        """One structured answer. Raises TransientDescriberError or PermanentDescriberError."""
        model = ask.model or self.model
        while True:
            dialect = _DIALECTS.of(self.base_url, model)
            try:
                completion = self._ask(picture, ask, model, dialect)
            except openai.APIStatusError as error:
                if not _DIALECTS.step_down(self.base_url, model, dialect, error):
                    raise _translated(error, model) from None
            except openai.OpenAIError as error:
                raise _translated(error, model) from None
            except ValueError:
                raise _no_answer() from None
            else:
                return self._read(completion, ask, model, dialect)

    def _ask(self, picture: Picture, ask: Ask, model: str, dialect: Dialect) -> ChatCompletion:
        data = base64.b64encode(picture.data).decode()
        completion: ChatCompletion = self._client.chat.completions.create(
            model=model,
            messages=[
                {"role": "system", "content": ask.instructions},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": QUESTION},
                        {
                            "type": "image_url",
                            "image_url": {"url": f"data:{picture.mime_type};base64,{data}"},
                        },
                    ],
                },
            ],
            extra_headers=self._headers,
            **dialect.parameters(),
        )
        return completion

    def _read(
        self, completion: ChatCompletion, ask: Ask, model: str, dialect: Dialect
    ) -> Description:
        # A server may answer 200 with anything at all; the SDK does not check.
        choices = getattr(completion, "choices", None)
        if not isinstance(choices, list) or not choices or choices[0].message is None:
            raise _no_answer()
        message, reason = choices[0].message, choices[0].finish_reason
        if getattr(message, "refusal", None) or reason == "content_filter":
            raise refused()
        content = message.content if isinstance(message.content, str) else ""
        try:
            answer = read_answer(
                content,
                model_version=completion.model or model,
                language=ask.language,
                prose=dialect.plain,
            )
        except TransientDescriberError:
            if reason == "length":
                _DIALECTS.allow_more_tokens(self.base_url, model, dialect)
            raise
        _DIALECTS.proven(self.base_url, model, dialect)
        return _with_usage(answer, ask, completion)


def _translated(error: openai.OpenAIError, model: str) -> DescriberError:
    status = getattr(error, "status_code", None)
    code = getattr(error, "code", None)
    # Neither the message nor the URL: servers echo keys, and URLs may hold credentials.
    log.warning("vision_call_failed", extra={"http_status": status, "error_code": code})
    return translate(error, model)


def _no_answer() -> TransientDescriberError:
    return TransientDescriberError(
        "The vision model server answered with something else than an answer",
        code="unusable_answer",
    )


def _with_usage(answer: Description, ask: Ask, completion: ChatCompletion) -> Description:
    usage = completion.usage
    return replace(
        answer,
        prompt_version=ask.prompt_version,
        input_tokens=_count(getattr(usage, "prompt_tokens", None)),
        output_tokens=_count(getattr(usage, "completion_tokens", None)),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**31 else None

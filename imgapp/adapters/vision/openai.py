"""The OpenAI describer: asks any server of the chat API, from OpenAI to Ollama and llama.cpp."""

from __future__ import annotations

import base64
import logging
import weakref
from dataclasses import replace
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from imgapp.adapters.imaging import model_copy, model_parts
from imgapp.adapters.vision.answer_parser import read_answer, refused
from imgapp.adapters.vision.base import Description, Picture, Question
from imgapp.adapters.vision.error_translation import translate
from imgapp.adapters.vision.prompt import question
from imgapp.adapters.vision.server_capabilities import Dialect, Dialects
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
        self.dialects = _DIALECTS
        self._headers: dict[str, Any] = {} if api_key else {"Authorization": openai.Omit()}
        self._client = openai.OpenAI(
            api_key=api_key or "none",
            base_url=self.base_url,
            max_retries=0,
            timeout=openai.Timeout(TIMEOUT_SECONDS, connect=5.0),
        )
        # Not left to the collector, which takes client and sockets in any order.
        weakref.finalize(self, self._client.close)

    def describe(self, picture: Picture, ask: Question) -> Description:
        """One structured answer. Raises TransientDescriberError or PermanentDescriberError."""
        model = ask.model or self.model
        while True:
            dialect = self.dialects.of(self.base_url, model)
            parts = _parts(picture, dialect)
            try:
                completion = self._ask(parts, picture, ask, model, dialect)
            except openai.APIStatusError as error:
                several = len(parts) > 1
                if not self.dialects.step_down(self.base_url, model, dialect, error, several):
                    raise _translated(error, model) from None
            except openai.OpenAIError as error:
                raise _translated(error, model) from None
            except ValueError:
                raise _no_answer() from None
            else:
                break
        input_tokens, output_tokens = _usage(completion)
        try:
            answer = self._read(completion, picture, ask, model, dialect)
        except DescriberError as error:
            error.model_version = _model_version(completion, model)
            error.input_tokens, error.output_tokens = input_tokens, output_tokens
            raise
        return replace(answer, input_tokens=input_tokens, output_tokens=output_tokens)

    def _ask(
        self, parts: list[bytes], picture: Picture, ask: Question, model: str, dialect: Dialect
    ) -> ChatCompletion:
        completion: ChatCompletion = self._client.chat.completions.create(
            model=model,
            messages=_messages(parts, picture, ask, dialect),
            extra_headers=self._headers,
            **dialect.parameters(),
        )
        return completion

    def _read(
        self,
        completion: ChatCompletion,
        picture: Picture,
        ask: Question,
        model: str,
        dialect: Dialect,
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
                ask,
                model_version=_model_version(completion, model),
                # Some servers take a form and ignore it: better prose than nothing.
                prose=dialect.plain or ask.previous == "unusable_answer",
                filename=picture.filename,
            )
        except TransientDescriberError:
            if reason == "length":
                self.dialects.allow_more_tokens(self.base_url, model, dialect)
            raise
        self.dialects.proven(self.base_url, model, dialect)
        return answer


def _parts(picture: Picture, dialect: Dialect) -> list[bytes]:
    """The picture, a long one in parts if the model takes several at a time."""
    parts = model_parts(picture.data, picture.width, picture.height)
    return parts if dialect.several or len(parts) == 1 else [model_copy(picture.data)]


def _messages(parts: list[bytes], picture: Picture, ask: Question, dialect: Dialect) -> list[Any]:
    said = question(ask, parts=len(parts), transparent=bool(picture.facts.get("has_alpha")))
    if not dialect.system:
        said = f"{ask.instructions}\n\n{said}"
    content: list[Any] = [{"type": "text", "text": said}]
    for part in parts:
        url = f"data:{picture.mime_type};base64,{base64.b64encode(part).decode()}"
        content.append({"type": "image_url", "image_url": {"url": url}})
    user = {"role": "user", "content": content}
    system = {"role": "system", "content": ask.instructions}
    return [system, user] if dialect.system else [user]


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


def _usage(completion: ChatCompletion) -> tuple[int | None, int | None]:
    """Tokens in and out, as the server reported them."""
    usage = getattr(completion, "usage", None)
    return (
        _count(getattr(usage, "prompt_tokens", None)),
        _count(getattr(usage, "completion_tokens", None)),
    )


def _model_version(completion: ChatCompletion, model: str) -> str:
    said = getattr(completion, "model", None)
    return said if isinstance(said, str) and said else model


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**31 else None

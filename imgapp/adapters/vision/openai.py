"""The OpenAI describer: asks any server of the chat API, from OpenAI to Ollama and llama.cpp."""

from __future__ import annotations

import base64
import json
import logging
import time
import weakref
from dataclasses import replace
from typing import Any

import httpx2

from imgapp.adapters.imaging import model_copy, model_parts
from imgapp.adapters.imaging.long_pictures import MODEL_SIDE
from imgapp.adapters.vision import warm_up
from imgapp.adapters.vision.answer_parser import read_answer, refused
from imgapp.adapters.vision.base import Description, Picture, Question
from imgapp.adapters.vision.connections import ServerTransport
from imgapp.adapters.vision.error_translation import translate
from imgapp.adapters.vision.openai_sdk import openai
from imgapp.adapters.vision.prompt import question
from imgapp.adapters.vision.server_capabilities import Dialect, Dialects
from imgapp.adapters.vision.servers import Server
from imgapp.errors import DescriberError, TransientDescriberError

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
_LONGEST_ANSWER = 4_000_000
"""Bytes. An answer of 16,000 tokens has some 100,000."""
_DIALECTS = Dialects()

# The SDK's HTTP library logs each request with its URL, which may hold credentials.
logging.getLogger("httpx2").setLevel(logging.WARNING)


class OpenAIDescriber:
    """Asks a vision model over HTTP. Retries are the caller's: each attempt is counted there."""

    def __init__(self, server: Server, model: str) -> None:
        self.server, self.model = server, model
        self.dialects = _DIALECTS
        key = server.api_key
        self._headers: dict[str, Any] = {} if key else {"Authorization": openai.Omit()}
        self._client = openai.OpenAI(
            api_key=key or "none",
            base_url=server.url,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(transport=ServerTransport()),
        )
        # Not left to the collector, which takes client and sockets in any order.
        weakref.finalize(self, self._client.close)

    @property
    def dialect(self) -> Dialect:
        """How the model is asked now."""
        return self.dialects.of(self.server.url, self.model)

    def describe(self, picture: Picture, ask: Question) -> Description:
        """One structured answer, about the picture or the text to be translated.

        Raises TransientDescriberError or PermanentDescriberError.
        """
        deadline = time.monotonic() + self.server.seconds
        warm_up()
        while True:
            dialect = self.dialect
            parts = [] if ask.source else _parts(picture, dialect)
            try:
                completion = self._ask(parts, picture, ask, dialect, deadline)
            except openai.APIStatusError as error:
                several = len(parts) > 1
                if not self.dialects.step_down(
                    self.server.url, self.model, dialect, error, several
                ):
                    raise self._translated(error) from None
            except openai.OpenAIError as error:
                raise self._translated(error) from None
            except ValueError:
                raise _no_answer() from None
            else:
                break
        input_tokens, output_tokens = _usage(completion)
        try:
            answer = self._read(completion, picture, ask, dialect)
        except DescriberError as error:
            error.model_version = _model_version(completion, self.model)
            error.input_tokens, error.output_tokens = input_tokens, output_tokens
            raise
        return replace(answer, input_tokens=input_tokens, output_tokens=output_tokens)

    def _ask(
        self,
        parts: list[bytes],
        picture: Picture,
        ask: Question,
        dialect: Dialect,
        deadline: float,
    ) -> openai.types.chat.ChatCompletion:
        left = max(deadline - time.monotonic(), 0.1)
        said = bytearray()
        try:
            with self._client.chat.completions.with_streaming_response.create(
                model=self.model,
                messages=[],
                # As it is sent: the SDK takes longer to look through what it is given by name than
                # for all the rest of the call.
                extra_body={
                    "messages": _messages(parts, picture, ask, dialect),
                    **dialect.parameters(),
                },
                extra_headers=self._headers,
                timeout=openai.Timeout(left, connect=CONNECT_SECONDS),
            ) as response:
                for chunk in response.iter_bytes():
                    said += chunk
                    if len(said) > _LONGEST_ANSWER:
                        raise ValueError("an answer without an end")
        except httpx2.HTTPError as error:
            # The SDK translates what happens before the answer begins.
            raise _as_of_the_sdk(error, self.server.url) from None
        return openai.types.chat.ChatCompletion.construct(**_members(bytes(said)))

    def _read(
        self,
        completion: openai.types.chat.ChatCompletion,
        picture: Picture,
        ask: Question,
        dialect: Dialect,
    ) -> Description:
        # A server may answer 200 with anything at all; the SDK does not check.
        choices = getattr(completion, "choices", None)
        if not isinstance(choices, list) or not choices:
            raise _no_answer()
        message = getattr(choices[0], "message", None)
        if message is None:
            raise _no_answer()
        reason = getattr(choices[0], "finish_reason", None)
        if getattr(message, "refusal", None) or reason == "content_filter":
            raise refused()
        said = getattr(message, "content", None)
        content = said if isinstance(said, str) else ""
        version = _model_version(completion, self.model)
        try:
            answer = read_answer(
                content,
                ask,
                model_version=version,
                # Some servers take a form and ignore it: better prose than nothing.
                prose=dialect.plain or ask.previous == "unusable_answer",
                filename=picture.filename,
            )
        except TransientDescriberError:
            if reason == "length":
                self.dialects.allow_more_tokens(self.server.url, self.model, dialect)
            raise
        build = getattr(completion, "system_fingerprint", None)
        self.dialects.proven(self.server.url, self.model, dialect, f"{version} {build or ''}")
        return answer

    def _translated(self, error: openai.OpenAIError) -> DescriberError:
        translated = translate(error, self.model, self.server.api_key)
        if translated.code in ("model_unreachable", "model_unavailable"):
            self.dialects.forget(self.server.url, self.model)
        # Quoted without keys; not the address, which may hold credentials.
        log.warning("vision_call_failed %s: %s", translated.code, translated.said or "no answer")
        return translated


def _as_of_the_sdk(error: httpx2.HTTPError, url: str) -> Exception:
    request = httpx2.Request("POST", url)
    if isinstance(error, httpx2.TimeoutException):
        return openai.APITimeoutError(request)
    if isinstance(error, httpx2.DecodingError):
        return ValueError("not what it says")
    return openai.APIConnectionError(request=request)


def _members(answer: bytes) -> dict[str, Any]:
    """The object that an answer is. Raises ValueError."""
    try:
        found = json.loads(answer)
    except RecursionError:
        found = None
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _parts(picture: Picture, dialect: Dialect) -> list[bytes]:
    """The picture, a long one in parts if the model takes several at a time."""
    if dialect.side < MODEL_SIDE:
        return [model_copy(picture.data, dialect.side)]
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


def _no_answer() -> TransientDescriberError:
    return TransientDescriberError(
        "The vision model server answered with something else than an answer",
        code="unusable_answer",
    )


def _usage(completion: openai.types.chat.ChatCompletion) -> tuple[int | None, int | None]:
    """Tokens in and out, as the server reported them."""
    usage = getattr(completion, "usage", None)
    return (
        _count(getattr(usage, "prompt_tokens", None)),
        _count(getattr(usage, "completion_tokens", None)),
    )


def _model_version(completion: openai.types.chat.ChatCompletion, model: str) -> str:
    said = getattr(completion, "model", None)
    return said if isinstance(said, str) and said else model


def _count(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**31 else None

"""Model errors: translate a server's failure into words for the picture's owner.

Messages hold neither keys nor addresses: servers echo keys, and URLs may hold credentials.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from imgapp.adapters.vision.answer_parser import refused
from imgapp.adapters.vision.openai_sdk import openai
from imgapp.adapters.vision.refusals import Subject, quoted, subject_of, words_of
from imgapp.errors import DescriberError, PermanentDescriberError, TransientDescriberError

_ASK = "Ask your administrator to"

_STATUS_MEANS = {
    401: Subject.KEY,
    402: Subject.CREDIT,
    404: Subject.MODEL,
}
_PERMANENT = {
    Subject.KEY: (
        "key_refused",
        f"The vision model server refused the API key. {_ASK} check it on the page Models, or "
        "OPENAI_API_KEY.",
    ),
    Subject.CREDIT: (
        "no_credit",
        f"The account at the vision model server has no credit left. {_ASK} check its billing.",
    ),
    Subject.MODEL: (
        "model_not_found",
        "The vision model server does not know the model “{model}”. "
        f"{_ASK} choose another one on the page Models, or check IMGAPP_VISION_MODEL and "
        "OPENAI_BASE_URL.",
    ),
    Subject.VISION: (
        "model_without_vision",
        f"The model “{{model}}” cannot look at pictures. {_ASK} choose one that can, on the page "
        "Models or by IMGAPP_VISION_MODEL.",
    ),
    Subject.CONTEXT: (
        "context_too_small",
        "The context of the model “{model}” is too small even for a small picture and a short "
        f"answer. {_ASK} give it 8,192 tokens or more.",
    ),
}
_BY_STATUS = {
    403: (
        "access_denied",
        f"The vision model server does not allow this. {_ASK} check what the API key may use.",
    ),
    413: (
        "request_too_large",
        f"The vision model server takes only smaller requests. {_ASK} raise its limit to 2 MB.",
    ),
}
_TRANSIENT = {
    408: ("model_timeout", "The vision model did not answer in time"),
    409: ("model_unavailable", "The vision model server was busy"),
    425: ("model_unavailable", "The vision model server was busy"),
    429: ("rate_limited", "The vision model server takes no more requests for now"),
}

_WHEN = re.compile(r"(?:retry|try again) in (\d{1,6}(?:\.\d{1,9})?) ?(ms|s\b|second)", re.I)


def translate(error: openai.OpenAIError, model: str, key: str | None = None) -> DescriberError:
    """The SDK's exception as one of ours; `key` is not quoted."""
    translated = _translated(error, model)
    if isinstance(error, openai.APIStatusError):
        translated.said = quoted(f"HTTP {error.status_code}: {words_of(error)}", key)
    return translated


def _translated(error: openai.OpenAIError, model: str) -> DescriberError:
    if isinstance(error.__cause__, httpx2.ConnectTimeout):
        return _unreachable()
    if isinstance(error, openai.APITimeoutError):
        return TransientDescriberError(
            "The vision model did not answer in time", code="model_timeout"
        )
    if isinstance(error, openai.APIStatusError):
        return _from_status(error, model)
    if isinstance(error, openai.APIConnectionError):
        return _unreachable()
    return TransientDescriberError("The vision model gave no usable answer", code="unusable_answer")


def _unreachable() -> TransientDescriberError:
    return TransientDescriberError(
        f"The vision model server cannot be reached. {_ASK} check its address on the page Models, "
        "or OPENAI_BASE_URL.",
        code="model_unreachable",
    )


def _from_status(error: openai.APIStatusError, model: str) -> DescriberError:
    status, about = error.status_code, subject_of(error, model)
    if about is Subject.POLICY:
        return refused()
    if about is Subject.ROOM:
        return TransientDescriberError(
            "The vision model server could not load the model: it may be too large for its memory",
            code="model_unavailable",
        )
    if about is Subject.LOADING:
        return TransientDescriberError(
            "The vision model server is loading the model", code="model_unavailable"
        )
    if about not in _PERMANENT:
        about = _STATUS_MEANS.get(status)
    if about is Subject.CREDIT and status == 429 and retry_after(error) is not None:
        # What comes back in time is a pace, whatever it is called.
        about = None
    if about is not None:
        code, detail = _PERMANENT[about]
        return PermanentDescriberError(detail.format(model=model), code=code)
    if status in _TRANSIENT or status >= 500:
        code, detail = _TRANSIENT.get(
            status, ("model_unavailable", f"The vision model server failed (HTTP {status})")
        )
        return TransientDescriberError(detail, code=code, retry_after=retry_after(error))
    code, detail = _BY_STATUS.get(
        status,
        (
            "request_refused",
            f"The vision model server did not accept the request (HTTP {status}). "
            f"{_ASK} try it on the page Models, and to look at the server's log.",
        ),
    )
    return PermanentDescriberError(detail, code=code)


def retry_after(error: openai.APIStatusError) -> float | None:
    """Seconds until the server wants to be asked again (RFC 9110, 10.2.3), or None."""
    headers = error.response.headers
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return max(float(milliseconds) / 1000, 0.0)
        # LiteLLM passes on under a name of its own what the provider behind it asked for.
        value = headers.get("retry-after") or headers.get("llm_provider-retry-after")
        if value is None:
            # Gemini says it in words alone.
            told = _WHEN.search(words_of(error))
            return float(told[1]) * (0.001 if told[2] == "ms" else 1) if told else None
        if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
            return float(value)
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max((when - datetime.now(UTC)).total_seconds(), 0.0)

"""Model errors: translate a server's failure into words for the picture's owner.

Messages hold neither keys nor addresses: servers echo keys, and URLs may hold credentials.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import openai

from imgapp.adapters.vision.answer_parser import refused
from imgapp.errors import DescriberError, PermanentDescriberError, TransientDescriberError

_REFUSED = re.compile(r"content[_ ]?(filter|policy)|moderation|safety system", re.I)
_NO_VISION = re.compile(r"(image|vision|multi-?modal)", re.I)
_NOT_SUPPORTED = re.compile(
    r"not support|unsupported|does not|doesn't|no endpoints|text.only", re.I
)
_ASK = "Ask your administrator to"

_PERMANENT = {
    401: (
        "key_refused",
        f"The vision model server refused the API key. {_ASK} check OPENAI_API_KEY.",
    ),
    402: (
        "no_credit",
        f"The account at the vision model server has no credit left. {_ASK} check its billing.",
    ),
    403: (
        "access_denied",
        f"The vision model server does not allow this. {_ASK} check what OPENAI_API_KEY may use.",
    ),
    404: (
        "model_not_found",
        "The vision model server does not know the model “{model}”. "
        f"{_ASK} check IMGAPP_VISION_MODEL and OPENAI_BASE_URL.",
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


def translate(error: openai.OpenAIError, model: str) -> DescriberError:
    """The SDK's exception as one of ours."""
    if isinstance(error, openai.APITimeoutError):
        return TransientDescriberError(
            "The vision model did not answer in time", code="model_timeout"
        )
    if isinstance(error, openai.APIStatusError):
        return _from_status(error, model)
    if isinstance(error, openai.APIConnectionError):
        return TransientDescriberError(
            f"The vision model server cannot be reached. {_ASK} check OPENAI_BASE_URL.",
            code="model_unreachable",
        )
    return TransientDescriberError("The vision model gave no usable answer", code="unusable_answer")


def _from_status(error: openai.APIStatusError, model: str) -> DescriberError:
    status = error.status_code
    said = f"{error.message} {error.code} {error.type}"
    if status == 429 and error.code in ("insufficient_quota", "billing_hard_limit_reached"):
        status = 402
    if status in _TRANSIENT or status >= 500:
        code, detail = _TRANSIENT.get(
            status, ("model_unavailable", f"The vision model server failed (HTTP {status})")
        )
        return TransientDescriberError(detail, code=code, retry_after=retry_after(error))
    if status in (400, 403, 422) and _REFUSED.search(said):
        return refused()
    if status in (400, 404, 422) and _NO_VISION.search(said) and _NOT_SUPPORTED.search(said):
        return PermanentDescriberError(
            f"The model “{model}” cannot look at pictures. {_ASK} set IMGAPP_VISION_MODEL to one "
            "that can.",
            code="model_without_vision",
        )
    code, detail = _PERMANENT.get(
        status,
        (
            "request_refused",
            f"The vision model server did not accept the request (HTTP {status}). "
            f"{_ASK} check IMGAPP_VISION_MODEL and the server's log.",
        ),
    )
    return PermanentDescriberError(detail.format(model=model), code=code)


def retry_after(error: openai.APIStatusError) -> float | None:
    """Seconds until the server wants to be asked again (RFC 9110, 10.2.3), or None."""
    headers = error.response.headers
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return max(float(milliseconds) / 1000, 0.0)
        value = headers.get("retry-after")
        if value is None:
            return None
        if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
            return float(value)
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max((when - datetime.now(UTC)).total_seconds(), 0.0)

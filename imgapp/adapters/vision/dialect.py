"""What a server and model have been found to support, remembered for the life of the process.

Servers differ (karakeep #2893): some reject a JSON schema, some JSON mode, some either name of the
token limit. A call starts with the best form and steps down when the server says no.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from typing import Any

import openai

from imgapp.adapters.vision.prompt import ANSWER_SCHEMA

_FORMATS = ("json_schema", "json_object", None)
_LIMITS = ("max_completion_tokens", "max_tokens", None)
_FIRST_TOKENS = 4_000
_MOST_TOKENS = 16_000

_ABOUT_LIMIT = re.compile(r"max_completion_tokens|max_tokens|context length", re.I)
_ABOUT_FORMAT = re.compile(
    r"response[_ ]?format|json|schema|structured|grammar|guided|requested parameters", re.I
)
_ABOUT_CONTENT = re.compile(r"content[_ ]?(filter|policy)|moderation|safety|image", re.I)


@dataclass(frozen=True)
class Dialect:
    """One way to ask. Immutable, so that two calls in flight step down once, not twice."""

    form: int = 0
    limit: int = 0
    tokens: int = _FIRST_TOKENS
    proven: bool = False
    """An answer has come back in this form, so a rejection is about the picture."""

    @property
    def plain(self) -> bool:
        """Whether no structured form is left."""
        return _FORMATS[self.form] is None

    def parameters(self) -> dict[str, Any]:
        """The arguments of the call that say how to answer."""
        arguments: dict[str, Any] = {}
        if (limit := _LIMITS[self.limit]) is not None:
            arguments[limit] = self.tokens
        if (form := _FORMATS[self.form]) == "json_schema":
            schema = {"name": "picture", "strict": True, "schema": ANSWER_SCHEMA}
            arguments["response_format"] = {"type": form, "json_schema": schema}
        elif form is not None:
            arguments["response_format"] = {"type": form}
        return arguments


class Dialects:
    """The dialect of each server and model."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Dialect] = {}
        self._lock = threading.Lock()

    def of(self, base_url: str, model: str) -> Dialect:
        """How to ask this model."""
        return self._known.get((base_url, model), Dialect())

    def step_down(
        self, base_url: str, model: str, used: Dialect, error: openai.APIStatusError
    ) -> bool:
        """Whether the rejection was of the form, and another one is worth a call."""
        lower = _lower(used, error)
        return lower is not None and self._change(base_url, model, used, lower)

    def proven(self, base_url: str, model: str, used: Dialect) -> None:
        """An answer came back in this form."""
        if not used.proven:
            self._change(base_url, model, used, replace(used, proven=True))

    def allow_more_tokens(self, base_url: str, model: str, used: Dialect) -> None:
        """The answer was cut off; a thinking model may need more room for its thoughts."""
        more = min(used.tokens * 2, _MOST_TOKENS)
        self._change(base_url, model, used, replace(used, tokens=more))

    def _change(self, base_url: str, model: str, used: Dialect, new: Dialect) -> bool:
        with self._lock:
            # Another call may have stepped down meanwhile: then its finding stands.
            if self.of(base_url, model) == used:
                self._known[base_url, model] = new
            return True


def _lower(used: Dialect, error: openai.APIStatusError) -> Dialect | None:
    if error.status_code not in (400, 404, 422):
        return None
    said = " ".join(str(part) for part in (error.message, error.code, error.param, error.type))
    if _ABOUT_LIMIT.search(said):
        return _next(used, limit=True)
    if _ABOUT_FORMAT.search(said):
        return _next(used, form=True)
    if error.status_code == 404 or used.proven or _ABOUT_CONTENT.search(said):
        return None
    return _next(used, form=True, limit=True)


def _next(used: Dialect, *, form: bool = False, limit: bool = False) -> Dialect | None:
    lower = replace(
        used,
        form=min(used.form + form, len(_FORMATS) - 1),
        limit=min(used.limit + limit, len(_LIMITS) - 1),
        proven=False,
    )
    changed = (lower.form, lower.limit) != (used.form, used.limit)
    return lower if changed else None

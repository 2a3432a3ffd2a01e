"""Server capabilities: remember for all processes what a server and model support.

Servers differ (karakeep #2893): some reject a JSON schema, some JSON mode, some either name of the
token limit, some a system message. A call starts with the best form and steps down when the server
says no. What was found is kept for a week, so that a server that has learned more is noticed.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import openai

from imgapp.adapters.vision import server_hints
from imgapp.adapters.vision.prompt import ANSWER_SCHEMA

_FORMATS = ("json_schema", "json_object", None)
_LIMITS = ("max_completion_tokens", "max_tokens", None)
_FIRST_TOKENS = 4_000
_MOST_TOKENS = 16_000
_REREAD_SECONDS = 3600.0
"""After so long a process looks again at what is remembered for all."""

_ABOUT_LIMIT = re.compile(r"max_completion_tokens|max_tokens|context length", re.I)
_ABOUT_FORMAT = re.compile(
    r"response[_ ]?format|json|schema|structured|grammar|guided|requested parameters", re.I
)
_ABOUT_SYSTEM = re.compile(
    r"system (role|message|prompt|instruction)|developer (role|instruction)|roles? must alternate",
    re.I,
)
_ABOUT_SEVERAL = re.compile(
    r"(multiple|many|several|one|\d+) (images?|pictures?|.{0,20}image\(s\))|images? per"
    r"|context[_ ](size|length|window)|max_model_len",
    re.I,
)
_ABOUT_POLICY = re.compile(r"content[_ ]?(filter|policy)|moderation|safety", re.I)


@dataclass(frozen=True)
class Dialect:
    """One way to ask. Immutable, so that two calls in flight step down once, not twice."""

    form: int = 0
    limit: int = 0
    tokens: int = _FIRST_TOKENS
    system: bool = True
    """Whether the model takes a system message."""
    several: bool = True
    """Whether it takes several pictures at a time, the parts of a long one."""
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
    """The dialect of each server and model: at hand here, and remembered for other processes."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[Dialect, float]] = {}
        self._lock = threading.Lock()

    def of(self, base_url: str, model: str) -> Dialect:
        """How to ask this model."""
        dialect, until = self._known.get((base_url, model), (None, 0.0))
        if dialect is None or time.monotonic() > until:
            dialect = _restored(server_hints.recall(base_url, model)) or Dialect()
            self._keep(base_url, model, dialect)
        return dialect

    def step_down(
        self,
        base_url: str,
        model: str,
        used: Dialect,
        error: openai.APIStatusError,
        several: bool = False,
    ) -> bool:
        """Whether the rejection was of the form, and another one is worth a call.

        `several` is whether the picture was sent in parts.
        """
        lower = _lower(used, error, several)
        if lower is not None:
            self._change(base_url, model, used, lower)
        return lower is not None

    def proven(self, base_url: str, model: str, used: Dialect) -> None:
        """An answer came back in this form."""
        if not used.proven:
            self._change(base_url, model, used, replace(used, proven=True))

    def allow_more_tokens(self, base_url: str, model: str, used: Dialect) -> None:
        """The answer was cut off; a thinking model may need more room for its thoughts."""
        more = min(used.tokens * 2, _MOST_TOKENS)
        self._change(base_url, model, used, replace(used, tokens=more))

    def _change(self, base_url: str, model: str, used: Dialect, new: Dialect) -> None:
        with self._lock:
            # Another call may have stepped down meanwhile: then its finding stands.
            if self.of(base_url, model) != used:
                return
            self._keep(base_url, model, new)
        server_hints.remember(base_url, model, asdict(new))

    def _keep(self, base_url: str, model: str, dialect: Dialect) -> None:
        self._known[base_url, model] = (dialect, time.monotonic() + _REREAD_SECONDS)


def _restored(found: dict[str, Any] | None) -> Dialect | None:
    """What another process, perhaps of another version, has found; None if it makes no sense."""
    if found is None:
        return None
    numbers = [found.get(name) for name in ("form", "limit", "tokens")]
    flags = [found.get(name) for name in ("system", "several", "proven")]
    if not all(type(n) is int for n in numbers) or not all(type(f) is bool for f in flags):
        return None
    kept = Dialect(**{name: found[name] for name in asdict(Dialect())})
    fits = 0 <= kept.form < len(_FORMATS) and 0 <= kept.limit < len(_LIMITS)
    return kept if fits and _FIRST_TOKENS <= kept.tokens <= _MOST_TOKENS else None


def _lower(used: Dialect, error: openai.APIStatusError, several: bool) -> Dialect | None:
    said = " ".join(str(part) for part in (error.message, error.code, error.param, error.type))
    if several and (error.status_code == 413 or _ABOUT_SEVERAL.search(said)):
        return replace(used, several=False)
    if error.status_code not in (400, 404, 422):
        return None
    if used.system and _ABOUT_SYSTEM.search(said):
        return replace(used, system=False, proven=False)
    if _ABOUT_LIMIT.search(said):
        return _next(used, limit=True)
    if _ABOUT_FORMAT.search(said):
        return _next(used, form=True)
    if error.status_code == 404 or _ABOUT_POLICY.search(said):
        return None
    if used.proven or "image" in said.lower():
        # Servers differ in how they say that one picture is all they take.
        return replace(used, several=False) if several else None
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

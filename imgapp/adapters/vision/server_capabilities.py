"""Server capabilities: remember for all processes what a server and model support.

Servers differ (karakeep #2893): some reject a JSON schema, some JSON mode, some either name of the
token limit, some a system message, and a small context takes neither long answers nor large
pictures. A call starts with the best form and steps down when the server names what it does not
take: any other failure says nothing of the form. All of it is tried anew when the server was away
or another model answers, and after an hour.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import asdict, dataclass, replace
from math import inf
from typing import Any

from imgapp.adapters.imaging.long_pictures import MODEL_SIDE
from imgapp.adapters.vision import server_hints
from imgapp.adapters.vision.openai_sdk import openai
from imgapp.adapters.vision.prompt import ANSWER_SCHEMA
from imgapp.adapters.vision.refusals import Subject, is_about, subject_of

log = logging.getLogger(__name__)

_FORMATS = ("json_schema", "json_object", None)
_LIMITS = ("max_completion_tokens", "max_tokens", None)
_FIRST_TOKENS = 4_000
_MOST_TOKENS = 16_000
_FEWEST_TOKENS = 500
_SIDES = (MODEL_SIDE, 768, 512, 384)
"""Of the picture, in pixels at most."""
_REREAD_SECONDS = 60.0
"""After so long a process looks again at what is remembered for all."""

_RENEWAL_SECONDS = 600.0
"""Between two changes of the model that are believed: behind one name, builds may take turns."""


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
    side: int = MODEL_SIDE
    """How long a picture may be, in pixels."""
    answered_as: str | None = None
    """What the server called itself when an answer came back in this form; null: none did yet."""

    @property
    def short(self) -> bool:
        """Whether the context is so small that less is asked, or the picture made smaller."""
        return self.tokens < _FIRST_TOKENS or self.side < MODEL_SIDE

    @property
    def lowered(self) -> bool:
        """Whether anything at all is not asked as it is asked first."""
        return replace(self, answered_as=None) != Dialect()

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
        self._renewed: dict[tuple[str, str], float] = {}
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
        lower = _lower(used, error, model, several)
        if lower is not None:
            self._change(base_url, model, used, lower)
        return lower is not None

    def proven(self, base_url: str, model: str, used: Dialect, answered_as: str) -> None:
        """An answer came back in this form, from a server that calls itself so.

        Where it called itself otherwise before, it is another model: it may take more.
        """
        if used.answered_as == answered_as:
            return
        if used.answered_as is None or not used.lowered:
            self._change(base_url, model, used, replace(used, answered_as=answered_as))
        elif time.monotonic() > self._renewed.get((base_url, model), -inf) + _RENEWAL_SECONDS:
            self._renewed[base_url, model] = time.monotonic()
            self._change(base_url, model, used, Dialect())

    def forget(self, base_url: str, model: str) -> None:
        """The server was away: it may come back as another one."""
        dialect = self._known.get((base_url, model), (Dialect(), 0.0))[0]
        if dialect.lowered:
            self._change(base_url, model, dialect, Dialect())

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
    numbers = [found.get(name) for name in ("form", "limit", "tokens", "side")]
    flags = [found.get(name) for name in ("system", "several")]
    if not all(type(n) is int for n in numbers) or not all(type(f) is bool for f in flags):
        return None
    if not isinstance(found.get("answered_as"), str | None):
        return None
    known: dict[str, Any] = {name: found.get(name) for name in asdict(Dialect())}
    kept = Dialect(**known)
    fits = 0 <= kept.form < len(_FORMATS) and 0 <= kept.limit < len(_LIMITS)
    fits = fits and kept.side in _SIDES
    return kept if fits and _FEWEST_TOKENS <= kept.tokens <= _MOST_TOKENS else None


def _lower(
    used: Dialect, error: openai.APIStatusError, model: str, several: bool
) -> Dialect | None:
    """The next simpler way to ask, if what the server objects to can be left out."""
    about = subject_of(error, model)
    if several and (
        about is Subject.CONTEXT
        or is_about(error, Subject.SEVERAL, model)
        or error.status_code == 413
        # Servers differ in how they say that one picture is all they take.
        or (about is None and error.status_code in (400, 422))
    ):
        return replace(used, several=False)
    if about is Subject.SYSTEM and used.system:
        return replace(used, system=False, answered_as=None)
    if about is Subject.CONTEXT:
        return _shorter(used)
    if about is Subject.LIMIT and used.limit + 1 < len(_LIMITS):
        return replace(used, limit=used.limit + 1, answered_as=None)
    if about is Subject.FORM and used.form + 1 < len(_FORMATS):
        return replace(used, form=used.form + 1, answered_as=None)
    return None


def _shorter(used: Dialect) -> Dialect | None:
    """Fewer tokens, then a smaller picture: in this order, as a short answer is an answer."""
    smaller = next((side for side in _SIDES if side < used.side), None)
    if used.tokens > _FEWEST_TOKENS:
        lower = replace(used, tokens=max(_FEWEST_TOKENS, used.tokens // 3))
    elif smaller is not None:
        lower = replace(used, side=smaller)
    else:
        return None
    log.warning("vision_context_small", extra={"tokens": lower.tokens, "side": lower.side})
    return lower

"""Refusals: tell what a vision server's error is about, by what servers really say.

Their status says little: llama.cpp answers a picture for a text model with 500, LiteLLM a wrong key
with 400 and a used-up quota with 429. docs/vision-servers.md says who was seen to say what.
"""

from __future__ import annotations

import json
import re
from enum import Enum

from imgapp.adapters.vision.openai_sdk import openai


class Subject(Enum):
    """What a server objects to."""

    POLICY = "what the picture shows"
    VISION = "any picture at all"
    SEVERAL = "several pictures in one request"
    CONTEXT = "the length of the request, or of the answer that is asked for"
    CREDIT = "what the account has left"
    KEY = "the key"
    MODEL = "the name of the model"
    ROOM = "a model that is too large for it"
    LOADING = "being asked while it starts"
    SYSTEM = "the system message"
    LIMIT = "the name of the token limit"
    FORM = "the form of the answer"


_PICTURES = r"(?<![\w.\-/:])(image(s|_url)?|vision|multi-?modal(ity)?|pictures?)(?![\w\-/:])"
"""Not as part of a name, as in llama3.2-vision."""
_SAID = {
    subject: re.compile(pattern, re.I | re.S)
    for subject, pattern in {
        Subject.POLICY: r"content[_ ]?(filter|policy)|moderation|safety system",
        Subject.ROOM: (
            r"more system memory|insufficient (system resources|memory)|out of memory"
            r"|failed to load (the )?model|model failed to load"
        ),
        Subject.LOADING: r"loading model|model is (still )?(loading|being loaded)|warming up",
        Subject.VISION: (
            # What it takes of a picture, and what is wrong with this one, is another matter.
            r"^(?!.*(image (format|type|data|size)|formats|mime|image_parse|invalid[_ ]image"
            r"|unsupported image\b(?! inp)))"
            r".*?(image input is not supported|not a multi-?modal model|at most 0 image"
            rf"|{_PICTURES}.{{0,60}}"
            r"(not support|unsupported|only supported by|no endpoints|not (enabled|available))"
            r"|(not support|unsupported|doesn't support|cannot process|no endpoints).{0,60}"
            rf"{_PICTURES}"
            r"|missing data required for|may need to provide the mmproj|text.only model)"
        ),
        Subject.CONTEXT: (
            r"exceed_context_size|context[_ ]?(size|length|window)|maximum context|max_model_len"
            r"|maximum model length"
            r"|too many tokens|prompt (is )?too long|reduce the length"
            r"|max_(completion_)?tokens.{0,40}(too large|exceed|at most|less than|greater than)"
        ),
        Subject.SEVERAL: (
            r"(multiple|many|several|one|\d+) (images?|pictures?|.{0,20}image\(s\))|images? per"
        ),
        Subject.CREDIT: (
            r"insufficient_quota|billing_hard_limit|exceeded your current quota"
            r"|budget has been exceeded|exceededbudget|insufficient (credit|balance|funds)"
        ),
        Subject.KEY: (
            r"invalid[_ ]api[_ ]key|incorrect api key|api[_ ]key[_ ](is |not )?(in)?valid"
            r"|no_db_connection|no connected db"
            r"|no api key passed|authentication error, invalid"
        ),
        Subject.MODEL: (
            r"invalid model( name|_name)?|model[_ ]not[_ ]found|no models? (is |are )?loaded"
            r"|(model|llm) .{0,200}(not found|does not exist|is not (found|loaded|available))"
            r"|unknown model|no such model"
        ),
        Subject.SYSTEM: (
            r"system (role|message|prompt|instruction)|developer (role|instruction)"
            r"|roles? must alternate"
        ),
        Subject.LIMIT: r"max_completion_tokens|max_tokens",
        Subject.FORM: (
            r"response[_ ]?format|json[_ ]?(schema|object|mode)|structured|grammar|guided"
            r"|requested parameters|initialize samplers"
        ),
    }.items()
}
_ASKING = (400, 404, 413, 422)
_ANY = (*_ASKING, 401, 402, 403, 429, 500, 501, 503)
_STATUSES = {
    Subject.POLICY: (400, 403, 422),
    Subject.ROOM: (400, 404, 500, 503),
    Subject.LOADING: (500, 503),
    Subject.VISION: (400, 404, 422, 500, 501),
    # As 500 it stands in answers of llama.cpp before 2025, and of what is built upon it.
    Subject.CONTEXT: (400, 413, 422, 500),
    Subject.CREDIT: _ANY,
    Subject.KEY: (400, 401, 403, 500),
    Subject.MODEL: (400, 404, 422),
    # Some say in a sentence of their own what they cannot do, under a status for their own faults.
    Subject.SEVERAL: (400, 413, 422, 500),
    Subject.SYSTEM: (400, 404, 422, 500),
    Subject.LIMIT: (400, 404, 422),
    Subject.FORM: (400, 404, 422, 501),
}
_LONGEST = 4_000
"""Characters of an answer that are looked at."""


def subject_of(error: openai.APIStatusError, model: str = "") -> Subject | None:
    """What the server objects to, the first that fits; None where it does not say.

    `model` is what was asked: its name says nothing.
    """
    return next((subject for subject in _SAID if is_about(error, subject, model)), None)


def is_about(error: openai.APIStatusError, subject: Subject, model: str = "") -> bool:
    """Whether it may be this, whatever else fits."""
    if error.status_code not in _STATUSES[subject]:
        return False
    said = words_of(error)
    if model:
        said = re.sub(rf"(?<![\w.\-/:]){re.escape(model)}(?![\w\-/])", "…", said)
    return bool(_SAID[subject].search(said))


def words_of(error: openai.APIStatusError) -> str:
    """Message, code, parameter and type of the error, shortened."""
    said = (error.message, error.code, error.param, error.type, _unread(error.body))
    return " ".join(str(part) for part in said if part)[:_LONGEST]


def _unread(body: object) -> str | None:
    """What the SDK finds no message in: LM Studio says a string, Gemini a list."""
    if body is None or (isinstance(body, dict) and isinstance(body.get("message"), str)):
        return None
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


_SECRETS = (
    re.compile(r"\b(sk|pk|rk|key|gsk|hf|xai|AIza)[-_][\w.\-]{6,}"),
    re.compile(r"\bAIza[\w\-]{20,}"),
    re.compile(r"(?i)\bbearer\s+\S+"),
    re.compile(r"(?i)(?<=://)[^/\s@]+@"),
    re.compile(r"(?i)\b(api[-_ ]?key|token|secret|password)(['\"]?\s*[:=]\s*)\S+"),
    re.compile(r"\b[A-Za-z0-9+/_\-]{32,}={0,2}"),
)


def quoted(said: str, *secrets: str | None) -> str:
    """What a server said, in one line of at most 300 characters, without keys: for administrators.

    `secrets` are those that were sent; whatever else looks like one goes as well.
    """
    for secret in filter(None, secrets):
        said = said.replace(secret, "…")
    for pattern in _SECRETS:
        said = pattern.sub("…", said)
    line = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    return line if len(line) <= 300 else line[:299] + "…"

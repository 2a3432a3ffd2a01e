"""Reasons in words: why pictures wait and fail, as headings, without what a server said."""

from __future__ import annotations

from imgapp.models import WaitingReason

FAILURES = {
    "context_too_small": "The context of the model is too small",
    "access_denied": "The vision model server does not allow it",
    "content_refused": "The vision model refused to describe it",
    "internal_error": "Something went wrong in imgapp",
    "key_refused": "The vision model server refused the API key",
    "lost": "The analysis was interrupted again and again",
    "model_not_found": "The vision model server does not know the model",
    "model_timeout": "The vision model did not answer in time",
    "model_unavailable": "The vision model server failed",
    "model_unreachable": "The vision model server could not be reached",
    "model_without_vision": "The model cannot look at pictures",
    "no_credit": "The account at the vision model server has no credit",
    "not_configured": "No vision model is configured",
    "preview_missing": "The picture's preview is missing from the store",
    "rate_limited": "The vision model server took no more requests",
    "request_refused": "The vision model server did not accept the request",
    "request_too_large": "The vision model server takes only smaller requests",
    "store_unavailable": "The picture store did not answer",
    "unreadable": "The picture cannot be read",
    "unusable_answer": "The vision model gave no usable answer",
    "wrong_language": "The vision model answered in another language",
}
WAITS = {
    WaitingReason.BUDGET: "for a budget",
    WaitingReason.PAUSED: "because of a pause",
    WaitingReason.PROVIDER_DOWN: "for the vision model server, the picture store or Redis",
}


def failure_words(code: str) -> str:
    """A reason of failures as a heading. Codes that are not known here show as they are."""
    return FAILURES.get(code, code.replace("_", " ").capitalize())


def pictures(count: int) -> str:
    """ "1 picture", "1,204 pictures"."""
    return f"{count:,} picture{'' if count == 1 else 's'}"


def duration_words(seconds: float) -> str:
    """Roughly how long: 8 s, 3 min, 2 h 5 min, 4 days."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{max(int(seconds), 0)} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    return f"{hours} h {rest} min" if rest else f"{hours} h"

"""Handlers of last resort for exceptions that nobody caught: in an event handler, in a browser."""

from __future__ import annotations

import logging

from reflex.event import EventSpec

from imgapp.errors import NotSignedIn
from imgapp.ui.shell.notices import NoticeState

log = logging.getLogger(__name__)

_MOST_CHARACTERS = 500


def on_backend_exception(exception: Exception) -> EventSpec | None:
    """Log the exception of an event handler; the page says that something failed, not what.

    An event without a session is no fault: it is not logged, and the page says nothing.
    """
    if isinstance(exception, NotSignedIn):
        return None
    log.error("handler_failed", exc_info=exception)
    return NoticeState.say_that_it_failed()


def on_frontend_exception(exception: Exception) -> None:
    """Log what a browser reports, escaped and cut: anybody can send it (CWE-117).

    The page that broke has said so by itself (`pages.look`).
    """
    said = str(exception).encode("unicode_escape").decode("ascii")
    log.warning("page_failed", extra={"said": said[:_MOST_CHARACTERS]})

"""Exceptions that nobody caught: those of handlers and of browsers into the log; of those of
handlers, the page says that something went wrong."""

from __future__ import annotations

import logging

from reflex.event import EventSpec

from imgapp.errors import NotSignedIn
from imgapp.ui.shell.notices import NoticeState

log = logging.getLogger(__name__)

_MOST_CHARACTERS = 500


def on_backend_exception(exception: Exception) -> EventSpec | None:
    """Log it, and say on the page that something went wrong; no more than that.

    A session that ended is left to the session checks.
    """
    if isinstance(exception, NotSignedIn):
        return None
    log.error("handler_failed", exc_info=exception)
    return NoticeState.say_that_it_failed()


def on_frontend_exception(exception: Exception) -> None:
    """Log what a browser reports, on one line: its words are not ours."""
    said = str(exception).encode("unicode_escape").decode("ascii")
    log.warning("page_failed", extra={"said": said[:_MOST_CHARACTERS]})

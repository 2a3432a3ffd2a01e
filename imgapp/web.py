"""The web server: loads the application once, then forks the processes that serve it (Granian).

Forked from one that has it, they share the memory of all that nobody changes, and are there at
once, also when one has to be started again. What the first request prepares is prepared before
that, or each of them would keep it for itself. Where processes cannot be forked they load it
themselves.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import sys

# Nothing of what is imported is garbage, and looking for it takes a quarter of the time.
gc.disable()

from granian import Granian  # noqa: E402
from granian.constants import Interfaces  # noqa: E402
from granian.log import LogLevels  # noqa: E402
from starlette.types import ASGIApp, Message, Scope  # noqa: E402

from imgapp.adapters import db  # noqa: E402
from imgapp.imgapp import app  # noqa: E402
from imgapp.services.common import metrics  # noqa: E402
from imgapp.settings import get_settings  # noqa: E402

_TARGET = "imgapp.imgapp:app"
_LOG_LEVEL = {
    "debug": LogLevels.debug,
    "info": LogLevels.warning,
    "warning": LogLevels.warning,
    "error": LogLevels.error,
}


def main() -> None:
    """Serve until told to stop."""
    settings = get_settings()
    server = Granian(
        _TARGET,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.web_processes,
        log_level=_LOG_LEVEL[settings.log_level],
        factory=True,
        workers_kill_timeout=3,
        respawn_failed_workers=True,
        respawn_interval=0.5,
    )
    if sys.platform.startswith("linux"):
        multiprocessing.set_start_method("fork")
        serving = app()
        rehearse(serving)
        gc.freeze()  # or the first collection would write to, and so copy, all of it
        gc.enable()
        server.serve(target_loader=lambda: serving, wrap_loader=False)
    else:
        gc.enable()
        server.serve()


def rehearse(serving: ASGIApp) -> None:
    """Prepare the first transaction and the first request; leave no thread and no connection."""
    db.rehearse()
    asyncio.run(_ask_for_nothing(serving))
    # Nobody has asked anything.
    for counted in (metrics.HTTP_REQUESTS, metrics.HTTP_SECONDS):
        counted.clear()


async def _ask_for_nothing(serving: ASGIApp) -> None:
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/none",
        "raw_path": b"/api/none",
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Message) -> None:
        return

    await serving(scope, receive, send)


if __name__ == "__main__":
    main()

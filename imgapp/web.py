"""The web server: loads the application once, then forks the processes that serve it (Granian).

Forked from one that has it, they share the memory of all that nobody changes, and are there at
once, also when one has to be started again. Where processes cannot be forked they load it
themselves.
"""

from __future__ import annotations

import gc
import multiprocessing
import sys

# Nothing of what is imported is garbage, and looking for it takes a quarter of the time.
gc.disable()

from granian import Granian  # noqa: E402
from granian.constants import Interfaces  # noqa: E402
from granian.log import LogLevels  # noqa: E402

from imgapp.imgapp import app  # noqa: E402
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
        gc.freeze()  # or the first collection would write to, and so copy, all of it
        gc.enable()
        server.serve(target_loader=lambda: serving, wrap_loader=False)
    else:
        gc.enable()
        server.serve()


if __name__ == "__main__":
    main()

"""Composition root: puts the pages, the API, the session checks and the bridge together."""

from __future__ import annotations

import asyncio
import gc

import reflex as rx
from starlette.types import ASGIApp

from imgapp.adapters import db, frontend, idle_memory
from imgapp.api import create_site
from imgapp.api.http.request_metrics import report_while_serving
from imgapp.services.common.thread_pools import in_io
from imgapp.ui import pages
from imgapp.ui.gallery.first_window import FirstWindow
from imgapp.ui.gallery.live_bridge import Bridge
from imgapp.ui.shell import crash_handlers, tab_state_store
from imgapp.ui.shell.content_policy import ContentPolicy
from imgapp.ui.shell.page_gate import PageGate
from imgapp.ui.shell.session_check import session_check
from imgapp.ui.shell.session_watch import SessionWatch
from imgapp.ui.shell.socket_binding import SocketBinding


async def _rarely_look_for_cycles() -> None:
    """Keep Python's cyclic garbage collector from stopping the process for seconds.

    A thousand open tabs are millions of objects that live on; a collection looks at all of them.
    Young objects are still collected, where nearly all cycles end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _give_memory_back() -> None:
    """When nobody has asked anything for a minute, once."""
    was_quiet = False
    while True:
        await asyncio.sleep(idle_memory.QUIET_SECONDS / 2)
        is_quiet = db.idle_seconds() >= idle_memory.QUIET_SECONDS
        if is_quiet and not was_quiet:
            await in_io(idle_memory.give_back)
        was_quiet = is_quiet


app = rx.App(
    **pages.look(),
    backend_exception_handler=crash_handlers.on_backend_exception,
    frontend_exception_handler=crash_handlers.on_frontend_exception,
)
tab_state_store.keep_states(app)
app.add_middleware(session_check, index=0)
for page in pages.PAGES:
    app.add_page(page.component, route=page.route, title=page.title, on_load=page.on_load)
app.register_lifespan_task(_rarely_look_for_cycles)
app.register_lifespan_task(_give_memory_back)
app.register_lifespan_task(Bridge(app).run)
app.register_lifespan_task(SessionWatch(app).run)
app.register_lifespan_task(report_while_serving)


def _around(reflex_app: ASGIApp) -> ASGIApp:
    """API in front, then the page gate, then Reflex with every socket bound to its session."""
    routes = frozenset(page.route for page in pages.PAGES)
    gated = PageGate(FirstWindow(SocketBinding(reflex_app), frontend.INDEX), routes)
    return create_site(ContentPolicy(gated, frontend.inline_scripts()))


app.api_transformer = _around

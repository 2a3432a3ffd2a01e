"""The session check: stops events whose session has ended, hydration included (middleware).

`session_watch` closes open tabs whose session ended, whether or not they send anything. Nothing
that the browser sends says who somebody is; handlers ask `current_viewer()`.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import reflex as rx
from reflex.state import (
    BaseState,
    FrontendEventExceptionState,
    OnLoadInternalState,
    StateUpdate,
    UpdateVarsInternalState,
)
from reflex_base.event import Event
from reflex_base.event.context import EventContext

from imgapp.models import Viewer
from imgapp.services.accounts import sessions
from imgapp.services.common import audit_trail
from imgapp.services.common.thread_pools import in_db
from imgapp.ui.shell.connected_tabs import tabs
from imgapp.ui.shell.socket_binding import SESSION_HEADER
from imgapp.ui.shell.viewer_context import viewer_in_context

# What a tab without a session may call: the events with which Reflex itself starts a page.
BOOT_EVENTS = frozenset(
    {
        f"{rx.State.get_full_name()}.hydrate",
        f"{rx.State.get_full_name()}.hydrate_and_load",
        f"{OnLoadInternalState.get_full_name()}.on_load_internal",
    }
)
# What Reflex puts into every app and nobody may call here: it sets vars by their name.
_NOBODYS_EVENTS = frozenset({f"{UpdateVarsInternalState.get_full_name()}.update_vars_internal"})
_NOBODYS_HANDLER = ".setvar"
# A page that breaks in the browser would be reloaded with `eval`, which our policy forbids.
FrontendEventExceptionState.auto_reload_on_errors = []

_CHECKED_FOR = 0.5
"""Seconds for which a session that was found alive is not looked up again."""


class SessionCheck(rx.Middleware):
    """Stops every event whose session is not alive, before its handler and before hydration."""

    def __init__(self) -> None:
        self._alive: dict[UUID, tuple[float, Viewer]] = {}

    async def preprocess(
        self,
        app: rx.App,  # noqa: ARG002
        state: BaseState,
        event: Event,
    ) -> StateUpdate | None:
        """None to go on with the event; else the answer in its place."""
        viewer_in_context.set(None)
        if event.name in _NOBODYS_EVENTS or event.name.endswith(_NOBODYS_HANDLER):
            return StateUpdate()
        context = EventContext.get()
        session_id = _session_of(context.router_data or event.router_data)
        viewer = await self._viewer_of(session_id) if session_id else None
        if viewer is not None:
            viewer_in_context.set(viewer)
            audit_trail.set_source(*_source_of(context.router_data or event.router_data))
            await tabs.add(viewer.user_id, context.token)
            return None
        if session_id is None and event.name in BOOT_EVENTS:
            return None
        return await _signed_out(state)

    def forget(self, session_id: UUID) -> None:
        """Look this session up again the next time."""
        self._alive.pop(session_id, None)

    async def _viewer_of(self, session_id: UUID) -> Viewer | None:
        checked, viewer = self._alive.get(session_id, (0.0, None))
        if viewer is not None and time.monotonic() - checked < _CHECKED_FOR:
            return viewer
        viewer = await in_db(sessions.viewer_of_session, session_id)
        if viewer is None:
            self._alive.pop(session_id, None)
        else:
            if len(self._alive) > 10_000:
                self._alive.clear()
            self._alive[session_id] = (time.monotonic(), viewer)
        return viewer


session_check = SessionCheck()


async def _signed_out(state: BaseState) -> StateUpdate:
    """Empty everything that this tab shows and send it to the sign-in page."""
    root = state._get_root_state()
    for cls in rx.State.get_substates():
        (await root.get_state(cls)).reset()  # type: ignore[no-untyped-call]  # Reflex has no types here.
    delta = await root._get_resolved_delta()
    root._clean()  # type: ignore[no-untyped-call]  # Reflex has no types here.
    return StateUpdate(delta=delta, events=to_sign_in())


def to_sign_in() -> list[Event]:
    """The events that lead a tab to the sign-in page."""
    return Event.from_event_type(rx.redirect("/sign-in"))


def _source_of(router_data: dict[str, Any]) -> tuple[str, str]:
    headers = router_data.get("headers", {})
    return str(router_data.get("ip", "")), str(headers.get("user-agent", ""))


def _session_of(router_data: dict[str, Any]) -> UUID | None:
    value = router_data.get("headers", {}).get(SESSION_HEADER)
    return UUID(value) if value else None

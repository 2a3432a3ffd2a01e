"""The session watch: closes open tabs of ended sessions, whether or not they send anything.

However a session ends (sign-out elsewhere, by an administrator, with the account, or in time), its
row is gone or over; the sessions of all sockets of this process are looked up together, often.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from uuid import UUID

import reflex as rx
from reflex.state import StateUpdate

from imgapp.errors import ServiceUnavailable
from imgapp.services.accounts import sessions
from imgapp.services.common.thread_pools import in_db
from imgapp.ui.shell.session_check import session_check, to_sign_in
from imgapp.ui.shell.socket_binding import SESSION_HEADER, SIGNED_OUT

log = logging.getLogger(__name__)

INTERVAL = 0.4
"""Seconds between look-ups: an open tab is dead within a second after its session."""
UNWATCHED_INTERVAL = 0.9
"""Seconds until it is looked whether there is one, while no tab is open in this process."""


class SessionWatch:
    """One per web process."""

    def __init__(self, app: rx.App) -> None:
        self.app = app

    async def run(self) -> None:
        """Watch until cancelled."""
        pause = UNWATCHED_INTERVAL
        while True:
            await asyncio.sleep(pause)
            try:
                pause = INTERVAL if await self.close_ended() else UNWATCHED_INTERVAL
            except ServiceUnavailable:
                log.warning("sessions_not_watched")
            except Exception:
                log.exception("session_watch_failed")

    async def close_ended(self) -> bool:
        """Look all sessions up that have a socket here, and close those that are over; whether
        there was one."""
        sockets = self._sockets()
        if not sockets:
            return False
        alive = await in_db(sessions.live_sessions, list(sockets))
        for session_id in sockets.keys() - alive:
            session_check.forget(session_id)
            await asyncio.gather(*(self._close(sid) for sid in sockets[session_id]))
        return True

    def _sockets(self) -> dict[UUID, list[str]]:
        """The websockets of this process, by session."""
        found: dict[str, list[str]] = defaultdict(list)
        namespace = self.app.event_namespace
        for sid, token in list(namespace.sid_to_token.items()) if namespace else ():
            session_id, told, _ = token.partition("~")
            if not told:
                # A copy of a tab: Reflex gave it a token of its own.
                session_id = self._session_of(sid)
            if session_id and session_id != SIGNED_OUT:
                found[session_id].append(sid)
        return {UUID(session_id): sids for session_id, sids in found.items()}

    def _session_of(self, sid: str) -> str:
        namespace, name = self.app.event_namespace, SESSION_HEADER.encode()
        if namespace is None or self.app.sio is None:
            return ""
        environ = self.app.sio.get_environ(sid, namespace.namespace) or {}
        headers = dict(environ.get("asgi.scope", {}).get("headers", ()))
        return bytes(headers.get(name, b"")).decode()

    async def _close(self, sid: str) -> None:
        namespace = self.app.event_namespace
        token = namespace.sid_to_token.get(sid) if namespace else None
        if namespace is None or token is None:
            return
        # What the page shows is emptied too: in its memory nothing is left to go back to.
        empty = rx.State(_reflex_internal_init=True).dict()  # type: ignore[call-arg]
        await namespace.emit_update(StateUpdate(delta=empty, events=to_sign_in()), token)
        await namespace.disconnect(sid)

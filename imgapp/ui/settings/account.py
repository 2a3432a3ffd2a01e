"""`/account`: one's own password, sessions, tokens, storage, export and end."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from imgapp.services.accounts import own_account, sessions, tokens
from imgapp.services.accounts.own_account import Account, Usage
from imgapp.services.accounts.sessions import SessionPublic
from imgapp.services.accounts.tokens import TokenPublic
from imgapp.services.common.thread_pools import in_db
from imgapp.ui.shell.notices import failures_shown, id_of, say
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer
from imgapp.ui.viewer.fact_words import file_size


@dataclass
class SessionRow:
    """A browser that is signed in."""

    id: str
    device: str
    where: str
    last_seen_at: str
    current: bool


@dataclass
class TokenRow:
    """A personal access token, without itself."""

    id: str
    name: str
    hint: str
    may: str
    created_at: str
    expires_at: str
    last_used_at: str


class AccountState(rx.State):
    """What a person sees of their own account."""

    email: str = ""
    is_admin: bool = False
    loaded: bool = False
    signs_in_here: bool = True
    """Whether the account has a password, and not single sign-on alone."""
    linked: list[str] = []
    sessions: list[SessionRow] = []
    tokens: list[TokenRow] = []
    used: str = ""
    used_percent: int = -1
    """Of the tighter quota; -1 where there is none."""

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.email, self.is_admin = viewer.email, viewer.is_admin
        async with failures_shown(self):
            self._show(await in_db(own_account.get_account, viewer.user_id))
            await self._read_sessions()
            await self._read_tokens()
            self.loaded = True

    @handler
    async def end_session(self, session_id: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            await in_db(sessions.revoke_session, user, id_of(session_id))
            await say(self, "Signed out there.")
        await self._read_sessions()

    @handler
    async def end_other_sessions(self) -> None:
        viewer = current_viewer()
        async with failures_shown(self):
            ended = await in_db(sessions.revoke_other_sessions, viewer.user_id, viewer.session_id)
            await say(self, f"Signed out in {ended} other {'place' if ended == 1 else 'places'}.")
        await self._read_sessions()

    @handler
    async def revoke_token(self, token_id: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            await in_db(tokens.revoke_token, user, id_of(token_id))
            await say(self, "The token is revoked.")
        await self._read_tokens()

    @handler
    async def read_tokens(self) -> None:
        current_viewer()
        await self._read_tokens()

    async def _read_sessions(self) -> None:
        viewer = current_viewer()
        found = await in_db(sessions.list_sessions, viewer.user_id, viewer.session_id)
        self.sessions = [session_row(one) for one in found]

    async def _read_tokens(self) -> None:
        found = await in_db(tokens.list_tokens, current_viewer().user_id)
        self.tokens = [token_row(one) for one in found]

    def _show(self, account: Account) -> None:
        self.signs_in_here, self.linked = account.has_password, account.linked
        self.used, self.used_percent = usage_words(account.usage), usage_percent(account.usage)


def session_row(one: SessionPublic) -> SessionRow:
    """A session in words."""
    how = "single sign-on" if one.auth_method == "oidc" else ""
    where = " · ".join(filter(None, [one.address or "unknown address", how]))
    return SessionRow(str(one.id), one.device, where, one.last_seen_at.isoformat(), one.current)


def token_row(one: TokenPublic) -> TokenRow:
    """A token in words."""
    return TokenRow(
        id=str(one.id),
        name=one.name,
        hint=f"{one.hint}…",
        may="may read and change" if len(one.scopes) > 1 else f"may {_VERBS[one.scopes[0]]}",
        created_at=one.created_at.isoformat(),
        expires_at=one.expires_at.isoformat() if one.expires_at else "",
        last_used_at=one.last_used_at.isoformat() if one.last_used_at else "",
    )


def usage_words(usage: Usage) -> str:
    """What is used, and of how much."""
    images = f"{usage.images:,} picture{'' if usage.images == 1 else 's'}"
    if usage.quota_images is not None:
        images = f"{usage.images:,} of {usage.quota_images:,} pictures"
    size = file_size(usage.bytes)
    if usage.quota_bytes is not None:
        size = f"{size} of {file_size(usage.quota_bytes)}"
    return f"{images}, {size}"


def usage_percent(usage: Usage) -> int:
    """Of the quota that is nearer, 100 at most; -1 where there is none."""
    pairs = [(usage.images, usage.quota_images), (usage.bytes, usage.quota_bytes)]
    shares = [used / quota if quota else 1 for used, quota in pairs if quota is not None]
    return min(100, round(100 * max(shares))) if shares else -1


_VERBS = {"read": "only read", "write": "only change"}

"""`/audit`: the audit trail, for administrators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import reflex as rx

from imgapp.errors import NotFound
from imgapp.models import now
from imgapp.services.accounts.user_agents import device_of
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditEventPublic, AuditKind
from imgapp.services.common.thread_pools import in_db
from imgapp.ui.shell.notices import failures_shown
from imgapp.ui.shell.reflex_types import Action, handler, length
from imgapp.ui.shell.settings_layout import (
    choice,
    field,
    loading,
    moment,
    not_there,
    settings_page,
)
from imgapp.ui.shell.viewer_context import current_viewer

STEP = 60
PERIODS = {
    "At any time": "",
    "In the last hour": "1",
    "In the last day": "24",
    "In the last week": "168",
    "In the last 30 days": "720",
}
"""Hours."""

WORDS = {
    AuditKind.SIGNED_IN: "Signed in",
    AuditKind.SIGN_IN_FAILED: "Failed to sign in",
    AuditKind.SIGN_IN_LIMITED: "Tried too often to sign in",
    AuditKind.SIGNED_OUT: "Signed out",
    AuditKind.SESSION_REVOKED: "Signed out elsewhere",
    AuditKind.PASSWORD_CHANGED: "Changed the password",
    AuditKind.TOKEN_CREATED: "Made an access token",
    AuditKind.TOKEN_REVOKED: "Revoked an access token",
    AuditKind.TOKEN_USED: "Used an access token",
    AuditKind.IDENTITY_LINKED: "Linked with single sign-on",
    AuditKind.IDENTITY_UNLINKED: "Unlinked from single sign-on",
    AuditKind.ACCOUNT_CREATED: "Made the account",
    AuditKind.ACCOUNT_EXPORTED: "Took everything along",
    AuditKind.ACCOUNT_DELETED: "Deleted the account",
    AuditKind.IMAGE_DELETED: "Removed a picture for good",
    AuditKind.PERSON_ADDED: "Added",
    AuditKind.PERSON_DISABLED: "Disabled",
    AuditKind.PERSON_ENABLED: "Enabled",
    AuditKind.PERSON_DELETED: "Deleted",
    AuditKind.PERSON_REMOVED: "Nothing is left of",
    AuditKind.PASSWORD_RESET: "Gave a one-time password to",
    AuditKind.ADMINISTRATOR_GRANTED: "Made an administrator of",
    AuditKind.ADMINISTRATOR_REVOKED: "Took the administrator's role from",
    AuditKind.QUOTA_CHANGED: "Changed the quota of",
    AuditKind.INSTALLATION_CHANGED: "Changed how pictures are analysed",
    AuditKind.MODEL_CONNECTED: "Connected the model",
    AuditKind.MODEL_CHANGED: "Changed the model",
    AuditKind.MODEL_DISCONNECTED: "Disconnected the model",
    AuditKind.MODEL_WANTED: "Had a model fetched",
    AuditKind.BUDGET_CHANGED: "Changed the budget of",
    AuditKind.FAILURES_RETRIED: "Had failed analyses tried again",
    AuditKind.PROMPT_CHANGED: "Changed what models are asked for everybody",
    AuditKind.WEBHOOK_CREATED: "Made a webhook",
    AuditKind.WEBHOOK_CHANGED: "Changed a webhook",
    AuditKind.WEBHOOK_SECRET_CHANGED: "Changed a webhook's secret",
    AuditKind.WEBHOOK_DELETED: "Deleted a webhook",
    AuditKind.WEBHOOK_DISABLED: "Had a failing webhook switched off",
}
_ALARMING = {AuditKind.SIGN_IN_FAILED, AuditKind.SIGN_IN_LIMITED}
_GRAVE = {
    AuditKind.ACCOUNT_DELETED,
    AuditKind.PERSON_DELETED,
    AuditKind.PERSON_REMOVED,
    AuditKind.IMAGE_DELETED,
}


@dataclass
class EventRow:
    """One line of the trail, in words."""

    id: str
    at: str
    what: str
    about: str
    who: str
    where: str
    tone: str


class AuditState(rx.State):
    """The part of the trail that one tab shows."""

    email: str = ""
    is_admin: bool = False
    loaded: bool = False
    missing: bool = False
    """Whether this page is not there for whoever looks."""
    events: list[EventRow] = []
    has_older: bool = False
    is_newest: bool = True
    _kind: str = ""
    _person: str = ""
    _hours: int = 0
    _since: datetime | None = None
    _next: str = ""

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.email, self.is_admin, self.missing = viewer.email, viewer.is_admin, False
        await self._read_newest()

    @handler
    async def choose_kind(self, kind: str) -> None:
        current_viewer()
        self._kind = str(kind) if str(kind) in set(AuditKind) else ""
        await self._read_newest()

    @handler
    async def choose_period(self, hours: str) -> None:
        current_viewer()
        self._hours = int(hours) if str(hours) in PERIODS.values() and hours else 0
        await self._read_newest()

    @handler
    async def choose_person(self, person: str) -> None:
        current_viewer()
        self._person = str(person)[:254]
        await self._read_newest()

    @handler
    async def go_newest(self) -> None:
        current_viewer()
        await self._read_newest()

    @handler
    async def go_older(self) -> None:
        current_viewer()
        if self._next:
            await self._read(self._next)

    async def _read_newest(self) -> None:
        # Fixed until the filter is used again: a cursor is good for one filter only.
        self._since = now() - timedelta(hours=self._hours) if self._hours else None
        await self._read("")

    async def _read(self, cursor: str) -> None:
        user = current_viewer().user_id
        kind = AuditKind(self._kind) if self._kind else None
        async with failures_shown(self):
            try:
                page = await in_db(
                    audit_trail.list_events,
                    user,
                    kind=kind,
                    person=self._person,
                    since=self._since,
                    limit=STEP,
                    cursor=cursor or None,
                )
            except NotFound:
                self.events, self.missing = [], True
                return
            self.events = [event_row(event) for event in page.items]
            self._next, self.has_older = page.next_cursor or "", page.next_cursor is not None
            self.is_newest, self.loaded = not cursor, True


def page() -> rx.Component:
    """`/audit`"""
    return settings_page(
        "Audit trail",
        rx.cond(AuditState.missing, not_there(), rx.fragment(_filters(), _events())),
        here="/audit",
        email=AuditState.email,
        is_admin=AuditState.is_admin,
    )


def event_row(event: AuditEventPublic) -> EventRow:
    """An event in words. Kinds that are not known here show as they are."""
    details = event.details
    about = details.get("person") or details.get("name") or details.get("filename") or ""
    if event.kind == AuditKind.SESSION_REVOKED:
        about = f"{details.get('sessions', 1)} of their browsers"
    device = device_of(event.user_agent) if event.user_agent else ""
    known = set(AuditKind)
    kind = AuditKind(event.kind) if event.kind in known else None
    return EventRow(
        id=str(event.id),
        at=event.at.isoformat(),
        what=WORDS[kind] if kind else event.kind.replace("_", " ").capitalize(),
        about=str(about),
        who=event.email or ("imgapp" if kind is AuditKind.PERSON_REMOVED else "somebody unknown"),
        where=" · ".join(filter(None, [event.address, device])),
        tone="warn" if kind in _ALARMING else "bad" if kind in _GRAVE else "",
    )


def _filters() -> rx.Component:
    kinds = {"Everything": ""} | {words: kind.value for kind, words in WORDS.items()}
    return rx.el.div(
        choice("What", "kind", kinds, on_change=AuditState.choose_kind),
        choice("When", "period", PERIODS, on_change=AuditState.choose_period),
        field(
            "Who or whom",
            "person",
            type="search",
            placeholder="Part of an e-mail address",
            auto_complete="off",
            on_change=AuditState.choose_person.debounce(250),
        ),
        class_name="filters",
    )


def _events() -> rx.Component:
    return rx.el.div(
        rx.cond(
            AuditState.loaded,
            rx.cond(
                length(AuditState.events) > 0,
                rx.el.ul(rx.foreach(AuditState.events, _event), class_name="rows trail"),
                rx.el.p("Nothing like that happened.", class_name="nothing"),
            ),
            loading(),
        ),
        rx.el.div(
            rx.cond(~AuditState.is_newest, _move("Newest", AuditState.go_newest)),
            rx.cond(AuditState.has_older, _move("Older", AuditState.go_older)),
            class_name="row",
        ),
        class_name="list",
    )


def _event(event: EventRow) -> rx.Component:
    return rx.el.li(
        moment(event.at, ago=False),
        rx.el.p(
            rx.el.strong(event.what, class_name=event.tone),
            rx.cond(event.about == "", "", rx.fragment(" ", event.about)),
        ),
        rx.el.p(event.who),
        rx.el.p(event.where, class_name="quiet"),
        key=event.id,
        data_testid="event",
    )


def _move(words: str, action: Action) -> rx.Component:
    return rx.el.button(words, type="button", class_name="button", on_click=action)

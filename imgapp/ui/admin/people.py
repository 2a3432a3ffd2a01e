"""`/people`: everybody's accounts, for administrators."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from imgapp.errors import NotFound
from imgapp.services.accounts import administration
from imgapp.services.accounts.administration import PersonEdit, PersonPublic
from imgapp.services.common.thread_pools import in_db
from imgapp.ui.shell.notices import failures_shown, id_of, say
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer
from imgapp.ui.viewer.fact_words import file_size

STEP = 60


@dataclass
class PersonRow:
    """A person in the list."""

    id: str
    email: str
    state: str
    """`active`, `disabled` or `deleting`."""
    is_admin: bool
    is_me: bool
    stored: str
    last_seen_at: str
    created_at: str


class PeopleState(rx.State):
    """The people that one tab shows."""

    email: str = ""
    is_admin: bool = False
    loaded: bool = False
    missing: bool = False
    """Whether this page is not there for whoever looks."""
    people: list[PersonRow] = []
    query: str = ""
    has_more: bool = False
    _next: str = ""

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.email, self.is_admin, self.missing = viewer.email, viewer.is_admin, False
        await self._read(max(len(self.people), STEP))

    @handler
    async def search(self, query: str) -> None:
        current_viewer()
        self.query = str(query)[:254]
        await self._read(STEP)

    @handler
    async def load_more(self) -> None:
        current_viewer()
        await self._read(STEP, self._next)

    @handler
    async def reread(self) -> None:
        """After somebody was added."""
        current_viewer()
        await self._read(max(len(self.people), STEP))

    @handler
    async def set_disabled(self, person_id: str, disabled: bool) -> None:
        current_viewer()
        done = "disabled and signed out" if disabled else "enabled"
        await self._change(person_id, PersonEdit(disabled=disabled is True), done)

    @handler
    async def set_admin(self, person_id: str, is_admin: bool) -> None:
        current_viewer()
        done = "an administrator" if is_admin else "no administrator any more"
        await self._change(person_id, PersonEdit(is_admin=is_admin is True), done)

    @handler
    async def delete(self, person_id: str) -> None:
        viewer = current_viewer()
        async with failures_shown(self):
            await in_db(administration.delete_person, viewer.user_id, id_of(person_id))
            await say(self, "Deleted. What is theirs is being removed.")
        await self._read(max(len(self.people), STEP))

    async def _change(self, person_id: str, edit: PersonEdit, done: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            person = await in_db(administration.update_person, user, id_of(person_id), edit)
            await say(self, f"{person.email} is {done}.")
        await self._read(max(len(self.people), STEP))

    async def _read(self, limit: int, cursor: str = "") -> None:
        user, query = current_viewer().user_id, self.query
        async with failures_shown(self):
            try:
                page = await in_db(
                    administration.list_people,
                    user,
                    q=query,
                    limit=min(limit, 200),
                    cursor=cursor or None,
                )
            except NotFound:
                self.people, self.missing = [], True
                return
            rows = [person_row(one, is_me=one.id == user) for one in page.items]
            self.people = [*self.people, *rows] if cursor else rows
            self._next, self.has_more = page.next_cursor or "", page.next_cursor is not None
            self.loaded = True


def person_row(person: PersonPublic, *, is_me: bool) -> PersonRow:
    """A person in words."""
    state = "deleting" if person.deleting_at else "disabled" if person.disabled_at else "active"
    images = f"{person.images:,} picture{'' if person.images == 1 else 's'}"
    return PersonRow(
        id=str(person.id),
        email=person.email,
        state=state,
        is_admin=person.is_admin,
        is_me=is_me,
        stored=f"{images}, {file_size(person.bytes)}" if person.images else "no pictures",
        last_seen_at=person.last_seen_at.isoformat() if person.last_seen_at else "",
        created_at=person.created_at.isoformat(),
    )

"""The change feed: reads what changed of a person's pictures since a cursor, missing nothing.

Changes are read in the order of their times, which are not the order in which they become visible:
a transaction that takes long shows a change after others that were made later. So a reader may
only forget what is older than every transaction that is under way, the *horizon*, and comes back
for the rest; what it has passed on since, it knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from imgapp.adapters.db import transaction
from imgapp.errors import InvalidRequest
from imgapp.models import AnalysisStatus, ImagePublic, now
from imgapp.services.common.pagination import Place, read_cursor, write_cursor
from imgapp.services.library import images

KEPT = timedelta(days=30)
"""Whoever was away for longer reads the whole list again."""
RESET = "reset"
DELETED = "image_deleted"

_PAGE = 100
_FIRST_ID = UUID(int=0)
_KINDS = {
    AnalysisStatus.PENDING: "image_queued",
    AnalysisStatus.IN_PROGRESS: "image_claimed",
    AnalysisStatus.COMPLETED: "image_described",
    AnalysisStatus.FAILED: "image_failed",
}

# All sessions of the application are of one role, whose transactions it may see. The start of the
# own transaction is before this look at the others: whoever is not seen yet changes things later.
_HORIZON = text(
    "SELECT least(now(), min(xact_start)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_MARKS = text("""
    (SELECT updated_at AS at, id, deleted_at IS NOT NULL AS gone FROM images
        WHERE user_id = :user_id AND (updated_at, id) > (:at, :id)
        ORDER BY updated_at, id LIMIT :limit)
    UNION ALL
    (SELECT deleted_at, image_id, true FROM image_deletions
        WHERE user_id = :user_id AND (deleted_at, image_id) > (:at, :id)
        ORDER BY deleted_at, image_id LIMIT :limit)
    ORDER BY at, id LIMIT :limit
""")


@dataclass(frozen=True)
class ImageChange:
    """A picture as it is now, or None when it is gone. `id` is where to go on after it."""

    kind: str
    id: str
    image_id: UUID | None = None
    image: ImagePublic | None = None


@dataclass(frozen=True)
class _Mark:
    place: Place
    gone: bool


@dataclass
class ChangeReader:
    """Reads the changes of one person, from the present or after the id of a change."""

    user_id: UUID
    after: Place
    """Everything up to here was read, and nothing can appear before it any more."""
    missed: bool = False
    """What happened before `after` is not known any more."""
    more: bool = False
    """Whether the last `read` left changes that are there now."""
    _page_after: Place | None = None
    _horizon: datetime | None = None
    _passed_on: dict[UUID, datetime] = field(default_factory=dict)
    """Since the horizon, where it is looked again."""

    @property
    def id(self) -> str:
        """Where to go on if nothing happens."""
        return _write_id(self.user_id, self.after)

    def read(self) -> list[ImageChange]:
        """The next changes, a few at a time. Raises DatabaseUnavailable, and then none is lost."""
        with transaction(self.user_id) as session:
            horizon: datetime = session.execute(_HORIZON).scalar_one()
            marks, page_after = self._next_marks(session)
        live = [mark.place.id for mark in marks if not mark.gone]
        shown = {image.id: image for image in images.public_images(self.user_id, live)}
        # Of a pass over several pages, the first one's: later pages do not look back.
        self._horizon = self._horizon or horizon
        changes = [
            self._change(mark.place, shown.get(mark.place.id))
            for mark in marks
            # One that went after its mark was read has a later one, which is still to come.
            if mark.gone or mark.place.id in shown
        ]
        late = (mark.place for mark in marks if mark.place.at >= self._horizon)
        self._passed_on |= {place.id: place.at for place in late}
        self._page_after, self.more = page_after, page_after is not None
        if not self.more:
            self._end_pass(self._horizon)
        return changes

    def _next_marks(self, session: Session) -> tuple[list[_Mark], Place | None]:
        """The next that were not passed on; and after what place there may be others."""
        after = self._page_after or self.after
        while True:
            page = self._page(session, after)
            fresh = [mark for mark in page if self._passed_on.get(mark.place.id) != mark.place.at]
            if len(page) < _PAGE:
                return fresh, None
            after = page[-1].place
            if fresh:
                return fresh, after

    def _page(self, session: Session, after: Place) -> list[_Mark]:
        values = {"user_id": self.user_id, "at": after.at, "id": after.id, "limit": _PAGE}
        return [_Mark(Place(r.at, r.id), r.gone) for r in session.execute(_MARKS, values)]

    def _change(self, place: Place, image: ImagePublic | None) -> ImageChange:
        assert self._horizon is not None
        safe = min(place, Place(self._horizon, _FIRST_ID))
        kind = DELETED if image is None else _KINDS[image.status]
        return ImageChange(kind, _write_id(self.user_id, safe), place.id, image)

    def _end_pass(self, horizon: datetime) -> None:
        if horizon > self.after.at:
            self.after = Place(horizon, _FIRST_ID)
        self._horizon = None
        self._passed_on = {
            image_id: at for image_id, at in self._passed_on.items() if at >= self.after.at
        }


def open_reader(user_id: UUID, last_id: str | None = None) -> ChangeReader:
    """A reader that begins now or after a change. Raises InvalidRequest unless the id is ours."""
    with transaction(user_id) as session:
        horizon: datetime = session.execute(_HORIZON).scalar_one()
    present = Place(horizon, _FIRST_ID)
    if last_id is None:
        return ChangeReader(user_id, present)
    last = _read_id(user_id, last_id)
    # A place in the future: the database is an older copy of the one that the id comes from.
    known = horizon - KEPT <= last.at <= now() + timedelta(minutes=1)
    return ChangeReader(user_id, last if known else present, missed=not known)


def _write_id(user_id: UUID, place: Place) -> str:
    return write_cursor(place, user_id, "events")


def _read_id(user_id: UUID, last_id: str) -> Place:
    try:
        return read_cursor(Place, last_id, user_id, "events")
    except InvalidRequest:
        raise InvalidRequest(
            "Last-Event-ID is not the id of an event of yours", code="invalid_event_id"
        ) from None

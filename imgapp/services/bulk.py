"""Acting on many pictures at once: the trash, tags, and taking it back.

Pictures are named by their ids or by what is looked for; those of others, and those that are gone,
are simply not among them. A thousand at a time, each in one transaction: whatever is killed in
between, what was done is done and the same call again does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from imgapp.adapters import events
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.queue import wake
from imgapp.models import AnalysisStatus, Image, WrittenBy, now
from imgapp.services import audit, choices, finding
from imgapp.services.audit import Kind
from imgapp.services.texts import clean_tags
from imgapp.services.wanted import Wanted

MOST_NAMED = 10_000
"""Pictures by their ids, in one call."""
_AT_ONCE = 1_000
_PERMITS = 100


class Chosen(BaseModel):
    """Pictures by their ids, or all that match what is looked for but those `left_out`."""

    model_config = ConfigDict(frozen=True)

    images: tuple[UUID, ...] = ()
    wanted: Wanted | None = None
    left_out: frozenset[UUID] = frozenset()


@dataclass(frozen=True)
class Tagged:
    """The tags that a picture had before a change, and those that it has since."""

    image_id: UUID
    before: list[str] | None
    by: str | None
    after: list[str] | None


def ids_of(user_id: UUID, chosen: Chosen) -> list[UUID]:
    """The pictures that are chosen, as far as they are the person's or named by them."""
    if chosen.wanted is None:
        return list(dict.fromkeys(chosen.images))[:MOST_NAMED]
    found = finding.all_ids(user_id, chosen.wanted)
    return [image_id for image_id in found if image_id not in chosen.left_out]


def move_to_trash(user_id: UUID, chosen: Chosen) -> list[UUID]:
    """Those that were moved; they are in the trash for a month."""
    return _each(user_id, ids_of(user_id, chosen), "image_deleted", _trash)


def restore(user_id: UUID, ids: Iterable[UUID]) -> list[UUID]:
    """Take pictures out of the trash; those that were in it."""
    return _each(user_id, ids, "image_restored", _restore)


def delete_for_good(user_id: UUID, ids: Iterable[UUID]) -> list[UUID]:
    """Remove pictures that are in the trash, and their files soon after; those that were there."""
    return _each(user_id, ids, "image_deleted", partial(_delete, user_id))


def add_tags(user_id: UUID, chosen: Chosen, tags: Iterable[str]) -> list[Tagged]:
    """Add tags, as their owner writes them; what changed."""
    given = clean_tags(tags)
    return _tag(user_id, chosen, lambda before: clean_tags([*before, *given]))


def remove_tags(user_id: UUID, chosen: Chosen, tags: Iterable[str]) -> list[Tagged]:
    """Take tags away, whatever their case; what changed."""
    given = {tag.casefold() for tag in clean_tags(tags)}
    return _tag(
        user_id, chosen, lambda before: [tag for tag in before if tag.casefold() not in given]
    )


def undo_tags(user_id: UUID, changes: Iterable[Tagged]) -> int:
    """Put tags back, with who wrote them, where nobody changed them since; how many."""
    undone: list[UUID] = []
    known = {change.image_id: change for change in changes}

    def put_back(session: Session, ids: list[UUID]) -> list[UUID]:
        back = []
        for image in _locked(session, ids):
            change = known[image.id]
            if image.tags == change.after:
                image.tags, image.tags_by = change.before, change.by
                back.append(image.id)
        return back

    undone = _each(user_id, known, "image_edited", put_back)
    return len(undone)


def _tag(user_id: UUID, chosen: Chosen, change: Callable[[list[str]], list[str]]) -> list[Tagged]:
    done: list[Tagged] = []

    def apply(session: Session, ids: list[UUID]) -> list[UUID]:
        changed = []
        for image in _locked(session, ids):
            before = image.tags
            after = change(list(before or ()))
            if after == (before or []):
                continue
            done.append(Tagged(image.id, before, image.tags_by, after))
            image.tags, image.tags_by = after, WrittenBy.PERSON
            choices.forget(image, {"tags"})
            changed.append(image.id)
        return changed

    _each(user_id, ids_of(user_id, chosen), "image_edited", apply)
    return done


def _each(
    user_id: UUID,
    ids: Iterable[UUID],
    kind: str,
    change: Callable[[Session, list[UUID]], list[UUID]],
) -> list[UUID]:
    changed: list[UUID] = []
    for some in _portions(ids):
        # In one order everywhere, so that two who change the same do not wait in a circle.
        with transaction(user_id) as session:
            done = change(session, sorted(some))
            if done:
                after_commit(session, partial(events.publish_many, user_id, kind, done))
        changed += done
    return changed


def _portions(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    rest = iter(ids)
    while some := list(islice(rest, _AT_ONCE)):
        yield some


def _locked(session: Session, ids: list[UUID]) -> Iterable[Image]:
    query = select(Image).where(col(Image.id).in_(ids), col(Image.deleted_at).is_(None))
    return list(session.execute(query.order_by(col(Image.id)).with_for_update()).scalars())


def _trash(session: Session, ids: list[UUID]) -> list[UUID]:
    statement = (
        update(Image)
        .where(col(Image.id).in_(ids), col(Image.deleted_at).is_(None))
        .values(deleted_at=now())
        .returning(col(Image.id))
    )
    return list(session.execute(statement).scalars())


def _restore(session: Session, ids: list[UUID]) -> list[UUID]:
    statement = (
        update(Image)
        .where(col(Image.id).in_(ids), col(Image.deleted_at).is_not(None))
        .values(deleted_at=None)
        .returning(col(Image.id), col(Image.analysis_status))
    )
    rows = session.execute(statement).all()
    waiting = sum(row.analysis_status == AnalysisStatus.PENDING for row in rows)
    if waiting:
        # The sweep finds the others.
        after_commit(session, partial(wake, min(waiting, _PERMITS)))
    return [row.id for row in rows]


def _delete(user_id: UUID, session: Session, ids: list[UUID]) -> list[UUID]:
    statement = (
        delete(Image)
        .where(col(Image.id).in_(ids), col(Image.deleted_at).is_not(None))
        .returning(col(Image.id), col(Image.filename))
    )
    rows = session.execute(statement).all()
    for row in rows:
        audit.write(session, Kind.IMAGE_DELETED, user_id, image_id=row.id, filename=row.filename)
    return [row.id for row in rows]

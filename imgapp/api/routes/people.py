"""`/api/people` and `/api/audit`: for administrators. For everybody else they are not there."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from imgapp.api.http.auth import require_read, require_write
from imgapp.api.http.ids import parse_id
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.images import PAGE, Cursor, Limit
from imgapp.errors import NotFound
from imgapp.models import Viewer
from imgapp.services.accounts import administration
from imgapp.services.accounts.administration import NewPerson, PeoplePage, PersonEdit, PersonPublic
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind, AuditPage
from imgapp.services.common.thread_pools import in_db, in_passwords

router = APIRouter(prefix="/api", tags=["administration"])


async def admin_reader(viewer: Annotated[Viewer, Depends(require_read)]) -> Viewer:
    """An administrator, who may read. Raises NotFound for others: they are told nothing."""
    return _administrator(viewer)


async def admin_writer(viewer: Annotated[Viewer, Depends(require_write)]) -> Viewer:
    """An administrator, who may change things. Raises NotFound for others."""
    return _administrator(viewer)


def _administrator(viewer: Viewer) -> Viewer:
    if not viewer.is_admin:
        raise NotFound
    return viewer


class PersonCreate(BaseModel):
    """A new account. Without a password, the answer has a one-time password."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=1_000)
    password: str | None = Field(None, max_length=10_000)
    is_admin: bool = False


class OneTimePassword(BaseModel):
    """Shown this once. Whoever signs in with it is asked to choose another."""

    password: str


Reader = Annotated[Viewer, Depends(admin_reader)]
Writer = Annotated[Viewer, Depends(admin_writer)]
PersonId = Annotated[str, Path()]
Create = Annotated[PersonCreate, Depends(json_body(PersonCreate))]
Edit = Annotated[PersonEdit, Depends(json_body(PersonEdit))]


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


def _moment(value: object) -> object:
    # Else a number would be taken for seconds since 1970.
    if isinstance(value, str) and value and not _DATE.match(value):
        raise ValueError("Send a date and time with its zone, as in 2026-07-04T12:30:00Z")
    return _empty_is_none(value)


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}[T ]", re.ASCII | re.IGNORECASE)
Moment = Annotated[AwareDatetime | None, BeforeValidator(_moment), Query()]


@router.get("/people", responses=documented("invalid_cursor", 404))
async def list_people(
    viewer: Reader,
    q: Annotated[str | None, Query(max_length=254, description="Part of an address")] = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> PeoplePage:
    """Everybody who has an account, by e-mail address."""
    return await in_db(administration.list_people, viewer.user_id, q=q, limit=limit, cursor=cursor)


@router.post(
    "/people",
    status_code=201,
    responses=documented("invalid_email", "weak_password", 404, "email_taken"),
    openapi_extra=json_body_schema(PersonCreate, {"email": "carol@example.org"}),
)
async def add_person(viewer: Writer, body: Create) -> NewPerson:
    """Make an account for somebody. The answer is the only place where a one-time password is."""
    return await in_passwords(
        administration.add_person, viewer.user_id, body.email, body.password, is_admin=body.is_admin
    )


@router.get("/people/{person_id}", responses=documented(404))
async def get_person(viewer: Reader, person_id: PersonId) -> PersonPublic:
    """One person."""
    return await in_db(administration.get_person, viewer.user_id, parse_id(person_id))


@router.patch(
    "/people/{person_id}",
    responses=documented(404, "last_administrator"),
    openapi_extra=json_body_schema(PersonEdit, {"disabled": True}),
)
async def update_person(viewer: Writer, person_id: PersonId, body: Edit) -> PersonPublic:
    """Disable or enable, make an administrator or not, set quotas. Disabling signs out at once."""
    return await in_db(administration.update_person, viewer.user_id, parse_id(person_id), body)


@router.delete(
    "/people/{person_id}", status_code=204, responses=documented(404, "last_administrator")
)
async def delete_person(viewer: Writer, person_id: PersonId) -> None:
    """Sign somebody out for good; what is theirs is removed in the background."""
    await in_db(administration.delete_person, viewer.user_id, parse_id(person_id))


@router.post("/people/{person_id}/password", responses=documented(404))
async def reset_password(viewer: Writer, person_id: PersonId) -> OneTimePassword:
    """A one-time password for somebody who forgot theirs. Their sessions end."""
    password = await in_passwords(
        administration.reset_password, viewer.user_id, parse_id(person_id)
    )
    return OneTimePassword(password=password)


@router.get("/audit", responses=documented("invalid_cursor", 404))
async def list_audit_events(
    viewer: Reader,
    kind: Annotated[AuditKind | None, BeforeValidator(_empty_is_none), Query()] = None,
    person: Annotated[str | None, Query(max_length=254, description="Part of an address")] = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> AuditPage:
    """What people did, newest first: sign-ins, tokens, administration, deletions."""
    return await in_db(
        audit_trail.list_events,
        viewer.user_id,
        kind=kind,
        person=person,
        since=since,
        until=until,
        limit=limit,
        cursor=cursor,
    )

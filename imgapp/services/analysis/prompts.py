"""Prompts: version what models are asked, one's own, else everybody's, else what is built in.

Each version stays as it was: its name is on every analysis.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import delete, text
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from imgapp.adapters.db import transaction
from imgapp.adapters.vision.prompt import (
    MAX_TEMPLATE,
    PROMPT_VERSION,
    TEMPLATE,
    VARIABLES,
    unknown_variables,
)
from imgapp.errors import InvalidRequest, NotFound
from imgapp.models import InstallationPrompt, Prompt, Shape
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.common.authorization import as_administrator
from imgapp.services.common.one_at_a_time import one_at_a_time
from imgapp.services.common.pagination import NumberPlace, cut_page, read_cursor
from imgapp.services.common.sanitize import clean_text

KEPT = 500
"""Versions, of each person and of everybody's."""
_NONE_IS_AFTER = 2**31 - 1
_ADD = text("SELECT imgapp_add_installation_prompt(:template)")

Scope = Literal["own", "everybody"]


def _said(template: str) -> str:
    cleaned = clean_text(template)
    if not cleaned:
        raise ValueError("A prompt says something")
    return cleaned


Template = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_TEMPLATE,
        pattern=r"[^\s\x00-\x1f\x7f-\x9f]",
        description="The whole prompt, with variables in braces",
    ),
    AfterValidator(_said),
]


class PromptEdit(BaseModel):
    """The whole prompt; null goes back to the one before all of these."""

    model_config = ConfigDict(extra="forbid")

    template: Template | None


class PromptVersion(Shape):
    """A version as it was saved. `template` null went back to the default."""

    number: int
    version: str = Field(description="As it stands on analyses: `own-3`, `everybody-2`")
    template: str | None
    author: str | None = Field(description="E-mail address; null: the caller")
    created_at: datetime


class PromptVersions(Shape):
    """One page, newest first."""

    items: list[PromptVersion]
    next_cursor: str | None


class PromptPublic(Shape):
    """What is asked now, and what it can be made of."""

    version: str = Field(description="As it will stand on analyses")
    template: str
    changed: bool = Field(description="Whether it is another one than the default")
    default_version: str
    default: str = Field(description="What a reset goes back to")
    built_in_version: str
    built_in: str
    variables: dict[str, str] = Field(description="What may stand in braces, and what it becomes")
    updated_at: datetime | None


@dataclass(frozen=True)
class NamedPrompt:
    """A prompt and its name."""

    version: str
    template: str


BUILT_IN = NamedPrompt(PROMPT_VERSION, TEMPLATE)


def get_prompt(user_id: UUID, scope: Scope = "own") -> PromptPublic:
    """What is asked about the person's pictures, or about everybody's who said nothing else.

    Raises NotFound for everybody's, unless the caller is an administrator.
    """
    if scope == "everybody":
        with as_administrator(user_id) as session:
            return _public(session, None)
    with transaction(user_id) as session:
        return _public(session, user_id)


def save_prompt(user_id: UUID, template: str | None, scope: Scope = "own") -> PromptPublic:
    """Ask this from now on; None goes back to the default. The same again makes no new version.

    Raises InvalidRequest (`unknown_variable`); for everybody's, NotFound unless the caller is an
    administrator.
    """
    if template is not None:
        check(template)
    if scope == "everybody":
        with as_administrator(user_id) as session:
            newest = _newest(session, None)
            if (newest.template if newest else None) != template:
                number = session.execute(_ADD, {"template": template}).scalar_one()
                audit_trail.write(
                    session, AuditKind.PROMPT_CHANGED, user_id, version=f"everybody-{number}"
                )
            return _public(session, None)
    with transaction(user_id) as session:
        one_at_a_time(session, user_id, "prompts")
        newest = _newest(session, user_id)
        if (newest.template if newest else None) != template:
            number = newest.number + 1 if newest else 1
            session.add(Prompt(user_id=user_id, number=number, template=template))
            old = col(Prompt.user_id) == user_id, col(Prompt.number) <= number - KEPT
            session.execute(delete(Prompt).where(*old))
            session.flush()
        return _public(session, user_id)


def list_versions(
    user_id: UUID, scope: Scope = "own", *, limit: int = 60, cursor: str | None = None
) -> PromptVersions:
    """One page, newest first. Raises InvalidRequest (cursor), NotFound as `get_prompt` does."""
    own = (user_id, "prompts", scope)
    before = read_cursor(NumberPlace, cursor, *own).number if cursor else _NONE_IS_AFTER
    if scope == "everybody":
        everybodys = select(InstallationPrompt).where(col(InstallationPrompt.number) < before)
        newest = everybodys.order_by(col(InstallationPrompt.number).desc()).limit(limit + 1)
        with as_administrator(user_id) as session:
            items = [_version(scope, row, row.author) for row in session.exec(newest)]
    else:
        with transaction(user_id) as session:
            rows = session.exec(_own(user_id).where(col(Prompt.number) < before).limit(limit + 1))
            items = [_version(scope, row, None) for row in rows]
    page, further = cut_page(items, limit, lambda last: NumberPlace(last.number), *own)
    return PromptVersions(items=page, next_cursor=further)


def get_version(user_id: UUID, number: int, scope: Scope = "own") -> str | None:
    """The text of a version; None: it went back to the default. Raises NotFound."""
    if not 0 < number < _NONE_IS_AFTER:
        raise NotFound
    if scope == "everybody":
        with as_administrator(user_id) as session:
            found = _pair(session.get(InstallationPrompt, number))
    else:
        with transaction(user_id) as session:
            found = _pair(session.get(Prompt, (user_id, number)))
    if found[0] is None:
        raise NotFound
    return found[1]


def check(template: str) -> None:
    """Raises InvalidRequest if something stands in braces like a variable and is none."""
    if unknown := unknown_variables(template):
        names = ", ".join(f"{{{name}}}" for name in unknown[:5])
        verb = "is no variable" if len(unknown) == 1 else "are no variables"
        raise InvalidRequest(
            f"{names} {verb}. There are {', '.join(f'{{{name}}}' for name in VARIABLES)}.",
            code="unknown_variable",
        )


def in_force(session: Session, user_id: UUID, scope: Scope = "own") -> NamedPrompt:
    """What is asked now, in a transaction of this person."""
    own = _newest(session, user_id) if scope == "own" else None
    return choose(_pair(own), _pair(_newest(session, None)))


Saved = tuple[int | None, str | None]
"""The number of a newest version and its template."""


def choose(own: Saved, everybodys: Saved) -> NamedPrompt:
    """Which prompt holds: one's own before everybody's before what is built in."""
    pairs: tuple[tuple[Scope, Saved], ...] = (("own", own), ("everybody", everybodys))
    for scope, (number, template) in pairs:
        if number is not None and template is not None:
            return NamedPrompt(name_of(scope, number), template)
    return BUILT_IN


def name_of(scope: Scope, number: int) -> str:
    """A version as it stands on analyses."""
    return f"{scope}-{number}"


def _newest(session: Session, user_id: UUID | None) -> Prompt | InstallationPrompt | None:
    if user_id is None:
        newest = select(InstallationPrompt).order_by(col(InstallationPrompt.number).desc())
        return session.exec(newest.limit(1)).first()
    return session.exec(_own(user_id).limit(1)).first()


def _own(user_id: UUID) -> SelectOfScalar[Prompt]:
    # Row-level security says the same; said here, the index serves the order.
    return select(Prompt).where(col(Prompt.user_id) == user_id).order_by(col(Prompt.number).desc())


def _pair(row: Prompt | InstallationPrompt | None) -> Saved:
    return (None, None) if row is None else (row.number, row.template)


def _public(session: Session, user_id: UUID | None) -> PromptPublic:
    """Everybody's without a person."""
    newest = _newest(session, user_id)
    everybodys = choose(_pair(None), _pair(_newest(session, None)))
    default = BUILT_IN if user_id is None else everybodys
    asked = everybodys if user_id is None else choose(_pair(newest), _pair(None))
    if newest is None or newest.template is None:
        asked = default
    return PromptPublic(
        version=asked.version,
        template=asked.template,
        changed=asked != default,
        default_version=default.version,
        default=default.template,
        built_in_version=BUILT_IN.version,
        built_in=BUILT_IN.template,
        variables=dict(VARIABLES),
        updated_at=newest.created_at if newest else None,
    )


def _version(scope: Scope, row: Prompt | InstallationPrompt, author: str | None) -> PromptVersion:
    return PromptVersion(
        number=row.number,
        version=name_of(scope, row.number),
        template=row.template,
        author=author,
        created_at=row.created_at,
    )

"""Authorization: opens transactions that only administrators get."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import Session

from imgapp.adapters.db import transaction
from imgapp.errors import NotFound

_IS_ADMIN = text("SELECT imgapp_is_admin()")


@contextmanager
def as_administrator(user_id: UUID) -> Iterator[Session]:
    """A transaction of an administrator. Raises NotFound for everybody else.

    What only administrators may see is, for others, not there. The functions that look across
    people check the same in the database: the role may be gone since.
    """
    try:
        with transaction(user_id) as session:
            if not session.execute(_IS_ADMIN).scalar_one():
                raise NotFound
            yield session
    except ProgrammingError as error:
        if "administrators only" in str(error.orig):
            raise NotFound from None
        raise

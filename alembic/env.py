"""How Alembic reaches the database: as the owner, one machine at a time."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context
from sqlmodel import SQLModel

from imgapp import models
from imgapp.adapters import db
from imgapp.settings import get_settings

# What serves the search functions only, and so is no part of the models.
SEARCH_ONLY = {
    "search",
    "images_search",
    "shape",
    "no_alt_text",
    "images_gallery",
    "images_by_name",
    "images_by_size",
    "images_edited",
    "images_without_alt_text",
}
MIGRATION_LOCK = 0x696D_6761  # "imga"

assert models.User.metadata is SQLModel.metadata


def include_object(_: Any, name: str | None, _kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave what the models do not know out of a comparison."""
    return not (reflected and compare_to is None and name in SEARCH_ONLY)


def run() -> None:
    engine = sa.create_engine(db.owner_url(get_settings()), poolclass=sa.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            include_object=include_object,
            compare_type=True,
        )
        with context.begin_transaction():
            # A second machine waits here, and then finds nothing left to do.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Migrations need a connection: they create roles and check what they may do.")
run()

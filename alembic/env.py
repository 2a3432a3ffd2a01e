"""Alembic's environment, for its commands that look: `check`, `current`, `revision`."""

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
    "further_search",
    "images_search",
    "shape",
    "name_key",
    "no_alt_text",
    "images_gallery",
    "images_by_name",
    "images_by_size",
    "images_edited",
    "images_without_alt_text",
    "image_blocks",
    "image_tallies",
    "image_tally_changes",
    "text_tallies",
    "text_tally_changes",
    "image_embeddings",
    "embedding_requests",
}

assert models.User.metadata is SQLModel.metadata


def include_object(_: Any, name: str | None, _kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave what the models do not know out of a comparison."""
    return not (reflected and compare_to is None and name in SEARCH_ONLY)


def refuse_to_move() -> None:
    """A new database is not made by migrations, and functions are not in them."""
    try:
        context.get_revision_argument()
    except KeyError:
        return
    raise SystemExit("Run `imgapp migrate`: it makes or migrates the schema, functions included.")


def run() -> None:
    engine = sa.create_engine(db.owner_url(get_settings()), poolclass=sa.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            include_object=include_object,
            compare_type=True,
        )
        context.run_migrations()


refuse_to_move()
run()

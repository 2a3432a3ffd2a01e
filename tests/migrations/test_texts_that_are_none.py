"""Texts of `basic-1` that nobody edited are taken back; what a person wrote stays."""

from __future__ import annotations

from typing import Any

import pytest

from imgapp.adapters import db
from tests.migrations.conftest import Server
from tests.migrations.old_schema import fill_every_table, load_old_schema

TEXTS = ("alt_text", "description", "tags", "language")


def texts_of(server: Server, model: str) -> dict[str, tuple[Any, str | None]]:
    """Each text of the picture that this model described last, and who wrote it."""
    columns = ", ".join(f"i.{name}, i.{name}_by" for name in TEXTS)
    query = (
        f"SELECT {columns} FROM images i JOIN image_analyses a ON a.id = i.analysis_id"
        f" WHERE a.model_version = '{model}'"
    )
    [row] = server.run(query, database="pictures")
    return {name: (row[2 * at], row[2 * at + 1]) for at, name in enumerate(TEXTS)}


def prepare(server: Server, **by: str) -> None:
    """Two pictures, the first described by `basic-1`, with their texts written by whom."""
    load_old_schema(server)
    fill_every_table(server)
    writers = ", ".join(f"{name}_by = '{writer}'" for name, writer in by.items())
    server.run(
        "SET session_replication_role = replica;"
        " UPDATE image_analyses SET model_version = CASE WHEN id ="
        " (SELECT min(id::text)::uuid FROM image_analyses) THEN 'basic-1' ELSE 'other' END;"
        f" UPDATE images SET {writers}",
        database="pictures",
    )


def test_what_a_model_said_stays_and_what_basic_said_goes(empty: Server) -> None:
    prepare(empty, **dict.fromkeys(TEXTS, "model"))
    others, history = texts_of(empty, "other"), "SELECT alt_text, description FROM image_analyses"
    said = empty.run(history, database="pictures")

    db.migrate()

    assert texts_of(empty, "basic-1") == dict.fromkeys(TEXTS, (None, None))
    assert texts_of(empty, "other") == others
    assert sorted(empty.run(history, database="pictures")) == sorted(said)
    forced = "SELECT relname FROM pg_class WHERE relforcerowsecurity AND relname LIKE 'image%s'"
    assert {("images",), ("image_analyses",)} <= set(empty.run(forced, database="pictures"))


@pytest.mark.long
def test_what_a_person_wrote_stays_with_its_language(empty: Server) -> None:
    prepare(empty, alt_text="person", description="model", tags="model", language="model")
    before = texts_of(empty, "basic-1")

    db.migrate()

    after = texts_of(empty, "basic-1")
    assert after["alt_text"] == before["alt_text"]
    assert after["language"] == before["language"]
    assert after["description"] == after["tags"] == (None, None)

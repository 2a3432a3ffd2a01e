"""Databases of before the first release: adopted with every row, or refused with what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from imgapp.adapters import db, migrations
from imgapp.cli.doctor import check_migrations
from imgapp.errors import ConfigurationError
from imgapp.settings import get_settings
from tests.migrations.catalog import differences
from tests.migrations.conftest import Server
from tests.migrations.old_schema import fill_every_table, load_old_schema, rows


def set_revision(server: Server, revision: str) -> None:
    server.run(f"UPDATE alembic_version SET version_num = '{revision}'", database="pictures")


def test_a_database_of_before_the_first_release_keeps_every_row(empty: Server) -> None:
    db.migrate()
    new = empty.catalog()
    db.dispose()
    empty.run("DROP DATABASE pictures WITH (FORCE)")
    empty.run("CREATE DATABASE pictures OWNER the_owner")
    load_old_schema(empty)
    fill_every_table(empty)
    before = rows(empty)
    assert all(before.values())
    assert len(before) == 29

    with pytest.raises(ConfigurationError, match="at revision 0018, not at 0106: run `imgapp migr"):
        check_migrations(get_settings())
    db.migrate()

    assert check_migrations(get_settings()) == f"at revision {newest()}"
    assert of_then(rows(empty), before) == of_then(before, before)
    assert differences(new, empty.catalog()) == []


def of_then(found: dict[str, list[str]], then: dict[str, list[str]]) -> dict[str, list[Any]]:
    """Of the rows found, what there was then: tables and columns that are new are empty."""
    names = {table: json.loads(lines[0]).keys() for table, lines in then.items()}
    rows_now = {table: [json.loads(line) for line in found[table]] for table in then}
    return {
        table: [{name: row[name] for name in names[table]} for row in rows]
        for table, rows in rows_now.items()
    }


@pytest.mark.long
def test_tags_that_are_composed_otherwise_become_one(empty: Server) -> None:
    load_old_schema(empty)
    fill_every_table(empty)
    empty.run(
        "SET session_replication_role = replica; UPDATE images"
        " SET tags = ARRAY['sea', 'cafe' || U&'\\0301', 'dog', 'café', 'u' || U&'\\0308']"
        " WHERE s3_key LIKE '%1.jpg'",
        database="pictures",
    )
    db.migrate()
    found = empty.run("SELECT tags FROM images ORDER BY id", database="pictures")
    assert ["sea", "café", "dog", "ü"] in [tags for (tags,) in found]


@pytest.mark.long
def test_a_database_that_cannot_be_migrated_is_as_it_was(empty: Server) -> None:
    load_old_schema(empty)
    fill_every_table(empty)
    empty.run("DROP TRIGGER images_touched ON images", database="pictures")
    before, schema = rows(empty), empty.catalog()
    with pytest.raises(Exception, match="images_touched"):
        db.migrate()
    assert rows(empty) == before
    assert empty.catalog() == schema
    assert empty.run("TABLE alembic_version", database="pictures") == [("0018",)]


@pytest.mark.long
def test_one_of_long_before_is_told_to_migrate_with_the_last_build(empty: Server) -> None:
    load_old_schema(empty)
    for revision in ("0001", "0017"):
        set_revision(empty, revision)
        told = (
            f"at revision {revision}, of long before version 0.1.0. Run `imgapp migrate` of the"
            " last build before 0.1.0 first, which brings it to 0018, and then that of this"
            " version."
        )
        for look in (db.migrate, lambda: check_migrations(get_settings())):
            with pytest.raises(ConfigurationError) as refused:
                look()
            assert told in refused.value.detail
        assert empty.run("TABLE alembic_version", database="pictures") == [(revision,)]


def test_one_of_a_newer_version_is_refused(empty: Server) -> None:
    db.migrate()
    before = empty.catalog()
    for revision in ("0099", "0200", "1.0"):
        set_revision(empty, revision)
        for look in (db.migrate, lambda: check_migrations(get_settings())):
            with pytest.raises(ConfigurationError, match=rf"{revision}.*not know.*newer.*backup"):
                look()
    assert empty.catalog() == before


def test_functions_of_another_version_are_found_and_replaced(empty: Server) -> None:
    db.migrate()
    empty.run("COMMENT ON TABLE alembic_version IS 'functions of old'", database="pictures")
    with pytest.raises(ConfigurationError, match=r"functions .* of another version: run `img"):
        check_migrations(get_settings())
    db.migrate()
    assert check_migrations(get_settings()) == f"at revision {newest()}"


def test_an_empty_database_is_told_to_be_migrated(empty: Server) -> None:
    with pytest.raises(ConfigurationError, match=r"at revision none.*run `imgapp migrate`"):
        check_migrations(get_settings())


def as_another_machine(empty: Server, set_env: Callable[..., None]) -> str:
    """What doctor says where the owner's URL is not set."""
    set_env(DATABASE_URL=empty.url("the_app", "pictures"), IMGAPP_MIGRATE_DATABASE_URL=None)
    return check_migrations(get_settings())


def test_the_application_alone_sees_whether_all_is_migrated(
    empty: Server, set_env: Callable[..., None]
) -> None:
    with pytest.raises(ConfigurationError, match=r"not as this version .* run `imgapp migrate`"):
        as_another_machine(empty, set_env)
    owner = empty.url("the_owner", "pictures")
    set_env(IMGAPP_MIGRATE_DATABASE_URL=owner)
    db.migrate()
    assert as_another_machine(empty, set_env) == f"at revision {newest()}"
    empty.run("COMMENT ON TABLE alembic_version IS 'functions of old'", database="pictures")
    with pytest.raises(ConfigurationError, match="IMGAPP_MIGRATE_DATABASE_URL"):
        as_another_machine(empty, set_env)


def newest() -> str | None:
    return migrations.ScriptDirectory(str(migrations.FOLDER)).get_current_head()

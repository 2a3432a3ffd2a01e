"""The schema: the same by its files and by migrations, as far as the comparison sees."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imgapp.adapters import db, migrations
from imgapp.settings import get_settings
from tests.migrations.catalog import catalog, differences
from tests.migrations.conftest import Server
from tests.migrations.old_schema import load_old_schema

NEXT = """
from imgapp.adapters.migrations import downgrade, execute

revision = "0200"
down_revision = "0106"


def upgrade() -> None:
    execute('''
        ALTER TABLE tokens ADD COLUMN place text;
        GRANT UPDATE (place) ON tokens TO :app;
        DROP FUNCTION imgapp_purge_trash;
    ''')
"""


def migrate(server: Server, folder: Path = migrations.FOLDER) -> None:
    migrations.migrate(db.owner_url(get_settings()), db.application_url(get_settings()), folder)


def test_a_database_of_the_files_is_like_one_of_the_migrations(empty: Server) -> None:
    migrate(empty)
    by_files = empty.catalog()
    start_anew(empty)
    load_old_schema(empty)
    migrate(empty)
    assert differences(by_files, empty.catalog()) == []


def start_anew(server: Server) -> None:
    db.dispose()
    server.run("DROP DATABASE pictures WITH (FORCE)")
    server.run("CREATE DATABASE pictures OWNER the_owner")


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """The migrations with a second revision: a column more, and a function that is gone."""
    folder = tmp_path / "alembic"
    shutil.copytree(migrations.FOLDER, folder)
    (folder / "versions" / "0200_more.py").write_text(NEXT)
    change(folder / "sql/accounts/tables.sql", "    hint text", "    place text,\n    hint text")
    change(
        folder / "sql/accounts/tables.sql",
        "GRANT SELECT, INSERT, DELETE ON tokens TO :app;",
        "GRANT SELECT, INSERT, DELETE, UPDATE (place) ON tokens TO :app;",
    )
    trash = folder / "sql/library/trash.sql"
    change(trash, "imgapp_purge_trash(p_older_than", "imgapp_empty_trash(p_older_than")
    change(folder / "sql/accounts/sign_in.sql", "count(id)::integer", "count(id)::integer + 0")
    return folder


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.mark.long
def test_a_second_revision_is_for_databases_that_are_there(empty: Server, later: Path) -> None:
    migrate(empty, later)
    by_files = empty.catalog()
    assert empty.run("TABLE alembic_version", database="pictures") == [("0200",)]
    for before in (migrate, load_old_schema):
        start_anew(empty)
        before(empty)
        assert "column tokens.place" in differences(by_files, empty.catalog())
        migrate(empty, later)
        assert differences(by_files, empty.catalog()) == []
        assert empty.run("TABLE alembic_version", database="pictures") == [("0200",)]


def test_what_a_second_revision_forgets_is_named(empty: Server, later: Path) -> None:
    migrate(empty, later)
    by_files = empty.catalog()
    start_anew(empty)
    migrate(empty)
    (later / "versions" / "0200_more.py").write_text(NEXT.split("execute('''")[0] + "pass")
    migrate(empty, later)
    found = [name for name in differences(by_files, empty.catalog()) if "table " not in name]
    assert found == ["column tokens.place", "function imgapp_purge_trash(interval,integer)"]


def test_functions_are_replaced_when_their_files_change(empty: Server, later: Path) -> None:
    (later / "versions" / "0200_more.py").unlink()
    migrate(empty)
    before = empty.catalog()
    migrate(empty, later)
    new = "function imgapp_empty_trash(interval,integer)"
    assert differences(before, empty.catalog()) == [new, "function imgapp_user_count()"]


def test_functions_are_whole_once_there_are_tables(empty: Server) -> None:
    """A new database takes their bodies unread, since tables come after them."""
    migrate(empty)
    before = empty.catalog()
    empty.run("COMMENT ON TABLE alembic_version IS NULL", database="pictures")
    migrate(empty)
    assert differences(before, empty.catalog()) == []


CHANGES = {
    "table tokens": "ALTER TABLE tokens NO FORCE ROW LEVEL SECURITY",
    "table sessions": "ALTER TABLE sessions DISABLE ROW LEVEL SECURITY",
    "table users": "GRANT INSERT ON users TO the_app",
    "table images": "ALTER TABLE images SET (fillfactor = 50)",
    "table runs": "COMMENT ON TABLE runs IS 'said'",
    "table prompts": "ALTER TABLE prompts OWNER TO the_app",
    "table extra": "CREATE TABLE extra ()",
    "column users.email": "ALTER TABLE users ALTER COLUMN email DROP NOT NULL",
    "column users.budget": "ALTER TABLE users ALTER COLUMN budget TYPE numeric(10, 2)",
    "column users.over_budget": "ALTER TABLE users ALTER COLUMN over_budget DROP DEFAULT",
    "column users.is_admin": "GRANT UPDATE (is_admin) ON users TO the_app",
    "column images.no_alt_text": "ALTER TABLE images ALTER COLUMN no_alt_text DROP EXPRESSION",
    "column images.placeholder": "ALTER TABLE images DROP COLUMN placeholder",
    "column batches.name": "COMMENT ON COLUMN batches.name IS 'said'",
    "constraint users_email_check on users": "ALTER TABLE users DROP CONSTRAINT users_email_check",
    "constraint sessions_user_id_fkey on sessions":
        "ALTER TABLE sessions DROP CONSTRAINT sessions_user_id_fkey,"
        " ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users",
    "constraint more on tokens": "ALTER TABLE tokens ADD CONSTRAINT more CHECK (true) NOT VALID",
    "index images_due": "DROP INDEX images_due",
    "index users_email_key": "DROP INDEX users_email_key;"
        " CREATE INDEX users_email_key ON users (email)",
    "function imgapp_user_count()": "ALTER FUNCTION imgapp_user_count VOLATILE",
    "function imgapp_first_admin()": "ALTER FUNCTION imgapp_first_admin SECURITY INVOKER",
    "function imgapp_is_admin()": "ALTER FUNCTION imgapp_is_admin RESET search_path",
    "function imgapp_month()": "ALTER FUNCTION imgapp_month OWNER TO the_app",
    "function imgapp_due_deliveries()": "GRANT EXECUTE ON FUNCTION imgapp_due_deliveries TO public",
    "function imgapp_queue()": "CREATE OR REPLACE FUNCTION imgapp_queue() RETURNS jsonb"
        " LANGUAGE sql AS 'SELECT NULL::jsonb'",
    "function imgapp_search_unspaced()": "ALTER FUNCTION imgapp_search_unspaced COST 7",
    "trigger images_lane on images": "DROP TRIGGER images_lane ON images",
    "trigger images_run on images": "ALTER TABLE images DISABLE TRIGGER images_run",
    "policy own on tokens": "ALTER POLICY own ON tokens USING (true)",
    "policy own on run_items": "ALTER POLICY own ON run_items WITH CHECK (true)",
    "policy system on images": "ALTER POLICY system ON images TO public",
    "policy system_ends on sessions": "DROP POLICY system_ends ON sessions",
    "schema public": "GRANT CREATE ON SCHEMA public TO the_app",
    "view people": "CREATE VIEW people AS SELECT id FROM users",
    "sequence numbers": "CREATE SEQUENCE numbers",
    "type state": "CREATE TYPE state AS ENUM ('on')",
    "rule silence on tokens": "CREATE RULE silence AS ON DELETE TO tokens DO INSTEAD NOTHING",
    "statistics beside": "CREATE STATISTICS beside ON user_id, lane FROM images",
}  # fmt: skip


def test_the_comparison_names_whatever_is_changed(empty: Server) -> None:
    migrate(empty)
    before = empty.catalog()
    with empty.connect() as connection:
        for name, change in CHANGES.items():
            connection.exec_driver_sql(change)
            found = differences(before, catalog(connection))
            connection.rollback()
            assert name in found, f"{change}: {found}"

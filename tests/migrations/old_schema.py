"""The schema of before the first release (0018), with rows in every table.

`data/schema-0018.sql.gz` is what `pg_dump --schema-only` of PostgreSQL 15 wrote of it, but for the
index with an `IN`, which it writes with an `OR` of another form.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa

from tests.migrations.catalog import tables
from tests.migrations.conftest import Server

_DUMP = Path(__file__).parent / "data" / "schema-0018.sql.gz"
_NAMES = UUID(int=18)
_KEYS = {
    "user_id": "users", "image_id": "images", "analysis_id": "image_analyses",
    "batch_id": "batches", "webhook_id": "webhooks", "run_id": "runs",
}  # fmt: skip
_VALUES: dict[str, Any] = {
    "analysis_status": "in_progress", "waiting_reason": "budget", "language": "de-CH",
    "decorative_by": "person", "language_by": "model", "alt_text_by": "person", "tags_by": "model",
    "description_by": "model", "visible_text_by": "person", "sha256": "5a" * 32, "asked": "6b" * 32,
    "auth_method": "oidc", "scopes": ["read", "write"], "kind": "signed_in", "detail": "brief",
    "side": "new", "events": ["analysis.failed"], "disabled_reason": "gone", "part_size": 5,
    "batch_items.outcome": "fetching", "run_items.outcome": "queued", "lane": "!model",
    "batch_items.detail": "What it says", "webhook_deliveries.state": "pending",
    "prompt_trials.state": "asking", "direct_uploads.state": "saving", "quota_bytes": 7,
}  # fmt: skip


def load_old_schema(server: Server, revision: str = "0018") -> None:
    """Make the database as it was before the first release."""
    if not server.run("SELECT FROM pg_roles WHERE rolname = 'imgapp_system'"):
        server.run("CREATE ROLE imgapp_system NOLOGIN NOBYPASSRLS", role="the_owner")
    with server.connect() as connection:
        dump = gzip.decompress(_DUMP.read_bytes()).decode()
        connection.exec_driver_sql(dump, execution_options={"no_parameters": True})
        connection.exec_driver_sql("SET search_path = public")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES (%s)", (revision,))
        connection.commit()


def fill_every_table(server: Server) -> None:
    """Write two rows into every table, with something in every column."""
    with server.connect() as connection:
        # As they are given: no trigger changes them, and no key is looked up.
        connection.exec_driver_sql("SET session_replication_role = replica")
        found = sa.MetaData()
        found.reflect(connection)
        for name in tables(connection):
            table = found.tables[name]
            for number in (1, 2)[: 1 if name == "installation" else 2]:
                written = [column for column in table.columns if column.computed is None]
                values = {column.name: _value(column, number) for column in written}
                connection.execute(table.insert().values(values))
        connection.commit()


def rows(server: Server) -> dict[str, list[str]]:
    """Every row of every table as text, without what the database computes of it."""
    computed = (
        "SELECT array_agg(attname::text) FROM pg_attribute"
        " WHERE attrelid = '\"{0}\"'::regclass AND attgenerated <> ''"
    )
    query = f'SELECT (to_jsonb(t) - coalesce(({computed}), ARRAY[]::text[]))::text FROM "{{0}}" t'
    with server.connect() as connection:
        return {
            name: list(connection.exec_driver_sql(f"{query.format(name)} ORDER BY 1").scalars())
            for name in tables(connection)
        }


def _value(column: sa.Column[Any], number: int) -> Any:
    table = column.table.name
    user, own = _id("users", number), _id(table, number)
    if column.name == "s3_key":
        start = f"incoming/{user}/" if table == "direct_uploads" else f"users/{user}/images/"
        return f"{start}{own}" + ("" if table == "direct_uploads" else "/Häuser 1.jpg")
    if column.name == "email":
        return f"person{number}@example.org"
    if column.name == "token_hash":
        return f"{number}a" * 32
    for name in (f"{table}.{column.name}", column.name):
        if name in _VALUES:
            return _VALUES[name]
    kind = column.type
    if isinstance(kind, sa.Uuid):
        return _id(_KEYS[column.name], number) if column.name in _KEYS else own
    if isinstance(kind, sa.DateTime):
        return f"2026-0{number}-03 04:05:06.789+00"
    if isinstance(kind, sa.Boolean):
        return number == 1
    if isinstance(kind, sa.JSON):
        return {"of": [column.name, number, None]}
    if isinstance(kind, sa.ARRAY):
        return [column.name, 'a,"b"', "ü"]
    if isinstance(kind, sa.Date):
        return f"2026-0{number}-01"
    if isinstance(kind, sa.Integer | sa.Numeric | sa.Float):
        return number
    return f"{column.name} \\ 'ü' {number}"


def _id(table: str, number: int) -> UUID:
    return uuid5(_NAMES, f"{table} {number}")

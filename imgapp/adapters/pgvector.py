"""pgvector: makes the extension where it may, or says why it is not there (vector search).

Everything but search by meaning works without it. Whoever gets it later runs `imgapp migrate`.
"""

from __future__ import annotations

import logging

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

OLDEST = (0, 8)
"""The first whose index of neighbours goes on until it has found enough of one person's."""

_FACTS = sa.text(
    "SELECT a.installed_version, a.default_version,"
    " to_regclass('public.image_embeddings') IS NOT NULL AS tables,"
    " current_setting('server_version_num')::integer / 10000 AS server"
    " FROM (SELECT) one LEFT JOIN pg_available_extensions a ON a.name = 'vector'"
)
_SCHEMA = sa.text(
    "SELECT quote_ident(n.nspname) FROM pg_extension x JOIN pg_namespace n"
    " ON n.oid = x.extnamespace WHERE x.extname = 'vector'"
)

log = logging.getLogger(__name__)


def missing_tables(connection: Connection) -> str | None:
    """The quoted schema of the extension, made if that is allowed, where its tables are not there
    yet; None where they are, or cannot be."""
    facts = connection.execute(_FACTS).one()
    if facts.tables or facts.default_version is None:
        return None
    if facts.installed_version is None and not _create(connection):
        return None
    version = connection.execute(_FACTS).one().installed_version
    if _number(version) < OLDEST:
        return None
    return str(connection.execute(_SCHEMA).scalar_one())


def _create(connection: Connection) -> bool:
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("CREATE EXTENSION vector")
    except DBAPIError as error:
        # Not allowed, most often; whatever it is, it is no reason to leave the database as it is.
        log.info("no_pgvector", extra={"reason": getattr(error.orig, "sqlstate", None)})
        return False
    return True


def version(connection: Connection) -> str | None:
    """That of the extension, if texts are compared in this database."""
    facts = connection.execute(_FACTS).one()
    return str(facts.installed_version) if facts.tables else None


def why_off(connection: Connection) -> str:
    """In a sentence for whoever runs the database, what to do for texts to be compared."""
    facts = connection.execute(_FACTS).one()
    then = "then run `imgapp migrate`."
    if facts.default_version is None:
        return (
            "the database server has no pgvector: install it (with Debian's packages,"
            f" postgresql-{facts.server}-pgvector), {then}"
        )
    if facts.installed_version is None:
        return (
            "as an administrator of the database, run: CREATE EXTENSION vector; in imgapp's"
            f" database, {then}"
        )
    if _number(facts.installed_version) < OLDEST:
        return (
            f"pgvector {facts.installed_version} is too old; imgapp needs 0.8. As an administrator"
            f" of the database, run: ALTER EXTENSION vector UPDATE; {then}"
        )
    return "run `imgapp migrate`."


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])

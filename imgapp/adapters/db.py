"""PostgreSQL sessions: open transactions bound to one person, run after-commit hooks, migrate."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from functools import partial
from typing import Any, Literal, TypeVar, cast
from uuid import UUID

import psycopg
import sqlalchemy as sa
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb
from pydantic import SecretStr
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import configure_mappers
from sqlmodel import Session

from imgapp.errors import ConfigurationError, DatabaseUnavailable
from imgapp.settings import Settings, get_settings

T = TypeVar("T")
Query = tuple[str, Mapping[str, object]]
"""SQL with values as `%(name)s`, and those values; a dict is sent as jsonb."""

logger = logging.getLogger(__name__)

Use = Literal["transactions", "readings", "look-ups"]
POOLS: dict[Use, tuple[int, int]] = {
    "transactions": (15, 0),
    "readings": (3, 0),
    "look-ups": (2, 0),
}
"""Connections that are kept, and how many more are opened when these are busy. To connect takes
longer than to wait for an answer; and whoever signs in waits for nobody's search. A process
that has nothing to do closes all of them (`idle_memory`)."""
_BY_WORK: tuple[Use, ...] = ("transactions", "readings")
"""Looked up is also what nobody works on: a session that lives, a chore that is due."""
POOL_TIMEOUT = 10  # seconds a caller waits for a connection
CONNECT_TIMEOUT = 5  # seconds
STATEMENT_TIMEOUT = "30s"
_CONNECT = {
    "connect_timeout": CONNECT_TIMEOUT,
    "application_name": "imgapp",
    "client_encoding": "utf8",
}

_BEGIN = (
    "SELECT set_config('app.user_id', %s, true) AS user_id,"
    f" set_config('statement_timeout', '{STATEMENT_TIMEOUT}', true) AS statement_timeout"
)
_NOBODY = "''"
_HOOKS = "imgapp_after_commit"

_engines: dict[tuple[SecretStr | None, Use], Engine] = {}
_used_at: dict[Use, float] = {}
_engines_lock = threading.Lock()


@contextmanager
def transaction(user_id: UUID | None = None) -> Iterator[Session]:
    """One transaction that sees this person's rows only; without a person, no rows at all.

    Commits at the end of the block and then runs the hooks. Raises DatabaseUnavailable.
    """
    with _translated(), Session(_engine(), expire_on_commit=False) as session:
        _begin(session, user_id)
        yield session
        session.commit()
        hooks = session.info.pop(_HOOKS, [])
    for hook in hooks:
        _run_hook(hook)


def _begin(session: Session, user_id: UUID | None) -> None:
    """Begin a transaction for this person, in one exchange with the server (simple query protocol).

    It tells whether the connection is still there, too: one that was cut is replaced.
    """
    if not isinstance(user_id, UUID | None):
        raise TypeError("a person is named by a UUID")
    begin = "BEGIN; " + _BEGIN % (f"'{user_id}'" if user_id else _NOBODY)
    try:
        _send(session, begin)
    except OperationalError as error:
        if not error.connection_invalidated:
            raise
        session.rollback()
        _send(session, begin)


def _send(session: Session, sql: str) -> None:
    session.connection().exec_driver_sql(sql, execution_options={"no_parameters": True})


def look_up(function: str, argument: object) -> Any:
    """The row that a definer function of ours answers, as a named tuple, or None.

    For what every request asks: one exchange with the server, no transaction around it, and no
    statement to build. Raises DatabaseUnavailable.
    """

    def ask(connection: psycopg.Connection[Any]) -> Any:
        with connection.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(f"SELECT * FROM {function}(%s)", (argument,)).fetchone()  # noqa: S608

    return _exchange("look-ups", ask)


def call(function: str, *arguments: object) -> Any:
    """The row that a definer function of ours answers, as a named tuple, or None; it may write.

    One exchange that is a transaction of its own, for what workers ask all the time. A connection
    that is cut meanwhile may have it asked twice. Raises DatabaseUnavailable.
    """
    marks = ", ".join(["%s"] * len(arguments))
    # The simple query protocol takes several statements, whose values are then in the text.
    sql = f"{_BEGIN % _NOBODY}; SELECT * FROM {function}({marks})"  # noqa: S608

    def ask(connection: psycopg.Connection[Any]) -> Any:
        with psycopg.ClientCursor(connection, row_factory=namedtuple_row) as cursor:
            cursor.execute(sql, [_sent(value) for value in arguments], prepare=False)
            cursor.nextset()
            return cursor.fetchone()

    return _exchange("transactions", ask)


def read(user_id: UUID, *queries: Query) -> list[list[Any]]:
    """The rows of each query, as named tuples, read as this person and in one exchange.

    As `transaction`, for what is read so often that the building of statements and the waiting for
    each of them would be most of the work. Raises DatabaseUnavailable.
    """

    def ask(connection: psycopg.Connection[Any]) -> list[list[Any]]:
        # `connection.transaction()` would wait for an answer at either end of the transaction.
        with connection.pipeline():
            connection.execute("BEGIN")
            connection.execute(_BEGIN, (str(user_id),))
            cursors = _ask_all(connection, queries)
            connection.execute("COMMIT")
        return [cursor.fetchall() for cursor in cursors]

    return _exchange("readings", ask)


def execute(session: Session, *queries: Query) -> list[list[Any]]:
    """The rows of each query, as named tuples, in the session's transaction and in one exchange.

    For what is done so often that building the statements would be most of the work. What comes
    after one that fails is not done; it raises what `Session.execute` would.
    """
    connection = cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
    try:
        if len(queries) == 1:
            cursors = _ask_all(connection, queries)
        else:
            with connection.pipeline():
                cursors = _ask_all(connection, queries)
        return [cursor.fetchall() if cursor.description else [] for cursor in cursors]
    except psycopg.Error as error:
        raise DBAPIError.instance(None, None, error, psycopg.Error) from error


def insertion(table: str, row: Mapping[str, object]) -> Query:
    """The query that adds a row of these columns."""
    marks = ", ".join(f"%({name})s" for name in row)
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", row  # noqa: S608


def _ask_all(
    connection: psycopg.Connection[Any], queries: Sequence[Query]
) -> list[psycopg.Cursor[Any]]:
    cursors = [connection.cursor(row_factory=namedtuple_row) for _ in queries]
    for cursor, (sql, values) in zip(cursors, queries, strict=True):
        cursor.execute(sql, {name: _sent(value) for name, value in values.items()})
    return cursors


def _sent(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    return Jsonb(value) if isinstance(value, dict) else value


def _exchange(use: Use, ask: Callable[[psycopg.Connection[Any]], T]) -> T:
    """What is asked of a connection that commits by itself; asked again if it was cut."""
    with _translated():
        try:
            return _ask_once(use, ask)
        except psycopg.errors.QueryCanceled:
            raise
        except psycopg.OperationalError:
            # The connection may have been cut while nobody used it.
            _engine(use).dispose()
            return _ask_once(use, ask)


def _ask_once(use: Use, ask: Callable[[psycopg.Connection[Any]], T]) -> T:
    pooled = _engine(use).raw_connection()
    try:
        return ask(cast("psycopg.Connection[Any]", pooled.driver_connection))
    finally:
        pooled.close()


def after_commit(session: Session, fn: Callable[[], None]) -> None:
    """Call `fn` once the session's transaction is committed; never if it is rolled back."""
    session.info.setdefault(_HOOKS, []).append(fn)


def check() -> None:
    """Raise DatabaseUnavailable unless the server answers a query."""
    with transaction() as session:
        session.execute(sa.text("SELECT 1"))


def rehearse() -> None:
    """Do once what the first transaction of a process prepares, and keep no connection.

    Processes that are forked afterwards share what it took.
    """
    configure_mappers()
    with suppress(DatabaseUnavailable):
        check()
    dispose()


def is_pooled() -> bool:
    """Whether a connection pooler, like PgBouncer, is before the server.

    What is prepared in one transaction may be missing in the next there: nothing is. Raises
    DatabaseUnavailable.
    """
    with _translated():
        return _ask_once("transactions", _is_pooled)


def dispose() -> None:
    """Close the connections of this process; the next transaction opens new ones."""
    with _engines_lock:
        engines = list(_engines.values())
        _engines.clear()
    for engine in engines:
        engine.dispose()


def idle_seconds() -> float:
    """Since this process began a transaction or a reading."""
    used = [_used_at[use] for use in _BY_WORK if use in _used_at]
    return time.monotonic() - max(used, default=0.0)


def driver_url(url: str) -> URL:
    """The URL with the driver that imgapp uses. Raises ConfigurationError."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError("DATABASE_URL is not a database URL") from None
    if parsed.drivername not in ("postgres", "postgresql", "postgresql+psycopg"):
        raise ConfigurationError(
            f"DATABASE_URL must start with postgresql:// (it starts with {parsed.drivername}://)"
        )
    return parsed.set(drivername="postgresql+psycopg")


def application_url(settings: Settings) -> URL:
    """Where the application connects, with its own role. Raises ConfigurationError."""
    if settings.database_url is None:
        raise ConfigurationError("DATABASE_URL is not set")
    return driver_url(settings.database_url.get_secret_value())


def owner_url(settings: Settings) -> URL:
    """Where migrations connect: as the owner of the tables. Raises ConfigurationError."""
    if settings.migrate_database_url is None:
        return application_url(settings)
    return driver_url(settings.migrate_database_url.get_secret_value())


def migrate() -> None:
    """Bring the database to the newest revision. Raises ConfigurationError, DatabaseUnavailable."""
    # Only the owner's commands need Alembic, and it is slow to import.
    from imgapp.adapters import migrations

    settings = get_settings()
    with _translated():
        migrations.migrate(owner_url(settings), application_url(settings))


def _engine(use: Use = "transactions") -> Engine:
    """Its connections commit by themselves: whoever wants a transaction sends the BEGIN."""
    settings = get_settings()
    _used_at[use] = time.monotonic()
    key = (settings.database_url, use)
    size, overflow = POOLS[use]
    with _engines_lock:
        if key not in _engines:
            engine = _engines[key] = sa.create_engine(
                application_url(settings),
                isolation_level="AUTOCOMMIT",
                pool_size=size,
                max_overflow=overflow,
                pool_timeout=POOL_TIMEOUT,
                pool_recycle=1800,
                connect_args=_CONNECT,
            )
            sa.event.listen(engine, "connect", _prepare_nothing_through_poolers)
            sa.event.listen(engine, "checkin", partial(_close_what_is_left, key, engine))
        return _engines[key]


def _close_what_is_left(
    key: tuple[SecretStr | None, Use],
    engine: Engine,
    connection: psycopg.Connection[Any] | None,
    _: object,
) -> None:
    """Close a connection that comes back to an engine that was disposed of meanwhile."""
    if connection is not None and _engines.get(key) is not engine:
        connection.close()


def _prepare_nothing_through_poolers(connection: psycopg.Connection[Any], _: object) -> None:
    if _is_pooled(connection):
        connection.prepare_threshold = None
    connection.rollback()


def _is_pooled(connection: psycopg.Connection[Any]) -> bool:
    """A pooler makes up the process id that it greets with; the server says the real one."""
    answer = connection.execute("SELECT pg_backend_pid()").fetchone()
    return answer is not None and answer[0] != connection.info.backend_pid


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, psycopg.OperationalError) as error:
        # The vendor's message may name hosts and values: it goes to the log, not to people.
        logger.warning("the database did not answer", exc_info=error)
        raise DatabaseUnavailable from error


def _run_hook(hook: Callable[[], None]) -> None:
    try:
        hook()
    except Exception:
        logger.exception("a hook after commit failed")


def _forget_connections() -> None:
    # A forked child shares its parent's sockets: it must neither use nor close them.
    global _engines_lock
    _engines_lock = threading.Lock()
    for engine in _engines.values():
        engine.dispose(close=False)
    _engines.clear()


os.register_at_fork(after_in_child=_forget_connections)

"""Transactions, hooks after commit, and what happens when the server is gone."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlmodel import select

from imgapp.adapters import db
from imgapp.errors import ConfigurationError, DatabaseUnavailable
from imgapp.models import AccessToken, User, new_id
from imgapp.settings import get_settings
from tests.conftest import Person

HASH = "0" * 64


def a_token(user_id: Any, name: str = "laptop") -> AccessToken:
    return AccessToken(
        user_id=user_id, name=name, token_hash=HASH, hint="imgapp_0", scopes=["read"]
    )


def promise_and_fail(session: Any, user_id: Any, hook: Callable[[], None]) -> None:
    db.after_commit(session, hook)
    session.add(a_token(user_id))
    session.flush()
    session.execute(sa.insert(AccessToken).values(a_token(user_id).model_dump()))


def ask_for_tokens_of(person: Person, rows: list[dict[str, Any]]) -> None:
    count = ("SELECT count(*) AS tokens FROM tokens", dict[str, object]())
    with db.transaction(person.user_id) as session:
        [_, [before]] = db.execute(session, db.insertion("tokens", rows[0]), count)
        assert before.tokens == 1
        db.execute(session, count, db.insertion("tokens", rows[1]), count)


def names_of(user_id: Any) -> list[str]:
    with db.transaction(user_id) as session:
        return [row.name for row in session.exec(select(AccessToken))]


def test_a_transaction_commits_at_the_end_of_its_block(alice) -> None:
    with db.transaction(alice.user_id) as session:
        session.add(a_token(alice.user_id))
    assert names_of(alice.user_id) == ["laptop"]


def test_an_error_rolls_the_transaction_back(alice) -> None:
    with pytest.raises(sa.exc.IntegrityError), db.transaction(alice.user_id) as session:
        session.add_all([a_token(alice.user_id, "one"), a_token(alice.user_id, "same hash")])
    assert names_of(alice.user_id) == []


def test_rows_can_be_read_after_their_transaction(alice) -> None:
    with db.transaction(alice.user_id) as session:
        user = session.get(User, alice.user_id)
    assert user is not None
    assert user.email == alice.email


def test_the_person_does_not_stay_on_the_connection(alice) -> None:
    db.dispose()  # so that the pool has one connection
    with db.transaction(alice.user_id) as session:
        backend = session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    with db.transaction() as session:
        again = session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        setting = session.execute(sa.text("SELECT current_setting('app.user_id', true)"))
        assert (again, setting.scalar_one()) == (backend, "")


def test_queries_of_a_transaction_go_in_one_exchange_and_with_it(alice, mallory) -> None:
    count = ("SELECT count(*) AS n FROM tokens", {})
    add = (
        "INSERT INTO tokens (id, user_id, name, token_hash, hint, scopes, created_at)"
        " VALUES (%(id)s, %(user_id)s, 'raw', %(hash)s, 'h', ARRAY['read'], now())",
        {"id": new_id(), "user_id": alice.user_id, "hash": HASH},
    )
    with db.transaction(alice.user_id) as session:
        before, added, [after] = db.execute(session, count, add, count)
        assert (before[0].n, added, after.n) == (0, [], 1)
        session.rollback()
    assert names_of(alice.user_id) == []
    with db.transaction(alice.user_id) as session:
        db.execute(session, add)
    assert names_of(alice.user_id) == ["raw"]
    with pytest.raises(sa.exc.IntegrityError), db.transaction(alice.user_id) as session:
        db.execute(session, add, count)
    with pytest.raises(sa.exc.ProgrammingError), db.transaction(mallory.user_id) as session:
        db.execute(session, (add[0], {**add[1], "id": new_id(), "hash": "1" * 64}))
    assert names_of(alice.user_id) == ["raw"]


def test_hooks_run_in_order_once_the_rows_are_visible_to_others(alice) -> None:
    heard = []
    with db.transaction(alice.user_id) as session:
        session.add(a_token(alice.user_id))
        db.after_commit(session, lambda: heard.append(names_of(alice.user_id)))
        db.after_commit(session, lambda: heard.append("second"))
        assert heard == []
    assert heard == [["laptop"], "second"]


def test_hooks_do_not_run_after_a_rollback(alice) -> None:
    heard: list[str] = []
    with pytest.raises(sa.exc.IntegrityError), db.transaction(alice.user_id) as session:
        promise_and_fail(session, alice.user_id, lambda: heard.append("ran"))
    assert heard == []


def test_a_failing_hook_is_logged_and_the_next_one_runs(alice, caplog) -> None:
    heard = []
    with caplog.at_level(logging.ERROR), db.transaction(alice.user_id) as session:
        db.after_commit(session, lambda: {}["missing"])
        db.after_commit(session, lambda: heard.append("ran"))
    assert heard == ["ran"]
    assert "a hook after commit failed" in caplog.text


def test_a_server_that_is_gone_is_unavailable(database: None, set_env, tmp_path) -> None:
    set_env(DATABASE_URL=f"postgresql://imgapp_app@/imgapp?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable):
        db.check()


def test_a_connection_that_was_cut_is_replaced(alice, administrator: sa.Engine) -> None:
    db.check()
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'imgapp_app'"
    with administrator.begin() as connection:
        connection.execute(sa.text(cut))
    db.check()


def test_a_transaction_begins_in_one_exchange_with_the_server(alice, monkeypatch) -> None:
    db.check()
    waits: list[Any] = []
    wait = psycopg.Connection.wait
    monkeypatch.setattr(
        psycopg.Connection, "wait", lambda *given, **named: waits.append(1) or wait(*given, **named)
    )
    with db.transaction(alice.user_id):
        assert len(waits) == 1


def test_a_person_is_named_by_an_id_and_by_nothing_else(alice) -> None:
    words: Any = f"{alice.user_id}', true); DROP TABLE users; --"
    with pytest.raises(TypeError), db.transaction(words):
        pass
    assert names_of(alice.user_id) == []


def test_what_is_asked_in_one_exchange_is_part_of_the_transaction(alice, mallory) -> None:
    rows = [a_token(person.user_id).model_dump() for person in (alice, mallory)]
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
        ask_for_tokens_of(alice, rows)
    assert names_of(alice.user_id) == []
    assert names_of(mallory.user_id) == []


def test_a_function_that_writes_is_called_in_one_exchange(
    alice, add_image, administrator: sa.Engine
) -> None:
    image_id = add_image(alice, analysis_status="pending")
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'imgapp_app'"
    with administrator.begin() as connection:
        connection.execute(sa.text(cut))
    asked = "imgapp_claim_image", new_id(), 30, {"default": "m'\"; --"}, True
    claimed = db.call(*asked)
    assert (claimed.image_id, claimed.model) == (image_id, "m'\"; --")
    assert db.call(*asked) is None


def test_a_statement_that_takes_too_long_is_stopped(database: None) -> None:
    sleep = "SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(5)"
    with pytest.raises(DatabaseUnavailable), db.transaction() as session:
        session.connection().exec_driver_sql(sleep, execution_options={"no_parameters": True})


def test_statements_have_a_time_limit_by_default(database: None) -> None:
    with db.transaction() as session:
        assert session.execute(sa.text("SHOW statement_timeout")).scalar_one() == "30s"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_plain_urls_get_the_driver(scheme: str) -> None:
    url = db.driver_url(f"{scheme}://app:secret@db.example.org/imgapp")
    assert url.render_as_string(hide_password=False) == (
        "postgresql+psycopg://app:secret@db.example.org/imgapp"
    )


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://u:p@h/d", "nonsense"])
def test_other_databases_are_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL") as refusal:
        db.driver_url(url)
    assert ":p@" not in str(refusal.value)


def test_a_missing_url_is_named(set_env: Callable[..., None]) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL is not set"), db.transaction():
        pass


def test_migrations_fall_back_to_the_one_url_there_is(set_env: Callable[..., None]) -> None:
    set_env(DATABASE_URL="postgresql://one@/imgapp")
    assert db.owner_url(get_settings()).username == "one"
    set_env(IMGAPP_MIGRATE_DATABASE_URL="postgresql://two@/imgapp")
    assert db.owner_url(get_settings()).username == "two"


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_opens_connections_of_its_own(database: None) -> None:
    db.dispose()  # so that the pool has one connection

    def backend() -> int:
        with db.transaction() as session:
            return int(session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())

    parent = backend()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, str(backend()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    assert answer
    assert int(answer) != parent
    assert backend() == parent


def test_a_look_up_survives_a_connection_that_was_cut(
    make_person: Callable[..., Person], administrator: sa.Engine
) -> None:
    admin = make_person("admin@example.org", is_admin=True)
    call = ("imgapp_sign_in", admin.email)
    first = db.look_up(*call)
    assert first is not None
    assert first.id == admin.user_id
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'imgapp_app'"
    with administrator.begin() as connection:
        connection.execute(sa.text(cut))
    assert db.look_up(*call) == first
    assert db.look_up("imgapp_sign_in", "nobody@example.org") is None


def test_queries_are_read_as_one_person_and_with_their_values(
    make_person: Callable[..., Person],
) -> None:
    alice, mallory = make_person("alice@example.org"), make_person("mallory@example.org")
    with db.transaction(alice.user_id) as session:
        session.add(a_token(alice.user_id))
    mine = ("SELECT user_id, name FROM tokens", {})
    sent = (
        "SELECT %(what)s->>'word' AS word, id FROM unnest(%(ids)s) AS id",
        {"what": {"word": "harbour"}, "ids": [alice.user_id, mallory.user_id]},
    )
    [token], words, [setting] = db.read(alice.user_id, mine, sent, ("SHOW statement_timeout", {}))
    assert (token.user_id, token.name) == (alice.user_id, "laptop")
    assert [row.id for row in words] == [alice.user_id, mallory.user_id]
    assert ({row.word for row in words}, setting.statement_timeout) == ({"harbour"}, "30s")
    assert db.read(mallory.user_id, mine) == [[]]


def test_a_reading_that_fails_leaves_its_connection_to_the_next(
    make_person: Callable[..., Person],
) -> None:
    alice, mallory = make_person("alice@example.org"), make_person("mallory@example.org")
    db.dispose()  # so that the pool has one connection
    who = "SELECT pg_backend_pid() AS pid, current_setting('app.user_id', true) AS user_id"
    [[first]] = db.read(alice.user_id, (who, {}))
    assert first.user_id == str(alice.user_id)
    with pytest.raises(psycopg.errors.DivisionByZero):
        db.read(alice.user_id, ("SELECT 1 / 0", {}), ("SELECT 1", {}))
    [[again]] = db.read(mallory.user_id, (who, {}))
    assert again == (first.pid, str(mallory.user_id))


def test_a_reading_that_takes_too_long_is_stopped_and_not_begun_again(
    make_person: Callable[..., Person], administrator: sa.Engine
) -> None:
    alice = make_person("alice@example.org")
    with administrator.begin() as connection:
        connection.execute(sa.text("CREATE SEQUENCE asked"))
        connection.execute(sa.text("GRANT USAGE ON SEQUENCE asked TO imgapp_app"))
    try:
        with pytest.raises(DatabaseUnavailable):
            db.read(
                alice.user_id,
                ("SELECT nextval('asked'), set_config('statement_timeout', '20', true)", {}),
                ("SELECT pg_sleep(60)", {}),
            )
        with administrator.begin() as connection:
            # Sequences do not roll back.
            assert connection.execute(sa.text("SELECT last_value FROM asked")).scalar_one() == 1
            assert connection.execute(sa.text("SELECT is_called FROM asked")).scalar_one()
    finally:
        with administrator.begin() as connection:
            connection.execute(sa.text("DROP SEQUENCE asked"))


def test_a_reading_survives_a_connection_that_was_cut(
    make_person: Callable[..., Person], administrator: sa.Engine
) -> None:
    alice = make_person("alice@example.org")
    mine = ("SELECT id FROM users", {})
    first = db.read(alice.user_id, mine)
    assert [row.id for row in first[0]] == [alice.user_id]
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'imgapp_app'"
    with administrator.begin() as connection:
        connection.execute(sa.text(cut))
    assert db.read(alice.user_id, mine) == first


def test_a_look_up_says_when_the_database_is_gone(
    tmp_path: Path, set_env: Callable[..., None]
) -> None:
    set_env(DATABASE_URL=f"postgresql://imgapp_app@/imgapp?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable):
        db.look_up("imgapp_session", "x")


def test_a_rehearsal_keeps_no_connection_that_a_fork_would_share(alice: Person) -> None:
    assert names_of(alice.user_id) == []
    assert db._engines
    db.rehearse()
    assert not db._engines


def test_without_a_database_there_is_a_rehearsal_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away() -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(db, "check", away)
    db.rehearse()
    assert not db._engines

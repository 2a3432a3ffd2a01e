"""A pooler before PostgreSQL that gives each transaction another connection (PgBouncer)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlmodel import select
from starlette.testclient import TestClient

from imgapp.adapters import db
from imgapp.models import Image
from tests.conftest import Person, Servers
from tests.support.pgbouncer import missing, pgbouncer

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]
TIMES = 40


@pytest.fixture
def pooled(database: None, servers: Servers, set_env: Callable[..., None]) -> Iterator[None]:
    with pgbouncer(servers.app_url, servers.owner_url) as (app, owner):
        db.dispose()
        set_env(DATABASE_URL=app, IMGAPP_MIGRATE_DATABASE_URL=owner)
        yield
        db.dispose()


def ask_all_ways(person: Person) -> None:
    with db.transaction(person.user_id) as session:
        assert [image.filename for image in session.exec(select(Image))] == [person.email]
    [[row], [same]] = db.read(
        person.user_id, *[("SELECT filename FROM images WHERE file_size = %(s)s", {"s": 1})] * 2
    )
    assert row.filename == same.filename == person.email
    assert db.look_up("imgapp_token", "0" * 64) is None


def test_whatever_is_asked_over_and_over_is_answered_and_to_its_person(
    pooled: None, alice: Person, mallory: Person, add_image: Callable[..., object]
) -> None:
    assert db.is_pooled()
    people = [alice, mallory]
    for person in people:
        add_image(person, filename=person.email)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask_all_ways, people * TIMES))


def test_nothing_is_left_on_the_connections_of_others(
    pooled: None, administrator: sa.Engine, alice: Person, add_image: Callable[..., object]
) -> None:
    add_image(alice, filename=alice.email)
    for _ in range(TIMES):
        ask_all_ways(alice)
    db.migrate()
    with db.transaction() as session:
        named = "SELECT count(*) FROM pg_prepared_statements WHERE name <> ''"
        assert session.execute(sa.text(named)).scalar_one() == 0
        said = session.execute(sa.text("SELECT current_setting('app.user_id', true)"))
        assert said.scalar_one() == ""


def test_the_lists_of_the_api_are_answered(
    pooled: None,
    alice: Person,
    add_image: Callable[..., object],
    client_for: Callable[..., TestClient],
) -> None:
    add_image(alice, alt_text="A harbour")
    client = client_for(alice)
    answers = [client.get("/api/images?q=harbour&limit=10") for _ in range(TIMES)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["total"] for answer in answers} == {1}


def test_doctor_names_it(pooled: None, invoke: Callable[..., tuple[int, str]]) -> None:
    _, output = invoke("doctor")
    assert "through a connection pooler" in output
    assert "ok    role: imgapp_app is bound by row-level security" in output


def test_doctor_says_that_a_pooler_breaks_transactions(
    database: None,
    servers: Servers,
    set_env: Callable[..., None],
    invoke: Callable[..., tuple[int, str]],
) -> None:
    with pgbouncer(servers.app_url, mode="statement") as [app]:
        db.dispose()
        set_env(DATABASE_URL=app, IMGAPP_MIGRATE_DATABASE_URL=None)
        code, output = invoke("doctor")
        db.dispose()
    assert code == 1
    assert "FAIL  database: DATABASE_URL: a pooler is before it that keeps no transaction" in output


def test_a_server_without_a_pooler_is_no_pooler(database: None) -> None:
    assert not db.is_pooled()

"""Models that administrators connect: known to all workers, their keys to nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
import sqlalchemy as sa

from imgapp.adapters import db
from imgapp.adapters.vision import BASIC
from imgapp.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    OutboundFailed,
    PermanentDescriberError,
)
from imgapp.models import AnalysisStatus
from imgapp.services.analysis import describe, model_trials, preferences
from imgapp.services.analysis.preferences import PreferencesEdit
from imgapp.services.installation import connected_models, vision_models
from imgapp.services.installation.connected_models import (
    ModelConnection,
    ModelConnectionEdit,
    ServerAddress,
)
from imgapp.services.queue import leases
from tests.conftest import Person, Servers
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.waiting import add_picture, analyses_of, row_of

KEY = "sk-sealed-0123456789abcdef"
URL = "http://127.0.0.1:1/v1"


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"eyes-{uuid4().hex[:8]}") as running:
        yield running
    leases.resume()


@pytest.fixture
def other() -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"other-{uuid4().hex[:8]}") as running:
        yield running


def connect(admin: Person, server: OpenAIServer | None = None, **more: Any) -> str:
    said = {"base_url": server.url if server else URL, "model": server.model if server else "eyes"}
    return connected_models.connect(admin.user_id, ModelConnection(**said | more))


def change(admin: Person, name: str, **edit: Any) -> None:
    connected_models.change(admin.user_id, name, ModelConnectionEdit(**edit))


def asked(person: Person, **columns: Any) -> str:
    """Which model a new picture of a person was described by."""
    image_id = add_picture(person.user_id, **columns)
    assert describe.run_one() == image_id
    return analyses_of(person.user_id, image_id)[-1].model_version.removesuffix("-test")


def test_the_first_one_is_the_default_and_is_asked(
    admin: Person, alice: Person, server: OpenAIServer, other: OpenAIServer
) -> None:
    first, second = connect(admin, server), connect(admin, other)
    assert vision_models.offered().models == [first, second, BASIC]
    assert asked(alice) == server.model
    assert asked(alice, ask={"model": second}) == other.model
    change(admin, second, role="default")
    assert asked(alice) == other.model
    connected_models.disconnect(admin.user_id, second)
    assert asked(alice) == server.model
    assert asked(alice, ask={"model": second}) == server.model, "of the default"
    connected_models.disconnect(admin.user_id, first)
    assert vision_models.offered().configured is False
    assert asked(alice) == BASIC


def test_all_of_a_connection_can_be_changed(admin: Person) -> None:
    name = connect(admin, name="ours")
    change(admin, name, model="seer", seconds=900, at_once=7, local=False, role="fallback")
    known = vision_models.routes().known[name]
    assert (known.model, known.server.seconds, known.at_once, known.local) == (
        "seer",
        900,
        7,
        False,
    )
    assert vision_models.routes().fallback == name
    change(admin, name, seconds=None, at_once=None, role=None)
    known = vision_models.routes().known[name]
    assert (known.server.seconds, known.at_once) == (300, None)
    assert vision_models.routes().fallback is None


def test_there_is_one_default_and_one_fall_back(admin: Person) -> None:
    for name in ("a", "b", "c"):
        connect(admin, name=name, role="default")
    change(admin, "a", role="fallback")
    change(admin, "b", role="fallback")
    roles = {one.name: one.role for one in model_trials.overview(admin.user_id)}
    assert roles == {"c": "default", "b": "fallback", "a": None}


def test_a_worker_knows_of_it_within_seconds(
    admin: Person, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    vision_models.routes()
    # As in another process: what this one remembers is not thrown away.
    monkeypatch.setattr(vision_models, "forget", lambda: None)
    name = connect(admin)
    assert vision_models.find(name) is None
    assert vision_models._FRESH_SECONDS <= 2
    monkeypatch.setattr(vision_models, "_FRESH_SECONDS", -1.0)
    assert vision_models.find(name) is not None


def test_the_key_is_in_no_table_no_redis_key_no_log_and_no_answer(
    admin: Person,
    alice: Person,
    server: OpenAIServer,
    owner: sa.Engine,
    administrator: sa.Engine,
    servers: Servers,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "imgapp")
    name = connect(admin, server, api_key=KEY)
    server.script(Reply(401, error={"message": f"Incorrect API key provided: {KEY}"}))
    trial = model_trials.try_connected(admin.user_id, name)
    assert asked(alice) == server.model
    assert server.calls[-1].headers["authorization"] == f"Bearer {KEY}"

    said = [caplog.text, str(trial), str(model_trials.overview(admin.user_id))]
    with administrator.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        for table in tables:
            said.append(str(connection.execute(sa.text(f'SELECT t::text FROM "{table}" t')).all()))
    with redis.Redis.from_url(servers.redis_url) as client:
        for key in client.scan_iter():
            said.append(str(key) + str(client.dump(key)))
    assert not [one for one in said if KEY in one or KEY[:12] in one]


def test_under_another_secret_the_key_is_asked_for_again(
    admin: Person, alice: Person, server: OpenAIServer, set_env: Callable[..., None]
) -> None:
    name = connect(admin, server, api_key=KEY)
    set_env(IMGAPP_SECRET_KEY="another secret for tests, and for nothing else")
    [one] = model_trials.overview(admin.user_id)
    assert (one.has_key, one.key_readable) == (True, False)
    with pytest.raises(PermanentDescriberError, match="enter it again"):
        vision_models.describer_of(name)
    trial = model_trials.try_connected(admin.user_id, name)
    assert (trial.works, trial.code) == (False, "key_refused")
    image_id = add_picture(alice.user_id)
    describe.run_one()
    assert row_of(alice.user_id, image_id).analysis_status == AnalysisStatus.PENDING
    assert server.calls == []
    change(admin, name, api_key=KEY)
    assert model_trials.try_connected(admin.user_id, name).works


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize(
    "elsewhere",
    ["http://elsewhere.example/v1", "http://127.0.0.1:2/v1", "https://127.0.0.1:1/v1"],
)
def test_a_key_does_not_go_to_another_server(
    admin: Person, set_env: Callable[..., None], elsewhere: str, readable: bool
) -> None:
    name = connect(admin, api_key=KEY)
    if not readable:
        set_env(IMGAPP_SECRET_KEY="another secret for tests, and for nothing else")
    with pytest.raises(InvalidRequest) as caught:
        change(admin, name, base_url=elsewhere)
    assert caught.value.code == "key_needed"
    change(admin, name, base_url=URL + "/more")
    change(admin, name, base_url=elsewhere, api_key="sk-another")
    assert vision_models.routes().known[name].server.api_key == "sk-another"
    change(admin, name, api_key="")
    change(admin, name, base_url=URL)
    assert vision_models.routes().known[name].server.api_key is None


def test_a_kept_key_is_used_for_the_same_server_only(
    admin: Person, server: OpenAIServer, other: OpenAIServer
) -> None:
    name = connect(admin, server, api_key=KEY)
    for one in (server, other):
        new = ModelConnection(base_url=one.url, model=one.model, name=name)
        assert model_trials.try_new(admin.user_id, new).works
    assert server.calls[-1].headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in other.calls[-1].headers


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"base_url": "ftp://host/v1"}, "bad_address"),
        ({"base_url": "localhost:8080"}, "bad_address"),
        ({"base_url": "http://"}, "bad_address"),
        ({"base_url": "http://host:99999/v1"}, "bad_address"),
        ({"base_url": "http://host:0/v1"}, "bad_address"),
        ({"base_url": "http://[::1/v1"}, "bad_address"),
        ({"base_url": "http://user:key@host/v1"}, "bad_address"),
        ({"base_url": "http://host/v1?key=1"}, "bad_address"),
        ({"base_url": "http://host/v1\r\nHost: other"}, "bad_address"),
        ({"base_url": "http://169.254.169.254/latest"}, "bad_address"),
        ({"base_url": "http://2852039166/latest"}, "bad_address"),
        ({"base_url": "http://0xa9.254.169.254/v1"}, "bad_address"),
        ({"base_url": "http://[::ffff:169.254.169.254]/v1"}, "bad_address"),
        ({"base_url": "http://[fe80::1%25eth0]/v1"}, "bad_address"),
        ({"base_url": "http://[febf::1]/v1"}, "bad_address"),
        ({"base_url": None}, "invalid_request"),
        ({"kind": "telepathy"}, "invalid_request"),
        ({"api_key": "sk-one\nsk-two"}, "bad_key"),
        ({"api_key": "sk-é"}, "bad_key"),
        ({"api_key": "sk-\x00"}, "bad_key"),
        ({"name": "basic-1"}, "bad_name"),
        ({"name": "!mine"}, "bad_name"),
        ({"name": " \t"}, "bad_name"),
    ],
)
def test_what_cannot_be_connected_is_said(admin: Person, said: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        connect(admin, **said)
    assert caught.value.code == code
    assert vision_models.offered().models == [BASIC]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("http://host:8080", "http://host:8080/v1"),
        (" http://host:8080/v1/ ", "http://host:8080/v1"),
        ("https://host/openai/", "https://host/openai"),
    ],
)
def test_an_address_may_be_written_in_several_ways(admin: Person, written: str, kept: str) -> None:
    connect(admin, base_url=written, api_key="  sk-1234567890 ")
    [one] = vision_models.routes().known.values()
    assert (one.server.base_url, one.server.api_key) == (kept, "sk-1234567890")


def test_a_name_is_taken_once_also_by_the_environment(
    admin: Person, set_env: Callable[..., None]
) -> None:
    connect(admin, name="ours")
    with pytest.raises(Conflict) as caught:
        connect(admin, name="ours")
    assert caught.value.code == "name_taken"
    set_env(OPENAI_BASE_URL=URL, IMGAPP_VISION_MODEL="usual")
    with pytest.raises(Conflict):
        connect(admin, name="usual")


def test_no_more_than_fifty_may_be_connected(admin: Person) -> None:
    for number in range(connected_models.MOST):
        connect(admin, name=f"m{number}")
    with pytest.raises(Conflict) as caught:
        connect(admin, name="one more")
    assert caught.value.code == "too_many_models"
    change(admin, "m7", seconds=77)


def test_what_administrators_do_is_written_down_without_keys(
    admin: Person, administrator: sa.Engine
) -> None:
    name = connect(admin, api_key=KEY)
    change(admin, name, api_key="sk-other-0123456789", seconds=70)
    connected_models.disconnect(admin.user_id, name)
    query = "SELECT kind, details FROM audit_events WHERE kind LIKE 'model%' ORDER BY at, id"
    with administrator.connect() as connection:
        found = connection.execute(sa.text(query)).all()
    assert [kind for kind, _ in found] == [
        "model_connected",
        "model_changed",
        "model_disconnected",
    ]
    assert found[1][1]["changed"] == "api_key, seconds"
    assert "sk-" not in str(found)


def every_call(person: Person) -> dict[str, Callable[[], Any]]:
    """Every function for administrators, by name, as this person calls it."""
    user_id, address = person.user_id, ServerAddress(base_url=URL)
    new = ModelConnection(base_url=URL, model="eyes")
    return {
        "connect": lambda: connected_models.connect(user_id, new),
        "change": lambda: connected_models.change(user_id, "eyes", ModelConnectionEdit()),
        "disconnect": lambda: connected_models.disconnect(user_id, "eyes"),
        "models_at": lambda: connected_models.models_at(user_id, address, "eyes"),
        "look_around": lambda: connected_models.look_around(user_id),
        "pull": lambda: connected_models.pull(user_id, address, "eyes"),
        "server_to_ask": lambda: connected_models.server_to_ask(user_id, address, "eyes"),
        "overview": lambda: model_trials.overview(user_id),
        "try_connected": lambda: model_trials.try_connected(user_id, "eyes"),
        "try_new": lambda: model_trials.try_new(user_id, new),
    }


def test_nobody_but_administrators_may_do_any_of_it(admin: Person, mallory: Person) -> None:
    connect(admin, api_key=KEY)
    for call in every_call(mallory).values():
        with pytest.raises(NotFound):
            call()
    assert list(vision_models.routes().known) == ["eyes"]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO connected_models SELECT * FROM connected_models",
        "UPDATE connected_models SET base_url = 'http://mallory.example'",
        "DELETE FROM connected_models",
        "TRUNCATE connected_models",
        "UPDATE learned_concurrency SET slots = 256",
        "DELETE FROM provider_state",
        "SELECT imgapp_remove_model('eyes')",
        'SELECT imgapp_keep_model(\'{"name": "eyes"}\')',
    ],
)
def test_the_database_lets_nobody_else_change_them(
    admin: Person, mallory: Person, statement: str
) -> None:
    connect(admin)
    with pytest.raises((sa.exc.DBAPIError, NotFound)), db.transaction(mallory.user_id) as session:
        session.execute(sa.text(statement.replace(":", r"\:")))
    assert vision_models.routes().known["eyes"].server.base_url == URL


def outage(alice: Person, server: OpenAIServer) -> None:
    """The default fails until it is left alone."""
    server.fail_with(401)
    add_picture(alice.user_id)
    describe.run_one()


def test_the_fall_back_is_asked_while_the_default_is_away_and_not_after(
    admin: Person,
    alice: Person,
    server: OpenAIServer,
    other: OpenAIServer,
    administrator: sa.Engine,
) -> None:
    connect(admin, server)
    connect(admin, other, role="fallback")
    assert asked(alice) == server.model
    outage(alice, server)
    assert describe.run_one() is not None, "the picture that met the outage"
    assert asked(alice) == other.model
    assert asked(alice) == other.model
    server.reset()
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE provider_state SET open_until = now()"))
    assert asked(alice) == server.model, "it is tried, and is back"
    assert asked(alice) == server.model


def test_who_names_a_model_waits_for_it(
    admin: Person, alice: Person, server: OpenAIServer, other: OpenAIServer
) -> None:
    name = connect(admin, server)
    connect(admin, other, role="fallback")
    outage(alice, server)
    describe.run_one()
    add_picture(alice.user_id, ask={"model": name})
    assert describe.run_one() is None
    assert len(other.calls) == 1


@pytest.mark.parametrize("local", [True, False])
def test_what_must_not_leave_the_house_never_goes_to_the_fall_back_elsewhere(
    admin: Person, alice: Person, server: OpenAIServer, other: OpenAIServer, local: bool
) -> None:
    connect(admin, server, local=local)
    connect(admin, other, role="fallback", local=False)
    preferences.change_preferences(alice.user_id, PreferencesEdit(never_cloud=True))
    assert asked(alice) == (server.model if local else BASIC)
    outage(alice, server) if local else None
    add_picture(alice.user_id)
    for _ in range(3):
        describe.run_one()
    assert other.calls == []


def test_changing_what_was_wrong_lets_pictures_go_on(
    admin: Person, alice: Person, server: OpenAIServer
) -> None:
    name = connect(admin, server, api_key="sk-wrong-1234567890")
    outage(alice, server)
    add_picture(alice.user_id)
    assert describe.run_one() is None, "it is left alone"
    server.reset()
    change(admin, name, api_key=KEY)
    assert describe.run_one() is not None
    assert describe.run_one() is not None
    assert server.calls[-1].headers["authorization"] == f"Bearer {KEY}"


def test_a_server_that_keeps_no_list_says_so(admin: Person, server: OpenAIServer) -> None:
    nowhere = ServerAddress(base_url=server.url.replace("/v1", "/v2"))
    with pytest.raises(InvalidRequest) as caught:
        connected_models.models_at(admin.user_id, nowhere)
    assert caught.value.code == "no_model_list"
    with pytest.raises(OutboundFailed, match="cannot be reached"):
        connected_models.models_at(admin.user_id, ServerAddress(base_url=URL))
    [one] = connected_models.models_at(admin.user_id, ServerAddress(base_url=server.url))
    assert (one.name, one.sees) == (server.model, None)

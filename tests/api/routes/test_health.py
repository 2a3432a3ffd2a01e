from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from imgapp import __version__
from imgapp.adapters import db, queue
from imgapp.services.operations import health
from tests.conftest import ORIGIN, Person, Servers, shared_api
from tests.support.redis_states import full
from tests.support.rows import add_image


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No answer is remembered, and connections follow the settings."""
    monkeypatch.setattr(health, "_checkers", {})
    monkeypatch.setattr(health, "SECONDS_FRESH", 0.0)
    queue.reset()
    yield
    queue.reset()


@pytest.fixture
def client(database: None) -> Iterator[TestClient]:
    """Nobody, from another machine."""
    with TestClient(shared_api(), base_url=ORIGIN, client=("203.0.113.9", 50_000)) as client:
        yield client


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_all_is_well_when_every_dependency_answers(client: TestClient) -> None:
    response = client.get("/api/health")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "version": __version__,
        "checks": {"database": "ok", "redis": "ok", "store": "ok"},
        "workers": 0,
    }


@pytest.mark.parametrize(
    ("name", "variable", "url"),
    [
        ("database", "DATABASE_URL", "postgresql://imgapp:hunter2@127.0.0.1:1/imgapp"),
        ("redis", "REDIS_URL", "redis://:hunter2@127.0.0.1:1/0"),
    ],
)
def test_what_does_not_answer_is_named_and_nothing_secret_with_it(
    client: TestClient, set_env: Callable[..., None], name: str, variable: str, url: str
) -> None:
    set_env(**{variable: url})
    response = client.get("/api/health")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert "retry-after" in response.headers
    document = response.json()
    assert document["checks"].pop(name) == "error"
    assert set(document["checks"].values()) == {"ok"}
    assert name in document["detail"]
    assert document["version"] == __version__
    assert "hunter2" not in response.text
    assert "127.0.0.1" not in response.text


def test_a_redis_that_takes_nothing_is_not_well(
    client: TestClient, client_for: Callable[..., TestClient], admin: Person, servers: Servers
) -> None:
    with full(servers.redis_url):
        response = client.get("/api/health")
        text = client_for(admin).get("/metrics").text
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "ok", "redis": "error", "store": "ok"}
    assert response.json()["workers"] is None
    assert 'imgapp_dependency_up{dependency="redis"} 0.0' in text
    assert client.get("/api/health").status_code == 200


def test_a_dependency_that_hangs_holds_nobody_up(
    client: TestClient, set_env: Callable[..., None], deaf_port: int
) -> None:
    set_env(DATABASE_URL=f"postgresql://imgapp@127.0.0.1:{deaf_port}/imgapp")
    took: list[float] = []

    def ask() -> None:
        begin = time.monotonic()
        assert client.get("/api/health").json()["checks"]["database"] == "error"
        took.append(time.monotonic() - begin)

    callers = [threading.Thread(target=ask) for _ in range(20)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(took) == 20
    # Twice the limit: whoever comes while one check ends waits for the next.
    assert max(took) < 2 * health.SECONDS_TO_ANSWER + 10
    set_env(DATABASE_URL=None)
    db.dispose()


def test_however_many_ask_the_dependencies_are_asked_once(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "SECONDS_FRESH", 60.0)
    assert health.start_check() is health.start_check()
    assert health.check_all().checks == {"database": "ok", "redis": "ok", "store": "ok"}
    assert health.start_check().done()


def test_metrics_are_for_administrators(
    client_for: Callable[..., TestClient], alice: Person, admin: Person
) -> None:
    add_image(alice.user_id)
    response = client_for(admin).get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    assert "imgapp_images_due 1.0" in response.text
    assert "imgapp_queue_permits 0.0" in response.text
    assert client_for(None).get("/metrics").status_code == 401
    assert client_for(alice).get("/metrics").status_code == 403


def test_a_gauge_that_cannot_be_read_is_left_out(
    client_for: Callable[..., TestClient], admin: Person, set_env: Callable[..., None]
) -> None:
    client = client_for(admin)
    set_env(REDIS_URL="redis://127.0.0.1:1/0")
    text = client.get("/metrics").text
    assert "imgapp_images_due" in text
    assert "imgapp_queue_permits" not in text

"""`GET /metrics`: who may read it, what is in it, and what never is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from imgapp.adapters import counters, queue
from imgapp.api import create_site
from imgapp.errors import ConfigurationError, FileTooLarge
from imgapp.models import AnalysisStatus, Priority, new_id, now
from imgapp.services.accounts import tokens
from imgapp.services.common import metrics
from imgapp.services.operations import health
from imgapp.settings import get_settings
from tests.conftest import ROOT, Person
from tests.support.rows import add_image

TOKEN = "a token for Prometheus, and for nobody else"
OPERATING = ROOT / "docs" / "operating.md"

Values = dict[tuple[str, str], float]


@pytest.fixture(autouse=True)
def fresh(
    database: None, monkeypatch: pytest.MonkeyPatch, set_env: Callable[..., None]
) -> Iterator[None]:
    """Nothing is counted yet, no answer is remembered, and connections follow the settings."""
    monkeypatch.setattr(health, "_checkers", {})
    monkeypatch.setattr(health, "SECONDS_FRESH", 0.0)
    monkeypatch.setattr(counters, "reporter", counters.Reporter())
    set_env(IMGAPP_METRICS_TOKEN=TOKEN)
    queue.reset()
    yield
    queue.reset()


async def a_page(_: Request) -> PlainTextResponse:
    return PlainTextResponse("a page")


async def a_tab(socket: WebSocket) -> None:
    await socket.accept()
    await socket.receive()


# In the place of the page.
METHODS = ["GET", "BREW"]
PAGES = Starlette(
    routes=[WebSocketRoute("/_event", a_tab), Route("/{path:path}", a_page, methods=METHODS)]
)


@pytest.fixture
def here(client_for: Callable[..., TestClient]) -> TestClient:
    """Prometheus, with the whole site."""
    client = client_for(None, create_site(PAGES))
    client.headers["authorization"] = f"Bearer {TOKEN}"
    return client


def read(client: TestClient) -> list[Metric]:
    response = client.get("/metrics")
    assert response.status_code == 200
    return list(text_string_to_metric_families(response.text))


def values(client: TestClient) -> Values:
    """By the sample's name, and its label values joined by spaces in the order of their names."""
    return {
        (sample.name, " ".join(value for _, value in sorted(sample.labels.items()))): sample.value
        for metric in read(client)
        for sample in metric.samples
    }


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "203.0.113.9"])
def test_whoever_has_the_token_reads_them_wherever_they_are(
    client_for: Callable[..., TestClient], mallory: Person, admin: Person, address: str
) -> None:
    app = create_site(PAGES)
    anywhere = TestClient(app, base_url="http://127.0.0.1:8000", client=(address, 50_000))

    def status(token: str | None, scheme: str = "Bearer") -> int:
        headers = {} if token is None else {"authorization": f"{scheme} {token}".encode()}
        return anywhere.get("/metrics", headers=headers).status_code

    assert status(TOKEN) == status(TOKEN, "bearer") == 200
    for wrong in (None, "", TOKEN[:-1], f"{TOKEN}x", "\u00e9"):
        assert status(wrong) == 401
    assert status(TOKEN, "Basic") == 401
    assert status(tokens.create_token(mallory.user_id, "metrics").token) == 403
    assert status(tokens.create_token(admin.user_id, "metrics").token) == 200


def test_the_token_reads_nothing_else(here: TestClient) -> None:
    assert here.get("/api/images").status_code == 401


def test_without_a_token_in_the_settings_no_token_is_right(
    here: TestClient, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_METRICS_TOKEN=None)
    for headers in ({}, {"authorization": "Bearer "}, {"authorization": "Bearer None"}):
        assert here.get("/metrics", headers=headers).status_code == 401


def test_a_token_that_can_be_guessed_is_refused(set_env: Callable[..., None]) -> None:
    set_env(IMGAPP_METRICS_TOKEN="prometheus")
    with pytest.raises(ConfigurationError, match="IMGAPP_METRICS_TOKEN: must be a random") as said:
        get_settings()
    assert "prometheus" not in str(said.value)


NAME = re.compile(r"imgapp_[a-z]+(_[a-z]+)*")


def test_names_follow_the_conventions_of_prometheus(here: TestClient) -> None:
    """As `promtool check metrics` has it: base units, `_total`, a help text, no reserved label."""
    metrics.UPLOADS.labels(source="api", outcome="added").inc()
    metrics.HTTP_SECONDS.labels(method="GET", route="/").observe(1)
    found = read(here)
    assert len({metric.name for metric in found}) == len(found) > 20
    for metric in found:
        assert NAME.fullmatch(metric.name), metric.name
        assert metric.documentation[0].isupper()
        assert not metric.documentation.endswith(".")
        assert not re.search(r"_(ms|milliseconds|minutes|kb|mb|percent)(_|$)", metric.name)
        for word in ("counter", "gauge", "histogram", "total"):
            assert word not in metric.name.split("_"), metric.name
        if metric.type == "histogram":
            assert metric.name.endswith(("_seconds", "_bytes"))
        for sample in metric.samples:
            assert metric.type != "counter" or sample.name == f"{metric.name}_total"
            assert not {"job", "instance", "name"} & set(sample.labels)


def test_every_metric_is_in_the_documentation_and_no_other(here: TestClient) -> None:
    table = re.findall(r"^\| `(imgapp_\w+)` \|", OPERATING.read_text(), re.MULTILINE)
    found = [metric for metric in read(here) if not metric.name.startswith("imgapp_test_")]
    names = {m.name + "_total" * (m.type == "counter") for m in found}
    assert set(table) == names


def test_alerts_are_about_metrics_that_are_there(here: TestClient) -> None:
    names = {m.name + "_total" * (m.type == "counter") for m in read(here)}
    used = set(
        re.findall(r"\bimgapp_\w+", (OPERATING.parent / "prometheus-alerts.yml").read_text())
    )
    assert used <= names
    assert len(used) == 6


def test_pictures_are_counted_by_what_they_wait_for(
    here: TestClient, alice: Person, mallory: Person
) -> None:
    for status in (AnalysisStatus.COMPLETED, AnalysisStatus.COMPLETED, AnalysisStatus.FAILED):
        add_image(alice.user_id, analysis_status=status, completed_at=now())
    add_image(alice.user_id)
    add_image(mallory.user_id, priority=Priority.BULK, queued_at=_ago(90))
    add_image(mallory.user_id, deleted_at=now())
    lease = {"lease_id": new_id(), "lease_expires_at": now()}
    add_image(mallory.user_id, analysis_status=AnalysisStatus.IN_PROGRESS, **lease)
    found = values(here)
    for status, count in (("completed", 2), ("failed", 1), ("pending", 2), ("in_progress", 1)):
        assert found["imgapp_images", status] == count
    assert found["imgapp_images_trashed", ""] == 1
    assert found["imgapp_images_waiting", "interactive"] == 1
    assert found["imgapp_images_waiting", "bulk"] == 1
    assert 90 <= found["imgapp_oldest_waiting_image_seconds", "bulk"] < 200
    assert found["imgapp_oldest_waiting_image_seconds", "interactive"] < 60
    assert found["imgapp_stored_bytes", ""] == 7 * 2_000_000


def _ago(seconds: float) -> datetime:
    return now() - timedelta(seconds=seconds)


def test_pictures_of_people_who_may_not_sign_in_alarm_nobody(
    here: TestClient, alice: Person, administrator
) -> None:
    add_image(alice.user_id, queued_at=_ago(5000))
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE users SET disabled_at = now()"))
    found = values(here)
    assert found["imgapp_images", "pending"] == 1
    assert found["imgapp_images_waiting", "interactive"] == 0
    assert found["imgapp_oldest_waiting_image_seconds", "interactive"] == 0


def test_an_empty_installation_has_zeros(here: TestClient) -> None:
    found = values(here)
    assert found["imgapp_images", "completed"] == 0
    assert found["imgapp_oldest_waiting_image_seconds", "bulk"] == 0
    assert found["imgapp_processes", "worker"] == 0
    assert found["imgapp_stored_bytes", ""] == 0
    for dependency in ("database", "redis", "store"):
        assert found["imgapp_dependency_up", dependency] == 1


def test_servers_that_imgapp_runs_itself_are_told_from_others(
    here: TestClient, servers, set_env: Callable[..., None]
) -> None:
    for server in ("postgres", "redis"):
        assert values(here)["imgapp_server_embedded", server] == 0
    folder = servers.redis_url.removeprefix("unix://").partition("/redis/")[0]
    set_env(IMGAPP_DATA_DIR=folder)
    for server in ("postgres", "redis"):
        assert values(here)["imgapp_server_embedded", server] == 1


def test_a_dependency_that_is_away_is_down_and_the_rest_is_still_told(
    here: TestClient, set_env: Callable[..., None], alice: Person
) -> None:
    add_image(alice.user_id)
    set_env(REDIS_URL="redis://127.0.0.1:1/0")
    queue.reset()
    found = values(here)
    assert found["imgapp_dependency_up", "redis"] == 0
    assert found["imgapp_dependency_up", "database"] == 1
    assert found["imgapp_images", "pending"] == 1
    assert not any(name.startswith(("imgapp_uploads", "imgapp_queue")) for name, _ in found)


def test_without_a_database_the_rest_is_still_told(
    here: TestClient, set_env: Callable[..., None]
) -> None:
    set_env(DATABASE_URL="postgresql://imgapp:hunter2@127.0.0.1:1/imgapp")
    response = here.get("/metrics")
    assert 'imgapp_dependency_up{dependency="database"} 0.0' in response.text
    assert "imgapp_queue_permits 0.0" in response.text
    assert "imgapp_images" not in response.text
    assert "hunter2" not in response.text


def test_requests_are_counted_by_route_and_never_by_address(
    here: TestClient, client_for: Callable[..., TestClient], alice: Person
) -> None:
    image = add_image(alice.user_id)
    hers = client_for(alice, create_site(PAGES))
    assert hers.get(f"/api/images/{image.id}").status_code == 200
    assert hers.get(f"/api/images/{new_id()}").status_code == 404
    assert hers.get("/api/no/such/address?q=secret").status_code in (401, 404)
    assert hers.get("/settings?q=secret").text == "a page"
    assert hers.request("BREW", "/settings").status_code == 200
    found = values(here)
    counted = "imgapp_http_requests_total"
    assert found[counted, "GET /api/images/{image_id} 200"] == 1
    assert found[counted, "GET /api/images/{image_id} 404"] == 1
    assert found[counted, "GET page 200"] == 1
    assert found[counted, "other page 200"] == 1
    assert sum(v for (name, labels), v in found.items() if name == counted and "unknown" in labels)
    assert found["imgapp_http_request_duration_seconds_count", "GET /api/images/{image_id}"] == 2


def test_open_websockets_are_counted_while_they_are_open(here: TestClient) -> None:
    metrics.start("web")
    try:
        with here.websocket_connect("/_event"):
            metrics.flush()
            assert values(here)["imgapp_websocket_connections", ""] == 1
        metrics.flush()
        assert values(here)["imgapp_websocket_connections", ""] == 0
        assert values(here)["imgapp_processes", "web"] == 1
    finally:
        metrics.stop()


def test_uploads_are_counted_by_source_outcome_and_reason(
    here: TestClient,
    client_for: Callable[..., TestClient],
    alice: Person,
    picture_file: Callable[..., Path],
) -> None:
    picture = picture_file("beach.jpg").read_bytes()
    hers = client_for(alice)
    for name, content in (("a.jpg", picture), ("b.jpg", picture), ("c.jpg", b"no picture")):
        hers.post("/api/upload", files={"files": (name, content)})
    found = values(here)
    for outcome in ("added", "duplicate", "refused"):
        assert found["imgapp_uploads_total", f"{outcome} page"] == 1
    assert found["imgapp_uploads_refused_total", "not_an_image"] == 1
    assert found["imgapp_upload_size_bytes_count", "page"] == 3
    assert found["imgapp_upload_size_bytes_sum", "page"] == 2 * len(picture) + len(b"no picture")
    assert found["imgapp_upload_duration_seconds_count", "page"] == 2


def test_an_upload_that_is_refused_when_it_is_announced_counts_where_it_comes_from(
    here: TestClient,
    client_for: Callable[..., TestClient],
    alice: Person,
    set_env: Callable[..., None],
) -> None:
    set_env(IMGAPP_MAX_UPLOAD_MB="1")
    announced = {"tus-resumable": "1.0.0", "upload-length": "1100000"}
    assert client_for(alice).post("/api/tus", headers=announced).status_code == 413
    found = values(here)
    assert found["imgapp_uploads_total", "refused page"] == 1
    assert found["imgapp_uploads_refused_total", FileTooLarge.code] == 1


def test_nothing_of_anybody_is_in_it(
    here: TestClient,
    client_for: Callable[..., TestClient],
    alice: Person,
    picture_file: Callable[..., Path],
) -> None:
    hers = client_for(alice, create_site(PAGES))
    files = {"files": ("birthday.jpg", picture_file("birthday.jpg").read_bytes())}
    image_id = hers.post("/api/upload", files=files).json()["images"][0]["id"]
    hers.get(f"/api/images/{image_id}")
    hers.get("/api/images", params={"q": "birthday"})
    text = here.get("/metrics").text
    for secret in (alice.email, str(alice.user_id), image_id, "birthday", "beach"):
        assert secret not in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text)

"""What services count while they work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from imgapp.adapters import counters
from imgapp.errors import FileTooLarge, StoreUnavailable
from imgapp.models import now
from imgapp.services.analysis import describe
from imgapp.services.common import metrics
from imgapp.services.queue import leases
from imgapp.services.uploads import folder_import, ingest
from imgapp.services.webhooks import delivery_attempts
from tests.conftest import Person
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.receivers import receiving
from tests.support.spooling import spool_file
from tests.support.waiting import add_picture, change
from tests.support.webhook_rows import add_delivery, add_webhook, set_rows


@pytest.fixture(autouse=True)
def reporter(database: None, monkeypatch: pytest.MonkeyPatch) -> counters.Reporter:
    """This process begins to count."""
    fresh = counters.Reporter()
    monkeypatch.setattr(counters, "reporter", fresh)
    monkeypatch.setattr(metrics, "_models", set())
    return fresh


@pytest.fixture
def model(set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model)
        yield server
    leases.resume()


def counted(name: str, **labels: str) -> float:
    key = name, tuple(sorted(labels.items()))
    return counters.total().counted.get(key, 0.0)


def test_an_analysis_counts_its_wait_its_call_its_tokens_and_its_end(
    alice: Person, model: OpenAIServer
) -> None:
    add_picture(alice.user_id, queued_at=now() - timedelta(seconds=100))
    assert describe.run_one()
    assert counted("imgapp_analyses_total", outcome="completed", code="") == 1
    assert counted("imgapp_analysis_wait_seconds_count", priority="interactive") == 1
    assert 100 <= counted("imgapp_analysis_wait_seconds_sum", priority="interactive") < 200
    call = {"model": model.model, "outcome": "answered"}
    assert counted("imgapp_model_duration_seconds_count", **call) == 1
    assert counted("imgapp_model_tokens_total", model=model.model, direction="input") == 900
    assert counted("imgapp_model_tokens_total", model=model.model, direction="output") == 80


def test_a_failure_is_counted_with_its_code_and_a_second_attempt_is_no_second_wait(
    alice: Person, model: OpenAIServer
) -> None:
    model.script(Reply(status=413), Reply(status=500))
    add_picture(alice.user_id, attempts=1)
    assert describe.run_one()
    add_picture(alice.user_id)
    assert describe.run_one()
    assert counted("imgapp_analyses_total", outcome="retried", code="model_unavailable") == 1
    assert counted("imgapp_analyses_total", outcome="failed", code="request_too_large") == 1
    assert counted("imgapp_analysis_wait_seconds_count", priority="interactive") == 1
    call = {"model": model.model, "outcome": "failed"}
    assert counted("imgapp_model_duration_seconds_count", **call) == 2


def test_an_attempt_lost_with_its_worker_is_counted(alice: Person) -> None:
    image_id = add_picture(alice.user_id)
    assert leases.claim()
    change(alice.user_id, image_id, lease_expires_at=now() - timedelta(seconds=1))
    leases.return_expired()
    assert counted("imgapp_analyses_total", outcome="lost", code="") == 1


def test_an_attempt_to_deliver_is_counted_once_by_how_it_ended(
    alice: Person, administrator: sa.Engine, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_OUTBOUND_NETWORKS="127.0.0.1")
    with receiving() as receiver:
        webhook_id = add_webhook(alice.user_id, receiver.url)
        for status in (200, 500, 410):
            receiver.answers(status)
            add_delivery(alice.user_id, webhook_id, event="analysis.failed")
            assert delivery_attempts.run_one()
    lost = add_delivery(alice.user_id, add_webhook(alice.user_id))
    assert delivery_attempts._claim().delivery_id == lost
    expired = "lease_expires_at = now() - interval '1 s' WHERE lease_id IS NOT NULL"
    set_rows(administrator, "webhook_deliveries", expired)
    delivery_attempts.sweep()
    name = "imgapp_webhook_deliveries_total"
    assert {key: value for key, value in counters.total().counted.items() if key[0] == name} == {
        (name, (("code", code), ("outcome", outcome))): 1
        for outcome, code in (
            ("delivered", ""),
            ("retried", "http_error"),
            ("failed", "gone"),
            ("lost", "interrupted"),
        )
    }


def test_an_import_is_a_source_of_its_own(
    alice: Person, picture_file: Callable[..., Path], set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_MAX_UPLOAD_MB="1")
    folder = picture_file("a.jpg").parent
    (folder / "b.jpg").write_bytes(b"x" * 1_100_000)
    list(
        folder_import.import_folder(
            alice.user_id, folder, folder_import.open_batch(alice.user_id, folder)
        )
    )
    list(
        folder_import.import_folder(
            alice.user_id, folder, folder_import.open_batch(alice.user_id, folder)
        )
    )
    assert counted("imgapp_uploads_total", source="import", outcome="added") == 1
    assert counted("imgapp_uploads_total", source="import", outcome="refused") == 2
    assert counted("imgapp_uploads_refused_total", code=FileTooLarge.code) == 2


def test_an_upload_that_broke_is_counted_as_failed(
    alice: Person, picture_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreUnavailable

    monkeypatch.setattr(ingest.storage, "get_store", away)
    with pytest.raises(StoreUnavailable):
        ingest.ingest(alice.user_id, spool_file(picture_file()), "api")
    assert counted("imgapp_uploads_total", source="api", outcome="failed") == 1
    assert counted("imgapp_upload_duration_seconds_count", source="api") == 0


def test_however_many_models_people_choose_the_labels_stay_few(
    monkeypatch: pytest.MonkeyPatch, set_env: Callable[..., None]
) -> None:
    set_env(OPENAI_BASE_URL="http://127.0.0.1:1/v1", IMGAPP_VISION_MODEL="usual")
    monkeypatch.setattr(metrics, "_models", set())
    assert metrics.model_label("usual") == "usual"
    labels = {metrics.model_label(f"model-{number}") for number in range(500)}
    assert len(labels) <= metrics._MOST_MODELS + 1
    assert "other" in labels
    assert metrics.model_label("usual") == "usual"

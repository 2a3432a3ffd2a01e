"""Metrics: declare and count what is measured of the installation, and of nobody in particular.

Counters and histograms are declared here, once for all processes: `UPLOADS.labels("api",
"added").inc()`. Label values are few, and never a person's: no id, no name, no address.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from imgapp.adapters import counters
from imgapp.adapters.vision import Description
from imgapp.errors import DescriberError
from imgapp.models import Image, Priority

_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SLOW = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120)
_WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200, 43200)
_SIZES = (1e4, 1e5, 3e5, 1e6, 3e6, 1e7, 3e7, 1e8, 1e9)

UPLOADS = counters.counter(
    "imgapp_uploads", "Files that came in, by what became of them", ("source", "outcome")
)
UPLOADS_REFUSED = counters.counter(
    "imgapp_uploads_refused", "Files that became no picture, by reason", ("code",)
)
UPLOAD_BYTES = counters.histogram(
    "imgapp_upload_size_bytes", "Size of files that came in", ("source",), buckets=_SIZES
)
UPLOAD_SECONDS = counters.histogram(
    "imgapp_upload_duration_seconds",
    "From the last byte of a file until it can be seen: decoded, stored and committed",
    ("source",),
    buckets=_QUICK,
)
ANALYSES = counters.counter(
    "imgapp_analyses",
    "Attempts to describe a picture: completed, failed for good, to be tried again, or lost",
    ("outcome", "code"),
)
ANALYSIS_WAIT_SECONDS = counters.histogram(
    "imgapp_analysis_wait_seconds",
    "From the queue until a worker took a picture for the first time",
    ("priority",),
    buckets=_WAITS,
)
MODEL_SECONDS = counters.histogram(
    "imgapp_model_duration_seconds",
    "How long a describer took, by whether it answered",
    ("model", "outcome"),
    buckets=_SLOW,
)
MODEL_TOKENS = counters.counter(
    "imgapp_model_tokens", "Tokens that the vision model's server reported", ("model", "direction")
)
HTTP_REQUESTS = counters.counter(
    "imgapp_http_requests", "Requests that were answered", ("method", "route", "status")
)
HTTP_SECONDS = counters.histogram(
    "imgapp_http_request_duration_seconds",
    "From the request until the answer began",
    ("method", "route"),
    buckets=_QUICK,
)
WEBHOOK_DELIVERIES = counters.counter(
    "imgapp_webhook_deliveries",
    "Attempts to deliver to a webhook: delivered, failed for good, to be tried again, or lost",
    ("outcome", "code"),
)
FETCHES = counters.counter(
    "imgapp_fetches", "Pictures fetched by address, by how that ended", ("outcome",)
)
WEBSOCKETS = counters.gauge("imgapp_websocket_connections", "Pages that are connected")
EVENT_STREAMS = counters.gauge("imgapp_event_streams", "Programs that follow GET /api/events")

_MOST_MODELS = 30
_models: set[str] = set()


def start(role: str) -> None:
    """Report as a process that lives, from now on: `web`, `worker` or `command`."""
    counters.reporter.start(role)


def stop() -> None:
    """Report for the last time."""
    counters.reporter.stop()


def flush() -> None:
    """Report what was counted until now. Never raises."""
    counters.reporter.flush()


def model_label(name: str) -> str:
    """A describer's name as a label: as it was asked for, whatever its server calls itself."""
    if len(_models) < _MOST_MODELS:
        _models.add(name)
    return name if name in _models else "other"


def picture_taken(image: Image) -> None:
    """Count how long a picture waited, the first time that a worker takes it."""
    if image.started_at and not image.attempts and not image.lost_attempts:
        waited = (image.started_at - image.queued_at).total_seconds()
        lane = Priority(image.priority).name.lower()
        ANALYSIS_WAIT_SECONDS.labels(priority=lane).observe(max(waited, 0.0))


@contextmanager
def asking(model: str) -> Iterator[Callable[[Description], None]]:
    """Measure a call of a describer; call what is yielded with its answer."""
    label, began = model_label(model), time.monotonic()
    answers: list[Description] = []
    failures: list[DescriberError] = []
    try:
        yield answers.append
    except DescriberError as error:
        failures.append(error)
        raise
    finally:
        outcome = "answered" if answers else "failed"
        took = time.monotonic() - began
        MODEL_SECONDS.labels(model=label, outcome=outcome).observe(took)
        reported: list[Description | DescriberError] = [*answers, *failures]
        for answer in reported:
            MODEL_TOKENS.labels(model=label, direction="input").inc(answer.input_tokens or 0)
            MODEL_TOKENS.labels(model=label, direction="output").inc(answer.output_tokens or 0)


def analysis_ended(outcome: str, code: str = "") -> None:
    """Count an attempt: completed, failed, retried or lost."""
    ANALYSES.labels(outcome=outcome, code=code).inc()

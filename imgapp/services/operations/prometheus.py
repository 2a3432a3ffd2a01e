"""The metrics page: collects counters and current gauges for `/metrics` (Prometheus)."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import text

from imgapp import __version__
from imgapp.adapters import counters, db, exposition, queue
from imgapp.adapters.embedded import embedded
from imgapp.adapters.exposition import Measured, measured
from imgapp.errors import ServiceUnavailable
from imgapp.models import Priority
from imgapp.services.operations import health
from imgapp.services.queue import permits
from imgapp.settings import get_settings

MEDIA_TYPE = exposition.MEDIA_TYPE
_LANES = {str(int(priority)): priority.name.lower() for priority in Priority}


@dataclass(frozen=True)
class LaneBacklog:
    """Pictures of a lane that wait for a worker, and the seconds that the oldest has waited."""

    images: int
    oldest_seconds: float


@dataclass(frozen=True)
class LibraryTotals:
    """All pictures of everybody, as numbers."""

    images: Mapping[str, float]
    """By status, without the trash."""
    trashed: float
    stored_bytes: float
    waiting: Mapping[str, LaneBacklog]
    """By lane: `interactive` and `bulk`."""


def library() -> LibraryTotals:
    """Count pictures. Raises DatabaseUnavailable."""
    with db.transaction() as session:
        rows = session.execute(text("SELECT metric, label, value FROM imgapp_metrics()")).all()
    found: dict[str, dict[str, float]] = {}
    for metric, label, value in rows:
        found.setdefault(metric, {})[label] = value
    waiting, oldest = found.get("waiting", {}), found.get("oldest", {})
    return LibraryTotals(
        found["images"],
        found["trashed"][""],
        found["stored_bytes"][""],
        {
            name: LaneBacklog(int(waiting.get(lane, 0)), oldest.get(lane, 0.0))
            for lane, name in _LANES.items()
        },
    )


def read() -> bytes:
    """Everything, in Prometheus's text format. What cannot be read is left out, never zero."""
    outcomes = health.check_all().checks
    metrics = [_build(), _dependencies(outcomes), _embedded(), *_folder()]
    for source in (_of_the_database, _of_redis):
        try:
            metrics += list(source(outcomes))
        except ServiceUnavailable:
            continue
    return exposition.text_of(metrics)


def _build() -> Measured:
    labels = {"version": __version__, "python": platform.python_version()}
    return measured("imgapp_build_info", "What runs here", {tuple(labels.values()): 1}, labels)


def _dependencies(outcomes: health.Outcomes) -> Measured:
    return measured(
        "imgapp_dependency_up",
        "Whether a dependency answers this web process",
        {(name,): float(outcome == "ok") for name, outcome in outcomes.items()},
        ["dependency"],
    )


def _embedded() -> Measured:
    return measured(
        "imgapp_server_embedded",
        "Whether a server is the one that imgapp itself runs",
        {(name,): float(is_so) for name, is_so in embedded(get_settings()).items()},
        ["server"],
    )


def _folder() -> Iterator[Measured]:
    settings = get_settings()
    try:
        free = shutil.disk_usage(settings.data_dir).free
    except OSError:
        return
    yield measured(
        "imgapp_data_folder_free_bytes",
        "Room on the file system of IMGAPP_DATA_DIR, on the machine that answers",
        {(): free},
    )


def _of_the_database(outcomes: health.Outcomes) -> Iterator[Measured]:
    if outcomes["database"] != "ok":
        return
    found = library()
    yield measured(
        "imgapp_images",
        "Pictures by the state of their analysis, without the trash",
        {(status,): count for status, count in found.images.items()},
        ["status"],
    )
    yield measured("imgapp_images_trashed", "Pictures in the trash", {(): found.trashed})
    yield measured("imgapp_stored_bytes", "Bytes of all originals", {(): found.stored_bytes})
    yield measured(
        "imgapp_images_waiting",
        "Pictures that wait for a worker, now or after a pause",
        {(lane,): one.images for lane, one in found.waiting.items()},
        ["priority"],
    )
    yield measured(
        "imgapp_oldest_waiting_image_seconds",
        "How long the picture that has waited longest was queued ago; 0 if none waits",
        {(lane,): one.oldest_seconds for lane, one in found.waiting.items()},
        ["priority"],
    )
    due = permits.due_count()
    yield measured(
        "imgapp_images_due", "Pictures that a worker could take now, up to 10,000", {(): due}
    )


def _of_redis(outcomes: health.Outcomes) -> Iterator[Measured]:
    if outcomes["redis"] != "ok":
        return
    yield measured(
        "imgapp_queue_permits",
        "Messages that no worker has taken yet",
        {(): queue.pending_permits()},
    )
    total = counters.total()
    roles = {"web": 0, "worker": 0, "command": 0} | total.processes
    yield measured(
        "imgapp_processes",
        "Processes that live, on all machines",
        {(role,): count for role, count in roles.items()},
        ["role"],
    )
    yield from exposition.totals(total)

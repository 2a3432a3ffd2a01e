"""The worker: runs analyses for permits and sweeps what was left (`dramatiq imgapp.worker`)."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dramatiq import Broker, Worker
from dramatiq.middleware import Middleware

from imgapp import tasks
from imgapp.adapters import vision
from imgapp.errors import ServiceUnavailable
from imgapp.services.accounts import administration
from imgapp.services.analysis import describe, run_feeder, runs, second_reading
from imgapp.services.batches import batches
from imgapp.services.common import audit_trail, metrics
from imgapp.services.installation import model_pulls
from imgapp.services.library import embedding, trash
from imgapp.services.queue import leases, permits, progress
from imgapp.services.storage import object_removals, spool
from imgapp.services.uploads import (
    s3_cleanup,
    s3_completion,
    tus_completion,
    tus_uploads,
    url_fetching,
)
from imgapp.services.webhooks import deliveries, delivery_attempts, delivery_threads
from imgapp.settings import get_settings

log = logging.getLogger(__name__)

POLL_MILLISECONDS = 100
"""An idle worker looks for permits this often; Dramatiq's default is a second."""


@dataclass(frozen=True)
class Chore:
    """Something that one of the workers does again and again."""

    run: Callable[[], object]
    every: float
    """Seconds."""
    lane: str = "database"
    """Each lane has a thread: a bucket that hangs holds up no lease."""


CHORES = (
    Chore(describe.sweep, permits.SWEEP_SECONDS, "queue"),
    Chore(progress.note_rounds, 2.0),
    Chore(spool.sweep_spool, 900.0),
    Chore(tus_uploads.sweep, 900.0),
    Chore(tus_completion.finish_left_behind, 10.0, "store"),
    Chore(trash.purge_trash, 3600.0),
    Chore(object_removals.sweep, 2.0, "store"),
    Chore(administration.purge_deleted, 5.0, "store"),
    Chore(s3_completion.finish_left_behind, 10.0, "store"),
    Chore(s3_cleanup.sweep_expired, 60.0, "store"),
    Chore(s3_cleanup.sweep_unknown, 900.0, "store"),
    Chore(audit_trail.trim_trail, 24 * 3600.0),
    Chore(delivery_attempts.sweep, 2.0),
    Chore(deliveries.trim_deliveries, 3600.0),
    Chore(url_fetching.attend, 1.0),
    Chore(batches.purge_batches, 3600.0),
    Chore(run_feeder.feed, 1.0, "runs"),
    Chore(second_reading.read_offered, 0.5, "reading"),
    Chore(runs.purge_runs, 3600.0),
    Chore(embedding.embed_some, 2.0, "meaning"),
    Chore(model_pulls.attend, 5.0, "models"),
)


class Reporting(Middleware):
    """Says that this worker lives, and what it counted."""

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Start."""
        metrics.start("worker")

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Say what is left to say."""
        metrics.stop()


class Sweeper(Middleware):
    """Does the chores on threads of its own, and hands leases back when the worker stops."""

    def __init__(self, chores: tuple[Chore, ...] = CHORES) -> None:
        self._chores = chores
        self._stop = threading.Event()

    def after_process_boot(self, broker: Broker) -> None:  # noqa: ARG002
        """Let whoever uploads or looks at pictures go first where processors are few."""
        niceness = get_settings().worker_niceness
        os.nice(niceness)
        with suppress(OSError):
            # Linux weighs sessions against one another before processes ("autogroup", sched(7)).
            Path("/proc/self/autogroup").write_text(str(niceness))

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Take no more permits than there are threads, so that no other worker waits for them."""
        worker.queue_prefetch = worker.worker_threads
        worker.worker_timeout = POLL_MILLISECONDS
        leases.resume()
        url_fetching.resume()
        delivery_threads.resume()

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Start."""
        self._stop.clear()
        threading.Thread(target=vision.warm_up, name="warm-up", daemon=True).start()
        for lane in dict.fromkeys(chore.lane for chore in self._chores):
            chores = [chore for chore in self._chores if chore.lane == lane]
            name = f"sweeper-{lane}"
            threading.Thread(target=self._work, args=[chores], name=name, daemon=True).start()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Pictures in flight go back to the queue at once; nobody waits for the model."""
        self._stop.set()
        leases.stop()
        url_fetching.stop()
        delivery_threads.stop()

    def _work(self, chores: Sequence[Chore]) -> None:
        due = dict.fromkeys(chores, 0.0)
        while not self._stop.is_set():
            for chore in chores:
                if due[chore] <= time.monotonic():
                    _do(chore)
                    due[chore] = time.monotonic() + chore.every
            self._stop.wait(min(chore.every for chore in chores))


def _do(chore: Chore) -> None:
    try:
        chore.run()
    except ServiceUnavailable as error:
        log.warning("chore_postponed", extra={"reason": error.code})
    except Exception:
        log.exception("chore_failed")


logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
logging.getLogger("imgapp").setLevel(get_settings().log_level.upper())
for chatty in ("dramatiq", "pyvips"):
    logging.getLogger(chatty).setLevel(logging.WARNING)
# That with which the actors are declared.
broker = tasks.describe_image.broker
broker.add_middleware(Sweeper())
broker.add_middleware(Reporting())

__all__ = ["broker", "tasks"]

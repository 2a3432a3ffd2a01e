"""The worker: runs analyses for permits and sweeps what was left (`dramatiq imgapp.worker`)."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, PriorityQueue
from typing import Any, cast

from dramatiq import Broker, Worker
from dramatiq.broker import MessageProxy
from dramatiq.middleware import Middleware

from imgapp import tasks
from imgapp.adapters import idle_memory
from imgapp.adapters.queue import WakingBroker
from imgapp.adapters.wake_ups import CHORES_TOPIC, WakeUps
from imgapp.errors import ServiceUnavailable
from imgapp.services.accounts import administration
from imgapp.services.analysis import describe, run_feeder, runs, second_reading
from imgapp.services.batches import batches
from imgapp.services.common import audit_trail, metrics
from imgapp.services.installation import model_pulls
from imgapp.services.library import embedding, trash
from imgapp.services.operations import due_chores
from imgapp.services.operations.due_chores import DueChore
from imgapp.services.queue import leases, permits, progress
from imgapp.services.storage import object_removals, spool
from imgapp.services.texts import checks
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

IDLE_MILLISECONDS = 60_000
"""A thread without work looks around so often; it is woken when there is some."""
LOOK_SECONDS, BUSY_SECONDS = 2.0, 1.0
"""How often the database is asked which chores have something to do: while none has, and else."""


@dataclass(frozen=True)
class Chore:
    """Something that one of the workers does again and again."""

    run: Callable[[], object]
    every: float
    """Seconds."""
    lane: str = "database"
    """Each lane has a thread: a bucket that hangs holds up no lease."""
    due: DueChore | None = None
    """What it is in the database's answer, if it only has to be done when that names it."""


CHORES = (
    Chore(describe.sweep, permits.SWEEP_SECONDS, "queue", "queue"),
    Chore(progress.note_rounds, 2.0, due="progress"),
    Chore(spool.sweep_spool, 900.0),
    Chore(tus_uploads.sweep, 900.0),
    Chore(tus_completion.finish_left_behind, 10.0, "store"),
    Chore(trash.purge_trash, 3600.0),
    Chore(object_removals.sweep, 2.0, "store", "removals"),
    Chore(administration.purge_deleted, 5.0, "store", "deleted people"),
    Chore(s3_completion.finish_left_behind, 10.0, "store", "direct uploads"),
    Chore(s3_cleanup.sweep_expired, 60.0, "store"),
    Chore(s3_cleanup.sweep_unknown, 900.0, "store"),
    Chore(audit_trail.trim_trail, 24 * 3600.0),
    Chore(delivery_attempts.sweep, 2.0, due="deliveries"),
    Chore(deliveries.trim_deliveries, 3600.0),
    Chore(url_fetching.attend, 1.0, due="fetches"),
    Chore(batches.purge_batches, 3600.0),
    Chore(run_feeder.feed, 1.0, "runs", "runs"),
    Chore(second_reading.read_offered, 2.0, "reading"),
    Chore(runs.purge_runs, 3600.0),
    Chore(embedding.embed_some, 2.0, "meaning", "embeddings"),
    Chore(checks.check_some, 2.0, "texts", "texts"),
    Chore(model_pulls.attend, 5.0, "models", "models"),
)


class WorkQueue(PriorityQueue[Any]):
    """What the threads work on. They can wait for long, as closing it lets all of them go."""

    def __init__(self) -> None:
        super().__init__()
        self._is_closed = False

    def close(self) -> None:
        """Nobody waits any more; what is left is for whoever asks without waiting."""
        with self.not_empty:
            self._is_closed = True
            self.not_empty.notify_all()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The next thing. Raises Empty after `timeout` seconds, and if this was closed."""
        if block:
            with self.not_empty:
                self.not_empty.wait_for(lambda: self._is_closed or self._qsize(), timeout)
                if self._is_closed:
                    raise Empty
        return super().get(block=False)


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
        self._lanes: dict[str, list[Chore]] = defaultdict(list)
        for chore in chores:
            self._lanes[chore.lane].append(chore)
        self._stop = threading.Event()
        self._called = {lane: threading.Event() for lane in self._lanes}
        self._due: frozenset[DueChore] = frozenset()
        self._active_at, self._was_quiet = time.monotonic(), False

    def after_process_boot(self, broker: Broker) -> None:  # noqa: ARG002
        """Let whoever uploads or looks at pictures go first where processors are few."""
        niceness = get_settings().worker_niceness
        os.nice(niceness)
        with suppress(OSError):
            # Linux weighs sessions against one another before processes ("autogroup", sched(7)).
            Path("/proc/self/autogroup").write_text(str(niceness))

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Take no more permits than there are threads, so that no other worker waits for them."""
        worker.queue_prefetch = worker.worker_threads
        worker.worker_timeout = IDLE_MILLISECONDS
        worker.work_queue = WorkQueue()
        cast(WakingBroker, broker).wake_ups = WakeUps()
        leases.resume()
        url_fetching.resume()
        delivery_threads.resume()

    def after_worker_boot(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002
        """Start."""
        self._stop.clear()
        jobs = {"look": partial(self._look, cast(WakingBroker, broker).wake_ups)}
        jobs |= {lane: partial(self._work, lane) for lane in self._lanes}
        for name, job in jobs.items():
            threading.Thread(target=job, name=f"sweeper-{name}", daemon=True).start()

    def after_process_message(
        self,
        broker: Broker,  # noqa: ARG002
        message: MessageProxy,  # noqa: ARG002
        *,
        result: Any = None,  # noqa: ARG002
        exception: BaseException | None = None,  # noqa: ARG002
    ) -> None:
        """Note that there is work."""
        self._active_at = time.monotonic()

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Pictures in flight go back to the queue at once; nobody waits for the model."""
        self._stop.set()
        for called in self._called.values():
            called.set()
        leases.stop()
        url_fetching.stop()
        delivery_threads.stop()
        cast(WorkQueue, worker.work_queue).close()
        cast(WakingBroker, broker).wake_ups.close()

    def _look(self, wake_ups: WakeUps) -> None:
        """Ask which chores have something to do, and call those lanes that were not called yet."""
        while not self._stop.is_set():
            wake_ups.look(CHORES_TOPIC)
            leases.look_at_the_clock()
            try:
                before, self._due = self._due, due_chores.due_chores()
            except ServiceUnavailable as error:
                log.warning("chores_postponed", extra={"reason": error.code})
            except Exception:
                log.exception("chores_not_asked_for")
            else:
                for lane, chores in self._lanes.items():
                    if any(chore.due in self._due - before for chore in chores):
                        self._called[lane].set()
            self._give_back_once()
            wake_ups.wait(CHORES_TOPIC, BUSY_SECONDS if self._due else LOOK_SECONDS)

    def _give_back_once(self) -> None:
        """Give memory back when nothing has been done for a minute."""
        if self._due:
            self._active_at = time.monotonic()
        is_quiet = time.monotonic() - self._active_at >= idle_memory.QUIET_SECONDS
        if is_quiet and not self._was_quiet:
            idle_memory.give_back()
        self._was_quiet = is_quiet

    def _work(self, lane: str) -> None:
        next_at = dict.fromkeys(self._lanes[lane], 0.0)
        while not self._stop.is_set():
            self._called[lane].clear()
            wanted = [one for one in next_at if one.due is None or one.due in self._due]
            for chore in wanted:
                if next_at[chore] <= time.monotonic():
                    _do(chore)
                    next_at[chore] = time.monotonic() + chore.every
            soonest = min((next_at[chore] for chore in wanted), default=None)
            pause = None if soonest is None else max(0.0, soonest - time.monotonic())
            self._called[lane].wait(pause)


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

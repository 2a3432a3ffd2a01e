"""Whatever is killed, wiped or away: every accepted picture is described once, or says why not.

A supervised installation of its own (PostgreSQL, Redis, the API, two workers) takes 200 pictures
while everything is taken away from it in turn, in an order that the seed decides.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
import sqlalchemy as sa
from PIL import Image as PillowImage

from imgapp.adapters import db
from imgapp.adapters.embedded import claim_data_dir, start_postgres, start_redis
from imgapp.adapters.embedded.postgres import Postgres
from imgapp.adapters.embedded.redis import Redis
from imgapp.adapters.supervisor import Program, Supervisor
from imgapp.errors import DatabaseUnavailable
from imgapp.services.accounts import registration, tokens
from tests.conftest import ROOT
from tests.support.openai_server import Call, OpenAIServer, Reply
from tests.support.running import free_port

PICTURES = 200
THREADS = 6
SEED = int(os.environ.get("IMGAPP_CHAOS_SEED", "20261121"))
PATIENCE_SECONDS = 240.0


class CountingServer(OpenAIServer):
    """Knows how many of its answers could not be used."""

    useless = 0

    def take(self, call: Call) -> Reply:
        reply = super().take(call)
        with self._lock:
            self.useless += reply.status != 200 or reply.drop
        return reply


@dataclass
class Installation:
    """Everything, supervised as `imgapp up` does it."""

    folder: Path
    model: CountingServer
    postgres: Postgres
    redis: Redis
    url: str
    programs: dict[str, Program] = field(default_factory=dict)
    workers_killed: int = 0

    def kill(self, name: str) -> None:
        """`kill -9` of a program and its children."""
        self.workers_killed += name.startswith("worker")
        _kill(self.programs[name].process)

    def wipe_redis(self) -> None:
        """It dies, and all that it knew is gone."""
        _kill(self.redis.process)
        for left in (*self.redis.folder.glob("*.aof"), *self.redis.folder.glob("*.rdb")):
            left.unlink()
        shutil.rmtree(self.redis.folder / "appendonlydir", ignore_errors=True)

    def kill_postgres(self) -> None:
        """The postmaster and all it began."""
        _kill(self.postgres.process)

    @contextmanager
    def without_store(self) -> Iterator[None]:
        pictures = self.folder / "data" / "pictures"
        away = pictures.with_name("away")
        pictures.rename(away)
        yield
        away.rename(pictures)

    @contextmanager
    def answering(self, reply: Reply) -> Iterator[None]:
        seen = len(self.model.calls)
        before, self.model.default = self.model.default, reply
        yield
        self.model.wait_for_calls(seen + 4, timeout=60)
        self.model.default = before


def _kill(process: subprocess.Popen[bytes] | None) -> None:
    # It may be dead, or about to be started again, for what happened before.
    if process is None:
        return
    with suppress(psutil.Error):
        top = psutil.Process(process.pid)
        for member in [*top.children(recursive=True), top]:
            with suppress(psutil.Error):
                member.kill()
        process.wait()


@pytest.fixture
def installation(set_env: Callable[..., None]) -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="imgapp-chaos-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(db.dispose)
        model = stack.enter_context(CountingServer(delay=0.4))
        claim_data_dir(folder)
        postgres, redis = start_postgres(folder / "postgres"), start_redis(folder / "redis")
        port = free_port()
        set_env(
            IMGAPP_DATA_DIR=str(folder / "data"),
            DATABASE_URL=postgres.app_url,
            IMGAPP_MIGRATE_DATABASE_URL=postgres.owner_url,
            REDIS_URL=redis.url,
            OPENAI_BASE_URL=model.url,
            IMGAPP_VISION_AT_ONCE="0",
            IMGAPP_LOG_LEVEL="error",
        )
        db.migrate()
        made = Installation(folder, model, postgres, redis, f"http://127.0.0.1:{port}")
        stack.enter_context(supervised(made, port))
        yield made


@contextmanager
def supervised(made: Installation, port: int) -> Iterator[None]:
    log = (made.folder / "log").open("a")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    dramatiq = [sys.executable, "-m", "dramatiq", "imgapp.worker", "--processes", "1"]
    dramatiq += ["--threads", str(THREADS), "--worker-fork-timeout", "5000", "--skip-logging"]
    granian = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory"]
    granian += ["--port", str(port), "--log-level", "error", "imgapp.api:create_api"]
    supervisor = Supervisor(lambda line: print(line, file=log, flush=True))
    supervisor.start("postgres", made.postgres)
    supervisor.start("redis", made.redis)
    for name, command in {"web": granian, "worker 1": dramatiq, "worker 2": dramatiq}.items():
        made.programs[name] = Program(command, environment, ROOT, supervisor.say)
        supervisor.start(name, made.programs[name])
    ended = threading.Event()
    watching = threading.Thread(target=supervisor.watch, args=[ended.is_set], daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()
        supervisor.stop()
        log.close()


def disasters(made: Installation, chance: random.Random) -> list[Callable[[], None]]:
    """Each of them, some twice, in an order of chance; workers are not killed at the very end."""

    def during(how: Any, seconds: float) -> Callable[[], None]:
        def happen() -> None:
            with how():
                time.sleep(seconds)

        return happen

    unavailable = Reply(503, headers={"Retry-After": "1"})
    kills: list[Callable[[], None]] = [
        lambda: made.kill("worker 1"),
        lambda: made.kill("worker 2"),
        lambda: made.kill("web"),
        lambda: made.kill("web"),
        lambda: [made.kill(name) for name in made.programs] and None,
    ]
    others = [
        made.wipe_redis,
        made.wipe_redis,
        made.kill_postgres,
        made.kill_postgres,
        during(made.without_store, 3.0),
        during(lambda: made.answering(unavailable), 3.0),
        during(lambda: made.answering(Reply(drop=True)), 2.0),
        during(lambda: made.answering(Reply(delay=4.0)), 2.0),
    ]
    chance.shuffle(kills)
    chance.shuffle(others)
    mixed = kills + others[:5]
    chance.shuffle(mixed)
    return mixed + others[5:]


def a_picture(number: int) -> bytes:
    data = io.BytesIO()
    shade = (number * 7 % 256, number * 13 % 256, number % 256)
    picture = PillowImage.new("RGB", (96, 64), shade)
    picture.paste((255 - shade[0], 0, 0), (0, 0, number % 90 + 1, 20))
    picture.save(data, "PNG")
    return data.getvalue()


def upload(made: Installation, token: str, number: int) -> UUID:
    """Until it is accepted: whoever uploads tries again."""
    headers = {"Authorization": f"Bearer {token}"}
    part = {"files": (f"{number}.png", a_picture(number), "image/png")}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            answer = httpx.post(
                f"{made.url}/api/upload", headers=headers, files=part, timeout=10, trust_env=False
            )
            if answer.status_code == 202:
                return UUID(answer.json()["images"][0]["id"])
            assert answer.status_code >= 429, answer.text
        time.sleep(0.3)
    raise AssertionError(f"picture {number} was never accepted")


def rows_of(user_id: UUID) -> list[Any]:
    query = sa.text(
        "SELECT i.id, i.analysis_status, i.error_code, i.error_message, i.alt_text,"
        " i.lost_attempts, count(a.id) AS analyses"
        " FROM images i LEFT JOIN image_analyses a ON a.image_id = i.id GROUP BY i.id"
    )
    with db.transaction(user_id) as session:
        return list(session.execute(query))


def wait_until_all_have_ended(user_id: UUID, accepted: set[UUID]) -> list[Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with suppress(DatabaseUnavailable):
            rows = [row for row in rows_of(user_id) if row.id in accepted]
            ended = {"completed", "failed"} >= {row.analysis_status for row in rows}
            if ended and len(rows) == len(accepted):
                return rows
            states = Counter(row.analysis_status for row in rows)
            assert time.monotonic() < deadline, f"still waiting: {states}"
        time.sleep(0.3)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
def test_nothing_is_lost_and_nothing_is_done_twice(installation: Installation) -> None:
    made, chance = installation, random.Random(SEED)
    user_id = registration.create_user("alice@example.org", "correct horse battery staple")
    token = tokens.create_token(user_id, "chaos").token
    with ThreadPoolExecutor(4) as people:
        uploads = []
        numbers = iter(range(PICTURES))
        planned = disasters(made, chance)
        for disaster in planned:
            for number in islice(numbers, -(-PICTURES // len(planned))):
                uploads.append(people.submit(upload, made, token, number))
            # Whatever happens, happens while pictures are being described.
            made.model.wait_for_calls(len(made.model.calls) + 4, timeout=60)
            time.sleep(chance.uniform(0, 0.3))
            disaster()
        accepted = {one.result() for one in uploads}
    rows = wait_until_all_have_ended(user_id, accepted)

    assert len(accepted) == len(rows) == PICTURES
    for row in rows:
        if row.analysis_status == "completed":
            assert (row.analyses, bool(row.alt_text)) == (1, True)
        else:
            assert (row.analyses, bool(row.error_code), bool(row.error_message)) == (0, True, True)
    completed = sum(row.analysis_status == "completed" for row in rows)
    assert completed >= PICTURES - 5
    lost = sum(row.lost_attempts for row in rows)
    assert lost <= THREADS * made.workers_killed, "only a worker that is killed loses what it has"
    assert made.model.useless > 0
    assert len(made.model.calls) <= PICTURES + lost + made.model.useless

"""Files that are fetched by a real worker, and what becomes of them when it is killed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from imgapp.services.batches import batches
from imgapp.services.batches.schemas import NewBatch
from imgapp.services.uploads.ingest import ingest
from tests.conftest import Person
from tests.support.spooling import spool_file
from tests.support.waiting import count_of, eventually, row_of
from tests.support.web_server import Page, WebServer
from tests.worker.test_worker import kill, worker_process


@pytest.fixture
def web(database: None, set_env: Callable[..., None]) -> Iterator[WebServer]:
    set_env(IMGAPP_OUTBOUND_NETWORKS="127.0.0.0/8", IMGAPP_VISION="basic")
    with WebServer() as server:
        yield server


@pytest.mark.long
def test_kill_9_at_any_moment_and_every_file_comes_to_its_end_once(
    alice: Person,
    web: WebServer,
    picture_file: Callable[..., Path],
    administrator: sa.Engine,
) -> None:
    paths = [f"/{number}.jpg" for number in range(40)]
    for path in paths:
        web.pages[path] = Page(picture_file(size=(900, 600)).read_bytes())
    web.pages["/gone.jpg"] = Page(status=404)
    urls = [web.url(path) for path in [*paths, "/gone.jpg"]]
    batch = batches.create_batch(alice.user_id, NewBatch(urls=urls))

    def settled() -> int:
        files = batches.get_batch(alice.user_id, batch.id).files
        return files.added + files.duplicate + files.refused

    # The fewer are left, the later in the work of each the next worker dies.
    for few in (3, 10, 18):
        with worker_process() as process:
            eventually(lambda few=few: settled() >= few, 30)
            kill(process)
        with administrator.begin() as connection:
            late = "UPDATE batch_items SET lease_expires_at = now() WHERE lease_id IS NOT NULL"
            connection.execute(sa.text(late))
    with worker_process():
        eventually(lambda: settled() == len(urls), 60)

    files = batches.get_batch(alice.user_id, batch.id).files
    assert (files.added, files.duplicate, files.refused) == (40, 0, 1)
    assert count_of(alice.user_id) == 40


@pytest.mark.long
def test_a_server_that_hangs_holds_up_neither_analyses_nor_uploads(
    alice: Person, web: WebServer, picture_file: Callable[..., Path]
) -> None:
    hosts = ("127.0.0.1", "localhost", "127.0.0.2", "127.0.0.3")
    port = web.url("").rpartition(":")[2]
    web.pages["/slow.jpg"] = Page(status=404, hold=threading.Event())
    urls = [f"http://{host}:{port}/slow.jpg?{n}" for host in hosts for n in range(2)]
    for url in urls:
        web.pages[url.partition(port)[2]] = web.pages["/slow.jpg"]
    batches.create_batch(alice.user_id, NewBatch(urls=urls))
    with worker_process():
        eventually(lambda: web.now == 4)
        image_id = ingest(alice.user_id, spool_file(picture_file()), "page").image_id
        eventually(lambda: row_of(alice.user_id, image_id).analysis_status == "completed", 10)
        assert web.now == 4

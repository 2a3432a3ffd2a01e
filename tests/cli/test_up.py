"""`imgapp up` on a data folder of its own, with everything that can be killed being killed."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.running import REPO, App, free_port, running_app

pytestmark = pytest.mark.long

SECONDS_TO_STOP = 30
SECONDS_TO_HEAL = 90


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    with running_app() as app:
        yield app


def is_healthy(app: App) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{app.url}/api/health", timeout=3).status_code == 200
    return False


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} took more than {seconds} s"
        time.sleep(0.1)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def second_start(app: App, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "imgapp", "up"],
        env=app.env | extra,
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=40,
    )


def test_it_says_where_it_is_and_where_a_vision_model_is_connected(app: App) -> None:
    said = app.log.read_text()

    assert f"imgapp is ready: {app.url}" in said
    assert f"{app.url}/welcome" in said
    assert f"{app.url}/models" in said


def test_a_second_start_on_the_same_data_folder_is_refused_with_a_sentence(app: App) -> None:
    done = second_start(app, IMGAPP_PORT=str(free_port()))

    assert done.returncode == 1
    assert "already running" in done.stderr
    assert "Traceback" not in done.stderr
    assert is_healthy(app)


def test_a_taken_port_is_refused_with_a_sentence(app: App) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        folder = app.folder / "other"
        done = second_start(app, IMGAPP_PORT=str(port), IMGAPP_DATA_DIR=str(folder))

    assert done.returncode == 1
    assert f"Port {port}" in done.stderr
    assert "IMGAPP_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_else_may_enter_what_it_keeps(app: App) -> None:
    data = app.folder / "data"
    kept = [data, *(path for path in data.rglob("*") if "programs" not in path.parts)]

    for path in kept:
        if path.is_dir() or path.name in ("secret_key", "passwords.json"):
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_it_listens_on_its_one_port_only(app: App) -> None:
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for process in app.processes()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert listening == {("127.0.0.1", int(app.url.rpartition(":")[2]))}


def test_its_children_do_not_know_the_database_owners_password(app: App) -> None:
    for process in app.processes(r"imgapp\.web|dramatiq"):
        assert "IMGAPP_MIGRATE_DATABASE_URL" not in process.environ()


@pytest.mark.parametrize(
    ("pattern", "which"),
    [
        (r"bin/postgres -D", 0),
        (r"redis-server|valkey-server", 0),
        (r"-m dramatiq|bin/dramatiq", 0),
        (r"-m dramatiq|bin/dramatiq", -1),
        (r"imgapp\.web", 0),
        (r"imgapp\.web", -1),
    ],
    ids=["database", "redis", "worker", "worker's process", "web", "web's process"],
)
def test_a_child_that_is_killed_is_started_again(app: App, pattern: str, which: int) -> None:
    before = app.processes(pattern)
    before[which].kill()

    def healed() -> bool:
        now = app.processes(pattern)
        return before[which] not in now and len(now) == len(before) and is_healthy(app)

    wait_for(healed, SECONDS_TO_HEAL, "healing")
    with app.client() as client:
        assert client.get("/api/images").status_code == 200


def test_data_outlives_a_kill_of_everything(app: App) -> None:
    everything = app.processes()

    for process in everything:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    assert app.process is not None
    app.process.wait()
    app.start()

    with app.client() as client:
        assert client.get("/api/images").status_code == 200
    assert not alive(everything)


def test_nothing_lives_on_without_its_supervisor(app: App) -> None:
    children = app.processes()[1:]
    assert app.process is not None

    app.process.kill()
    app.process.wait()

    wait_for(lambda: not alive(children), SECONDS_TO_STOP, "ending without the supervisor")
    app.start()
    assert is_healthy(app)


def test_sigterm_stops_everything_in_time_and_a_new_start_makes_nothing_again(app: App) -> None:
    everything = app.processes()
    assert app.process is not None

    began = time.monotonic()
    app.process.send_signal(signal.SIGTERM)
    code = app.process.wait(SECONDS_TO_STOP)

    assert code == 0
    assert time.monotonic() - began < SECONDS_TO_STOP
    assert not alive(everything)
    database = Path(app.env["IMGAPP_DATA_DIR"]) / "postgres" / "data" / "PG_VERSION"
    made = [REPO / ".web/build/client/404.html", database]
    before = [file.stat().st_mtime_ns for file in made]
    app.start()
    assert [file.stat().st_mtime_ns for file in made] == before


def test_ctrl_c_stops_everything_too(app: App) -> None:
    everything = app.processes()
    assert app.process is not None

    app.process.send_signal(signal.SIGINT)

    assert app.process.wait(SECONDS_TO_STOP) == 0
    assert not alive(everything)
    app.start()


def test_all_of_it_idles_in_half_a_gigabyte(app: App) -> None:
    proportional = sum(process.memory_full_info().pss for process in app.processes())

    assert proportional < 500e6


def test_elsewhere_than_on_loopback_the_first_account_needs_the_printed_link(app: App) -> None:
    """On a second data folder beside the first."""
    port = free_port()
    folder = app.folder / "public"
    folder.mkdir(mode=0o755)
    env = app.env | {
        "IMGAPP_DATA_DIR": str(folder / "data"),
        "IMGAPP_PORT": str(port),
        "IMGAPP_HOST": "0.0.0.0",
    }
    public = App(f"http://localhost:{port}", folder, env)
    account = {"email": "first@example.org", "password": "correct horse battery"}
    try:
        public.start()
        wait_for(lambda: "/welcome?token=" in public.log.read_text(), 30, "printing the link")
        token = re.findall(r"/welcome\?token=(\S+)", public.log.read_text())[0]
        with httpx.Client(base_url=public.url, headers={"Origin": public.url}) as client:
            refused = client.post("/api/welcome", data=account | {"token": "guessed"})
            accepted = client.post("/api/welcome", data=account | {"token": token})
    finally:
        public.stop()

    assert refused.headers["location"] == "/welcome#token"
    assert accepted.headers["location"] == "/"

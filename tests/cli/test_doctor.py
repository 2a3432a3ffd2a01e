"""`imgapp doctor`: a line for each thing, a plain sentence for what is wrong, and which setting."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
import redis as redis_client

from imgapp.adapters import counters, queue
from imgapp.cli import doctor_checks
from imgapp.cli.doctor import CHECKS
from imgapp.models import Priority, now
from imgapp.services.analysis import describe
from tests.conftest import Person, Servers
from tests.support.buckets import BUCKET, bucket_client
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.redis_states import STATES
from tests.support.rows import add_image
from tests.support.running import REPO, clean_environment
from tests.support.waiting import add_picture

Invoke = Callable[..., tuple[int, str]]
SetEnv = Callable[..., None]


@pytest.fixture(autouse=True)
def _connections() -> Iterator[None]:
    queue.reset()
    yield
    queue.reset()


@pytest.fixture(autouse=True)
def _page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the page is built is no matter here."""
    monkeypatch.setitem(CHECKS, "page", lambda _: "built")


@pytest.fixture
def worker() -> Iterator[None]:
    """One that lives."""
    reporter = counters.Reporter()
    reporter.start("worker")
    reporter.flush()
    yield
    reporter.stop()


def line(output: str, name: str) -> str:
    return next(line for line in output.splitlines() if line[6:].startswith(f"{name}:"))


def test_all_is_well(invoke: Invoke, worker: None) -> None:
    code, output = invoke("doctor")
    assert code == 0
    assert not [said for said in output.splitlines() if said.startswith(("FAIL", "--"))], output
    assert line(output, "worker") == "ok    worker: 1 worker on all machines"
    assert line(output, "queue") == "ok    queue: nothing waits"
    assert line(output, "clock").startswith("ok ")
    assert "GB free in" in line(output, "disk")


@pytest.mark.parametrize(
    ("variable", "url", "name"),
    [
        ("DATABASE_URL", "postgresql://imgapp:hunter2@127.0.0.1:1/imgapp", "database"),
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:1/0", "redis"),
    ],
)
def test_a_server_that_is_away_is_named_by_its_variable_and_what_needs_it_is_not_blamed(
    invoke: Invoke, set_env: SetEnv, variable: str, url: str, name: str
) -> None:
    set_env(**{variable: url})
    code, output = invoke("doctor")
    assert code == 1
    assert line(output, name).startswith(f"FAIL  {name}: {variable}: ")
    assert line(output, "worker").startswith(f"--    worker: not checked, because {name} failed")
    failures = [said for said in output.splitlines() if said.startswith("FAIL")]
    assert len(failures) == 1
    assert "hunter2" not in output
    assert "Traceback" not in output


@pytest.mark.parametrize(("state", "said"), STATES.items())
def test_a_redis_that_takes_nothing_is_named_and_no_worker_is_blamed(
    invoke: Invoke,
    alice: Person,
    servers: Servers,
    state: Callable[..., AbstractContextManager[None]],
    said: str,
) -> None:
    add_image(alice.user_id, queued_at=now() - timedelta(hours=3))
    with state(servers.redis_url):
        code, output = invoke("doctor")
    assert code == 1
    assert line(output, "redis").startswith("FAIL  redis: REDIS_URL: ")
    assert said in line(output, "redis")
    assert line(output, "worker").startswith("--    worker: not checked, because redis failed")


@pytest.mark.parametrize(
    ("setting", "value", "usual", "said"),
    [
        ("maxmemory-policy", "allkeys-lru", "noeviction", "throws away whatever it likes"),
        ("save", "", "3600 1", "keeps nothing on a disk"),
    ],
)
def test_a_redis_that_loses_things_is_a_doubt(
    invoke: Invoke, servers: Servers, setting: str, value: str, usual: str, said: str
) -> None:
    with redis_client.Redis.from_url(servers.redis_url) as client:
        client.config_set("save", "3600 1")
        client.config_set(setting, value)
        _, output = invoke("doctor")
        client.config_set(setting, usual)
        _, mended = invoke("doctor")
        client.config_set("save", "")
    assert line(output, "redis").startswith("warn  redis: Redis ")
    assert said in line(output, "redis")
    assert line(mended, "redis").startswith("ok    redis: Redis ")


@pytest.mark.parametrize(
    ("part", "other", "sentence"),
    [
        (r":[^:@/]+@", ":hunter2@", "the database refuses the user or the password."),
        (r"/imgapp\?", "/nowhere?", "the server lets nobody in from here (pg_hba.conf)."),
    ],
)
def test_a_server_that_refuses_is_told_from_one_that_is_away(
    invoke: Invoke, set_env: SetEnv, servers, part: str, other: str, sentence: str
) -> None:
    set_env(DATABASE_URL=re.sub(part, other, servers.app_url, count=1))
    _, output = invoke("doctor")
    assert line(output, "database") == f"FAIL  database: DATABASE_URL: {sentence}"


def test_the_command_prints_its_lines_and_nothing_else() -> None:
    env = clean_environment() | {
        "DATABASE_URL": "postgresql://imgapp:hunter2@127.0.0.1:1/imgapp",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "IMGAPP_SECRET_KEY": "a secret for tests, and for nothing else",
    }
    done = subprocess.run(
        [sys.executable, "-m", "imgapp", "doctor"],
        env=env,
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == ""
    for said in done.stdout.splitlines():
        assert said.startswith(("ok    ", "warn  ", "FAIL  ", "--    "))


def test_without_a_worker_new_pictures_are_not_described(
    invoke: Invoke, alice: Person, set_env: SetEnv
) -> None:
    code, output = invoke("doctor")
    assert code == 0
    assert line(output, "worker").startswith("warn  worker: ")
    assert "imgapp worker" in line(output, "worker")


def test_pictures_that_wait_for_a_worker_that_does_not_run_are_a_failure(
    invoke: Invoke, alice: Person
) -> None:
    reporter = counters.Reporter()
    reporter.start("web")
    reporter.flush()
    for _ in range(2):
        add_image(alice.user_id, queued_at=now() - timedelta(hours=3))
    code, output = invoke("doctor")
    reporter.stop()
    assert code == 1
    assert line(output, "worker").startswith("FAIL  worker: No worker runs, and 2 pictures wait")
    assert "2 pictures waiting, the oldest for 3 hours" in line(output, "queue")


def test_where_imgapp_does_not_run_waiting_pictures_are_no_failure(
    invoke: Invoke, alice: Person, set_env: SetEnv, servers
) -> None:
    add_image(alice.user_id, queued_at=now() - timedelta(hours=3))
    set_env(IMGAPP_DATA_DIR=servers.redis_url.removeprefix("unix://").partition("/redis/")[0])
    code, output = invoke("doctor")
    assert code == 0
    assert line(output, "worker").startswith("warn  worker: imgapp does not run on this data")


def test_a_long_wait_is_a_doubt_unless_it_is_an_import(
    invoke: Invoke, alice: Person, worker: None
) -> None:
    add_image(alice.user_id, queued_at=now() - timedelta(days=3), priority=Priority.BULK)
    _, output = invoke("doctor")
    assert line(output, "queue") == "ok    queue: 1 picture waiting, the oldest for 3 days"
    add_image(alice.user_id, queued_at=now() - timedelta(minutes=20))
    code, output = invoke("doctor")
    assert code == 0
    assert line(output, "queue").startswith("warn  queue: 2 pictures waiting")


@pytest.mark.parametrize(
    ("free", "begins"),
    [(100e6, "FAIL  disk: IMGAPP_DATA_DIR: only 0.1 GB free"), (2e9, "warn  disk: only 2.0 GB")],
)
def test_a_full_disk_is_noticed_before_uploads_fail(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, free: float, begins: str
) -> None:
    monkeypatch.setattr(doctor_checks, "_free_bytes", lambda _: free)
    assert line(invoke("doctor")[1], "disk").startswith(begins)


def test_a_folder_that_cannot_be_written_is_named(
    invoke: Invoke, set_env: SetEnv, tmp_path: Path
) -> None:
    (tmp_path / "a file").touch()
    set_env(IMGAPP_DATA_DIR=str(tmp_path / "a file"))
    code, output = invoke("doctor")
    assert code == 1
    assert line(output, "disk").startswith("FAIL  disk: IMGAPP_DATA_DIR: nothing can be written")


@pytest.mark.parametrize(("seconds", "way"), [(60.0, "ahead of"), (-60.0, "behind")])
def test_clocks_that_disagree_are_noticed(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, seconds: float, way: str
) -> None:
    real = time.time
    monkeypatch.setattr(doctor_checks.time, "time", lambda: real() + seconds)
    code, output = invoke("doctor")
    assert code == 1
    assert line(output, "clock").startswith(
        f"FAIL  clock: This machine's clock is 60 seconds {way} that of DATABASE_URL's server"
    )


def test_the_model_is_asked_for_without_a_picture(invoke: Invoke, set_env: SetEnv) -> None:
    with OpenAIServer(model="llava:7b") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL="llava")
        assert line(invoke("doctor")[1], "vision").startswith("ok    vision: llava at 127.0.0.1")
        set_env(IMGAPP_VISION_MODEL="lava")
        code, output = invoke("doctor")
        assert code == 0
        assert line(output, "vision").startswith("warn  vision: lava at 127.0.0.1")
        assert "IMGAPP_VISION_MODEL" in line(output, "vision")
        set_env(OPENAI_BASE_URL=f"{server.url}/other")
        assert "does not list its models" in line(invoke("doctor")[1], "vision")
        assert server.calls == []


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(500, error={"message": "image input is not supported"}), "cannot look at pictures"),
        (Reply(401, error={"message": "Invalid API Key"}), "refused the API key"),
        (Reply(404, error={"message": "The model `x` does not exist"}), "does not know the model"),
    ],
)
def test_what_holds_all_pictures_up_is_a_failure(
    invoke: Invoke, set_env: SetEnv, alice: Person, reply: Reply, sentence: str
) -> None:
    with OpenAIServer(model="eyes") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL="eyes", OPENAI_API_KEY="hunter2")
        add_picture(alice.user_id)
        server.default = reply
        describe.run_one()
        code, output = invoke("doctor")
    assert code == 1
    assert line(output, "vision").startswith("FAIL  vision: eyes at 127.0.0.1")
    assert sentence in line(output, "vision")
    assert "hunter2" not in output


def test_a_model_server_that_is_away_is_a_failure(invoke: Invoke, set_env: SetEnv) -> None:
    set_env(OPENAI_BASE_URL="http://user:hunter2@127.0.0.1:1/v1")
    code, output = invoke("doctor")
    assert code == 1
    assert line(output, "vision").startswith("FAIL  vision: ")
    assert "OPENAI_BASE_URL" in line(output, "vision")
    assert "hunter2" not in output


def test_a_setting_that_cannot_be_used_is_named(invoke: Invoke, set_env: SetEnv) -> None:
    set_env(IMGAPP_PORT="eighty")
    code, output = invoke("doctor")
    assert code == 1
    assert output.startswith("FAIL  settings: IMGAPP_PORT: ")


def test_a_check_that_breaks_is_a_line_like_the_others(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> str:
        raise KeyError("secret")

    monkeypatch.setitem(CHECKS, "vision", broken)
    code, output = invoke("doctor")
    assert code == 1
    assert line(output, "vision") == "FAIL  vision: it could not be checked (KeyError)"
    assert line(output, "page") == "ok    page: built"


def test_a_bucket_that_keeps_pages_from_sending_files_is_a_doubt_and_no_failure(
    invoke: Invoke, s3_env: SetEnv
) -> None:
    rule = {"AllowedMethods": ["PUT"], "AllowedHeaders": ["*"]}
    rule["AllowedOrigins"] = ["https://elsewhere.example.org"]
    rules = {"CORSRules": [rule]}
    bucket_client().put_bucket_cors(Bucket=BUCKET, CORSConfiguration=rules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CHECKS, "store", lambda _: "well")  # the test server is open to anyone
        _, output = invoke("doctor")
        said = line(output, "direct uploads")
        assert said.startswith("warn")
        assert "CORS rules do not let pages of http://localhost:8000" in said
        rule["AllowedOrigins"] = ["http://localhost:8000"]
        bucket_client().put_bucket_cors(Bucket=BUCKET, CORSConfiguration=rules)
        _, output = invoke("doctor")
        assert line(output, "direct uploads").startswith("ok")


def test_disk_takes_no_direct_uploads_and_that_is_well(invoke: Invoke) -> None:
    _, output = invoke("doctor")
    assert line(output, "direct uploads") == "ok    direct uploads: not with pictures on disk"

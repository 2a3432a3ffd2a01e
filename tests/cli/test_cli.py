"""The command line, on a data folder where nothing runs and with servers that do."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imgapp import __version__
from imgapp.adapters import queue
from imgapp.adapters.embedded import claim_data_dir
from imgapp.cli import programs
from imgapp.errors import InvalidRequest, NotFound
from imgapp.services.accounts import registration, sessions, tokens
from imgapp.settings import get_settings
from tests.support.running import REPO, clean_environment

PASSWORD = "correct horse battery"


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="imgapp-cli-"))
    yield claim_data_dir(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def imgapp(data_dir: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`imgapp("user", "add", …)`: a real command on a data folder where no `imgapp up` runs."""

    def run(*args: str, stdin: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "imgapp", *args],
            env=clean_environment() | {"IMGAPP_DATA_DIR": str(data_dir)} | extra,
            cwd=REPO,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def test_the_version_is_printed(invoke: Callable[..., tuple[int, str]]) -> None:
    assert invoke("--version") == (0, f"imgapp {__version__}\n")


@pytest.mark.long
def test_an_account_and_a_token_are_made_while_nothing_runs(
    imgapp: Callable[..., subprocess.CompletedProcess[str]], data_dir: Path
) -> None:
    added = imgapp("user", "add", "a@example.org", "--admin", "--password-stdin", stdin=PASSWORD)
    made = imgapp("token", "create", "a@example.org", "--name", "laptop")

    assert added.stdout == "Added a@example.org as an administrator.\n"
    assert made.stdout.startswith("imgapp_")
    assert len(made.stdout.split()) == 1
    assert not (data_dir / "postgres" / "data" / "postmaster.pid").exists()


def test_a_setting_that_cannot_be_used_is_named_in_a_sentence(
    imgapp: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = imgapp("up", IMGAPP_PORT="eighty")

    assert done.returncode == 1
    assert done.stderr.startswith("imgapp: IMGAPP_PORT")
    assert "Traceback" not in done.stderr


def test_the_supervisor_imports_neither_reflex_nor_a_database_driver() -> None:
    heavy = ("reflex", "sqlalchemy", "psycopg", "dramatiq", "boto3", "openai", "fastapi")
    code = f"import sys, imgapp.cli.up\nprint([name for name in {heavy!r} if name in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


def test_an_account_signs_in_with_the_password_it_was_added_with(
    invoke: Callable[..., tuple[int, str]],
) -> None:
    code, _ = invoke("user", "add", "carol@example.org", "--password-stdin", stdin=PASSWORD + "\n")

    assert code == 0
    signed_in = sessions.sign_in(
        "carol@example.org", PASSWORD, user_agent="tests", address="127.0.0.1"
    )
    assert not signed_in.viewer.is_admin


def test_a_weak_password_is_refused(invoke: Callable[..., tuple[int, str]]) -> None:
    with pytest.raises(InvalidRequest, match="at least"):
        invoke("user", "add", "carol@example.org", "--password-stdin", stdin="short\n")

    assert not registration.has_users()


def test_without_a_terminal_the_password_comes_from_standard_input_only(
    invoke: Callable[..., tuple[int, str]],
) -> None:
    with pytest.raises(InvalidRequest, match="--password-stdin"):
        invoke("user", "add", "carol@example.org", stdin=PASSWORD)


def test_a_token_belongs_to_its_person(
    invoke: Callable[..., tuple[int, str]], make_person: Callable[..., object]
) -> None:
    alice, mallory = make_person("alice@example.org"), make_person("mallory@example.org")

    _, printed = invoke("token", "create", alice.email, "--name", "laptop")
    with pytest.raises(NotFound, match=r"b@example\.org"):
        invoke("token", "create", "b@example.org", "--name", "laptop")

    viewer = tokens.viewer_of_token(printed.strip())
    assert viewer is not None
    assert viewer.user_id == alice.user_id
    assert [token.name for token in tokens.list_tokens(alice.user_id)] == ["laptop"]
    assert tokens.list_tokens(mallory.user_id) == []


def line_of(output: str, name: str) -> str:
    return next(line for line in output.splitlines() if line.split()[1] == f"{name}:")


def test_doctor_names_each_dependency_that_is_well(
    invoke: Callable[..., tuple[int, str]],
) -> None:
    _, output = invoke("doctor")

    for name in ("settings", "database", "migrations", "role", "store", "vision"):
        assert line_of(output, name).startswith("ok "), output
    # The one that tests share keeps nothing.
    assert line_of(output, "redis").startswith("warn  redis: Redis 6"), output


def test_doctor_fails_with_a_sentence_for_what_is_not_well(
    invoke: Callable[..., tuple[int, str]], set_env: Callable[..., None]
) -> None:
    set_env(REDIS_URL="unix:///nowhere/redis.sock", IMGAPP_VISION="openai")
    queue.reset()

    code, output = invoke("doctor")
    queue.reset()

    assert code == 1
    assert line_of(output, "redis").startswith("FAIL ")
    assert line_of(output, "vision").startswith("FAIL ")
    assert "OPENAI_API_KEY" in line_of(output, "vision")
    assert line_of(output, "database").startswith("ok ")


def test_doctor_notices_a_role_that_row_level_security_does_not_bind(
    invoke: Callable[..., tuple[int, str]], set_env: Callable[..., None], servers: object
) -> None:
    set_env(DATABASE_URL=servers.owner_url)

    code, output = invoke("doctor")

    assert code == 1
    assert line_of(output, "role").startswith("FAIL ")
    assert "imgapp_owner" in line_of(output, "role")


def test_doctor_without_a_database_says_so_and_checks_the_rest(
    invoke: Callable[..., tuple[int, str]], set_env: Callable[..., None], tmp_path: Path
) -> None:
    set_env(DATABASE_URL=f"postgresql://imgapp@/imgapp?host={tmp_path}")

    code, output = invoke("doctor")

    assert code == 1
    assert line_of(output, "database").startswith("FAIL ")
    assert line_of(output, "redis").startswith("warn ")
    assert "Traceback" not in output


def test_doctor_notices_a_bucket_that_anyone_can_list(
    invoke: Callable[..., tuple[int, str]], set_env: Callable[..., None]
) -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        set_env(
            AWS_ENDPOINT_URL_S3=f"http://{host}:{port}",
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            AWS_DEFAULT_REGION="us-east-1",
            IMGAPP_S3_BUCKET="pictures",
        )
        boto3.client("s3").create_bucket(Bucket="pictures")
        code, output = invoke("doctor")
    finally:
        server.stop()

    assert code == 1
    assert line_of(output, "store").startswith("FAIL ")
    assert "without a signature" in line_of(output, "store")


def test_migrating_says_the_revision(
    invoke: Callable[..., tuple[int, str]],
) -> None:
    code, output = invoke("migrate")

    assert (code, output) == (0, "The database is at revision 0106.\n")


@pytest.mark.parametrize(("threads", "expected"), [("16", ("1", "16")), ("64", ("2", "32"))])
def test_many_analyses_at_once_are_spread_over_processes(
    set_env: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    threads: str,
    expected: tuple[str, str],
) -> None:
    monkeypatch.setattr(programs, "cpu_count", lambda: 2)
    set_env(IMGAPP_WORKER_THREADS=threads)
    command = programs.worker_program(get_settings(), print).command
    values = dict(itertools.pairwise(command))
    assert (values["--processes"], values["--threads"]) == expected

"""The embedded servers: real ones, in folders of their own, killed in every way."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis as redis_client

from imgapp.adapters.embedded import (
    Postgres,
    Redis,
    claim_data_dir,
    ensure_servers,
    owner_lock,
    start_postgres,
    start_redis,
)
from imgapp.errors import ConfigurationError
from imgapp.settings import Settings

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about what only root can arrange")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's folder, which the servers' own user may not enter when root runs this."""
    made = Path(tempfile.mkdtemp(prefix="imgapp-embedded-"))
    yield claim_data_dir(made)
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def postgres(folder: Path) -> Iterator[Postgres]:
    server = start_postgres(folder / "postgres")
    yield server
    server.stop()


@pytest.fixture
def redis(folder: Path) -> Iterator[Redis]:
    server = start_redis(folder / "redis")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def standing() -> Iterator[tuple[Postgres, Redis]]:
    """Both, for tests that only look at them."""
    made = Path(tempfile.mkdtemp(prefix="imgapp-embedded-"))
    claim_data_dir(made)
    servers = start_postgres(made / "postgres"), start_redis(made / "redis")
    yield servers
    for server in servers:
        server.stop()
    shutil.rmtree(made, ignore_errors=True)


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True, connect_timeout=5)


def ask(url: str, question: str) -> tuple:
    with connect(url) as connection:
        answer = connection.execute(question).fetchone()
    assert answer is not None
    return answer


def remember(postgres: Postgres) -> None:
    with connect(postgres.owner_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")


def remembers(postgres: Postgres) -> bool:
    return ask(postgres.owner_url, "SELECT answer FROM kept") == (42,)


def test_the_application_role_is_bound_by_row_level_security(
    standing: tuple[Postgres, Redis],
) -> None:
    role = ask(
        standing[0].app_url,
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
        " WHERE rolname = current_user",
    )

    assert role == ("imgapp_app", False, False, False, False)


def test_the_owner_owns_the_database_and_may_make_roles(standing: tuple[Postgres, Redis]) -> None:
    owner = ask(
        standing[0].owner_url,
        "SELECT rolname, rolsuper, rolcreaterole, datname FROM pg_roles, pg_database"
        " WHERE rolname = current_user AND datdba = pg_roles.oid",
    )

    assert owner == ("imgapp_owner", False, True, "imgapp")


def test_a_wrong_password_is_refused(standing: tuple[Postgres, Redis]) -> None:
    guess = standing[0].app_url.replace("imgapp_app:", "imgapp_app:x")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(guess)


@needs_root
def test_another_user_of_the_machine_does_not_reach_the_servers(
    standing: tuple[Postgres, Redis],
) -> None:
    postgres, redis = standing
    sockets = [*postgres.folder.glob("socket/.s.*[0-9]"), *redis.folder.glob("socket/*.sock")]
    attempt = (
        "import socket, sys\n"
        "for path in sys.argv[1:]:\n"
        "    try: socket.socket(socket.AF_UNIX).connect(path); sys.exit('reached ' + path)\n"
        "    except PermissionError: pass\n"
    )
    nobody = pwd.getpwnam("nobody").pw_uid
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    if python is None:
        pytest.skip("there is no Python that other users can run")

    done = subprocess.run(
        [python, "-c", attempt, *map(str, sockets)],
        user=nobody,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
    )

    assert len(sockets) == 2
    assert (done.returncode, done.stderr) == (0, "")


def test_the_servers_do_not_listen_on_the_network(standing: tuple[Postgres, Redis]) -> None:
    for server in standing:
        assert server.process is not None
        assert psutil.Process(server.process.pid).net_connections("inet") == []


def test_redis_tells_of_what_reflex_listens_for(standing: tuple[Postgres, Redis]) -> None:
    with redis_client.Redis.from_url(standing[1].url) as client:
        assert set(client.config_get()["notify-keyspace-events"]) >= set("K$sgxe")


def test_redis_keeps_what_it_acknowledged_when_it_is_killed(redis: Redis) -> None:
    with redis_client.Redis.from_url(redis.url) as client:
        client.set("kept", "42")
    assert redis.process is not None
    redis.process.kill()
    redis.process.wait()

    redis.start()

    with redis_client.Redis.from_url(redis.url) as client:
        assert client.get("kept") == b"42"


@pytest.mark.long
def test_data_outlives_the_kill_of_the_postmaster(postgres: Postgres) -> None:
    remember(postgres)
    assert postgres.process is not None
    postgres.process.kill()
    postgres.process.wait()

    postgres.start()

    assert remembers(postgres)


@pytest.mark.long
def test_servers_that_a_killed_run_left_alive_are_ended(postgres: Postgres, redis: Redis) -> None:
    remember(postgres)
    assert postgres.process is not None
    assert redis.process is not None

    heirs = (start_postgres(postgres.folder), start_redis(redis.folder))

    try:
        assert postgres.process.wait(60) == 0
        assert redis.process.wait(60) == 0
        assert remembers(heirs[0])
        assert heirs[1].is_ready()
    finally:
        for heir in heirs:
            heir.stop()


@pytest.mark.long
def test_a_lock_file_with_the_id_of_some_other_process_is_no_obstacle(postgres: Postgres) -> None:
    remember(postgres)
    lock = (postgres.data / "postmaster.pid").read_text().splitlines()
    assert postgres.process is not None
    postgres.process.kill()
    postgres.process.wait()
    with subprocess.Popen(
        ["sleep", "60"], user=postgres.data.stat().st_uid if os.geteuid() == 0 else None
    ) as other:
        lock[0] = str(other.pid)
        (postgres.data / "postmaster.pid").write_text("\n".join(lock))

        postgres.start()

        assert other.poll() is None
        other.kill()
    assert remembers(postgres)


@pytest.mark.long
def test_clusters_have_pgvector_those_of_before_it_as_well(postgres: Postgres) -> None:
    there = "SELECT FROM pg_extension WHERE extname = 'vector'"
    administrator = postgres.administrator_url.replace("+psycopg", "")
    for made_before in (True, False):
        with psycopg.connect(administrator, autocommit=True) as connection:
            assert connection.execute(there).fetchone() is not None
            connection.execute("DROP EXTENSION vector")
        postgres.stop()
        if made_before:
            (postgres.folder / "extensions").unlink()
            postgres.start()
    # Somebody took it away: that is theirs to decide.
    postgres.start()
    with psycopg.connect(administrator) as connection:
        assert connection.execute(there).fetchone() is None


def test_a_set_up_that_was_cut_off_is_begun_again(folder: Path) -> None:
    half = folder / "postgres" / "data.new"
    Postgres(folder / "postgres")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    server = start_postgres(folder / "postgres")

    assert ask(server.app_url, "SELECT 1") == (1,)
    assert not half.exists()
    server.stop()


@pytest.mark.long
def test_a_data_folder_with_a_very_long_path_works(folder: Path) -> None:
    deep = folder / ("a" * 90) / ("b" * 90)
    postgres, redis = start_postgres(deep / "postgres"), start_redis(deep / "redis")

    assert ask(postgres.app_url, "SELECT 1") == (1,)
    assert redis.is_ready()
    sockets = [Path((server.folder / "socket_dir").read_text()) for server in (postgres, redis)]
    assert [stat.S_IMODE(path.stat().st_mode) for path in sockets] == [0o700, 0o700]
    for server in (postgres, redis):
        server.stop()
    for path in sockets:
        shutil.rmtree(path)


@pytest.mark.long
def test_the_servers_end_with_the_process_that_started_them(folder: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from imgapp.adapters.embedded import start_postgres, start_redis\n"
        "folder = Path(sys.argv[1])\n"
        "servers = start_postgres(folder / 'postgres'), start_redis(folder / 'redis')\n"
        "print(*(s.process.pid for s in servers), flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as starter:
        assert starter.stdout is not None
        started = [psutil.Process(int(pid)) for pid in starter.stdout.readline().split()]
        starter.kill()

    _, alive = psutil.wait_procs(started, timeout=10)

    assert len(started) == 2
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


@needs_root
def test_a_folder_that_the_servers_cannot_reach_is_named_and_left_alone(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(ConfigurationError, match=str(closed)):
        claim_data_dir(closed / "data")

    assert (stat.S_IMODE(closed.stat().st_mode), closed.stat().st_uid) == (0o700, 0)
    assert list(closed.iterdir()) == []


@needs_root
def test_a_home_is_not_given_away(folder: Path) -> None:
    home = Path(pwd.getpwuid(0).pw_dir)
    before = home.stat()
    if before.st_mode & stat.S_IXOTH:
        pytest.skip("root's home is open to everybody here")

    with pytest.raises(ConfigurationError, match=str(home)):
        claim_data_dir(home)

    assert (home.stat().st_uid, home.stat().st_mode) == (before.st_uid, before.st_mode)


@pytest.mark.long
@needs_root
def test_programs_that_the_servers_user_cannot_reach_are_copied(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgapp.adapters.embedded.programs._usable", lambda *_: False)
    postgres, redis = start_postgres(folder / "postgres"), start_redis(folder / "redis")

    assert ask(postgres.app_url, "SELECT 1") == (1,)
    for server in (postgres, redis):
        assert server.process is not None
        program = Path(psutil.Process(server.process.pid).exe())
        assert program.is_relative_to(server.folder / "programs")
        server.stop()


def test_servers_run_for_as_long_as_a_command_needs_them_and_the_secret_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMGAPP_SECRET_KEY")
    secrets = set()
    for _ in range(2):
        with ensure_servers(Settings(data_dir=folder)) as settings:
            assert settings.database_url is not None
            assert settings.migrate_database_url is not None
            assert settings.redis_url is not None
            assert settings.secret_key is not None
            assert ask(settings.database_url.get_secret_value(), "SELECT 1") == (1,)
            secrets.add(settings.secret_key.get_secret_value())
        with pytest.raises(psycopg.OperationalError):
            connect(settings.database_url.get_secret_value())

    assert len(secrets) == 1
    assert len(secrets.pop()) >= 32
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600


def test_a_second_command_borrows_the_servers_of_the_first(folder: Path) -> None:
    """And the first one waits for it before it stops them."""
    first_is_done = threading.Event()
    answers = []

    def second() -> None:
        with ensure_servers(Settings(data_dir=folder)) as settings:
            borrowing.set()
            first_is_done.wait(60)
            assert settings.database_url is not None
            answers.append(ask(settings.database_url.get_secret_value(), "SELECT 1"))

    borrowing = threading.Event()
    thread = threading.Thread(target=second)
    with ensure_servers(Settings(data_dir=folder)):
        thread.start()
        assert borrowing.wait(60)
        first_is_done.set()
    thread.join(60)

    assert answers == [(1,)]
    with owner_lock(folder) as lock:
        assert lock.acquire()


def test_external_servers_are_taken_as_they_are(tmp_path: Path) -> None:
    given = Settings(
        data_dir=tmp_path / "unused",
        DATABASE_URL="postgresql://db.example.org/imgapp",
        REDIS_URL="redis://redis.example.org",
        secret_key="x" * 32,
    )

    with ensure_servers(given) as settings:
        assert settings == given

    assert not (tmp_path / "unused").exists()


def test_external_servers_need_a_secret_that_every_machine_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMGAPP_SECRET_KEY")
    given = Settings(
        data_dir=tmp_path / "unused",
        DATABASE_URL="postgresql://db.example.org/imgapp",
        REDIS_URL="redis://redis.example.org",
    )

    with pytest.raises(ConfigurationError, match="IMGAPP_SECRET_KEY"), ensure_servers(given):
        pass


@pytest.mark.long
def test_stopping_is_clean(postgres: Postgres, redis: Redis) -> None:
    processes = [postgres.process, redis.process]

    postgres.stop()
    redis.stop()

    assert [p.returncode for p in processes if p is not None] == [0, 0]
    assert (postgres.process, redis.process) == (None, None)
    assert not (postgres.data / "postmaster.pid").exists()

"""Real PostgreSQL and Redis for every test, people to act as, and pictures to act on."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx._transports.default as httpx_transports
import pytest
import redis as redis_client
import sqlalchemy as sa
from argon2 import PasswordHasher
from fastapi import FastAPI
from httpx import create_ssl_context
from PIL import Image as PillowImage
from starlette.testclient import TestClient

from imgapp import settings
from imgapp.adapters import db, passwords
from imgapp.adapters.embedded import claim_data_dir, start_postgres, start_redis
from imgapp.models import Image, Viewer, new_id
from imgapp.services.accounts import sessions
from imgapp.services.common import rate_limits
from imgapp.services.installation import runtime_settings, vision_models
from imgapp.services.queue import leases
from imgapp.settings import Settings, get_settings
from tests.support.buckets import gate, moto, one_loader, s3_env
from tests.support.forked import fork_server, kill_in
from tests.support.litellm_proxy import litellm
from tests.support.open_transactions import watched

pytest_plugins = ["tests.support.whole_run"]

ROOT = Path(__file__).parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
ORIGIN = "http://localhost:8000"
FIXTURES_OF_SUPPORT = (fork_server, gate, kill_in, litellm, moto, one_loader, s3_env)
USUAL_HASHER = passwords._hasher
OURS = ("IMGAPP_", "AWS_", "OPENAI_", "DATABASE_URL", "REDIS_URL", "PG")


@dataclass(frozen=True)
class Person:
    user_id: UUID
    email: str
    password: str
    is_admin: bool = False

    @property
    def viewer(self) -> Viewer:
        """The person without a session, as a service sees the caller."""
        return Viewer(user_id=self.user_id, email=self.email, is_admin=self.is_admin)


@dataclass(frozen=True)
class Servers:
    """One PostgreSQL with the tables in it, and one Redis, for the whole run."""

    app_url: str
    owner_url: str
    administrator_url: str
    redis_url: str


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Hashing is slow on purpose, but not within this process; commands hash as always."""
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_hasher", quick)
        yield


@pytest.fixture(scope="session", autouse=True)
def _certificates_read_once() -> Iterator[None]:
    """Each client would read all certificates of the system, though none of them meets any."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx_transports, "create_ssl_context", cache(create_ssl_context))
        yield


@pytest.fixture
def usual_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashing as it is outside of the tests."""
    monkeypatch.setattr(passwords, "_hasher", USUAL_HASHER)
    passwords._nobodys_hash.cache_clear()
    yield
    passwords._nobodys_hash.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    """Tests reach nothing beyond this machine."""
    patch = pytest.MonkeyPatch()
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_unless_local(address[0])
        connect(self, address)

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_unless_local(host)
        return look_up(host, *args, **kwargs)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    patch.undo()


def _refuse_unless_local(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost", "0.0.0.0", "::", socket.gethostname()):
        return
    try:
        local = ip_address(name).is_loopback
    except ValueError:
        local = False
    if not local:
        raise RuntimeError(f"a test tried to reach {name}")


@pytest.fixture(scope="session")
def breaches() -> Iterator[list[str]]:
    with watched() as breaches:
        yield breaches


@pytest.fixture(autouse=True)
def _no_transaction_waits_for_others(breaches: list[str]) -> Iterator[None]:
    """No store, and no server but the database, is asked while a transaction is open."""
    breaches.clear()
    yield
    assert not breaches, f"in a transaction:\n{breaches[0]}"


@pytest.fixture(scope="session")
def data_dir_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One after the other has it: with a new one, the settings would be others for each test."""
    return tmp_path_factory.mktemp("one-after-the-other") / "data"


@pytest.fixture(scope="session", autouse=True)
def _settings_read_once() -> Iterator[None]:
    """The same environment gives the same settings: reading them takes 5 ms."""
    seen: dict[tuple[tuple[str, str], ...], Settings] = {}

    def read() -> Settings:
        told = tuple(sorted(item for item in os.environ.items() if item[0].startswith(OURS)))
        if told not in seen:
            seen[told] = Settings()
        return seen[told]

    read.model_fields = Settings.model_fields  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "Settings", read)
        yield


@pytest.fixture(autouse=True)
def settings_env(
    monkeypatch: pytest.MonkeyPatch, data_dir_of_tests: Path
) -> Iterator[pytest.MonkeyPatch]:
    """Nothing of the caller's environment; set variables on it, then call `reread_settings`."""
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("IMGAPP_DATA_DIR", str(data_dir_of_tests))
    monkeypatch.setenv("IMGAPP_SECRET_KEY", "a secret for tests, and for nothing else")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # Model servers of tests, on loopback, are none that take one call at a time.
    monkeypatch.setenv("IMGAPP_VISION_AT_ONCE", "0")
    # A second of a processor for each picture: those who test it switch it on.
    monkeypatch.setenv("IMGAPP_READING", "off")
    get_settings.cache_clear()
    yield monkeypatch
    get_settings.cache_clear()
    shutil.rmtree(data_dir_of_tests, ignore_errors=True)


@pytest.fixture
def set_env(settings_env: pytest.MonkeyPatch) -> Callable[..., None]:
    """`set_env(IMGAPP_SIGNUP="closed")`; None removes a variable."""

    def change(**variables: str | None) -> None:
        for name, value in variables.items():
            if value is None:
                settings_env.delenv(name, raising=False)
            else:
                settings_env.setenv(name, value)
        get_settings.cache_clear()

    return change


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    # Not below pytest's folder, which the servers' own user may not enter when root runs the tests.
    folder = Path(tempfile.mkdtemp(prefix="imgapp-test-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        claim_data_dir(folder)
        postgres = start_postgres(folder / "postgres")
        stack.callback(postgres.stop)
        redis = start_redis(folder / "redis")
        stack.callback(redis.stop)
        stack.callback(db.dispose)
        _write_to_memory_only(postgres.administrator_url, redis.url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DATABASE_URL", postgres.app_url)
            patch.setenv("IMGAPP_MIGRATE_DATABASE_URL", postgres.owner_url)
            get_settings.cache_clear()
            db.migrate()
        get_settings.cache_clear()
        yield Servers(postgres.app_url, postgres.owner_url, postgres.administrator_url, redis.url)


def _write_to_memory_only(administrator_url: str, redis_url: str) -> None:
    """Nobody needs the data of a test after a power cut."""
    engine = sa.create_engine(
        administrator_url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(sa.text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(sa.text("SELECT pg_reload_conf()"))
    with redis_client.Redis.from_url(redis_url) as client:
        client.config_set("appendonly", "no")


@pytest.fixture(scope="session")
def owner(servers: Servers) -> Iterator[sa.Engine]:
    """The owner's engine, for what only a migration may do."""
    engine = sa.create_engine(servers.owner_url, poolclass=sa.NullPool)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def administrator(servers: Servers) -> Iterator[sa.Engine]:
    """The superuser's engine, for looking at all rows and for preparing many of them."""
    engine = sa.create_engine(servers.administrator_url, poolclass=sa.NullPool)
    yield engine
    engine.dispose()


EMPTY_AGAIN = """
SET LOCAL lock_timeout = '10s';
DELETE FROM users;
DELETE FROM image_tally_changes;
DELETE FROM usage_removed;
DELETE FROM audit_events;
DELETE FROM store_removals;
DELETE FROM provider_state;
DELETE FROM connected_models;
DELETE FROM learned_concurrency;
DELETE FROM installation_prompts;
DELETE FROM installation;
INSERT INTO installation (id) VALUES (1);
"""


@pytest.fixture(scope="session")
def empty_again(servers: Servers) -> Iterator[Callable[[], None]]:
    """`empty_again()`: over connections that stay open, as it comes before nearly every test."""
    engine = sa.create_engine(
        servers.administrator_url,
        pool_pre_ping=True,
        # Several statements at once cannot be prepared, as the fifth time would have them.
        connect_args={"prepare_threshold": None},
    )
    with redis_client.Redis.from_url(servers.redis_url) as client:

        def empty() -> None:
            with engine.begin() as connection:
                connection.exec_driver_sql(EMPTY_AGAIN)
            client.flushall()

        yield empty
    engine.dispose()


@pytest.fixture
def database(
    servers: Servers, empty_again: Callable[[], None], set_env: Callable[..., None]
) -> Iterator[None]:
    """The settings point at an empty database and an empty Redis."""
    empty_again()
    runtime_settings.forget()
    vision_models.forget()
    # A sweep long ago, of another test, would count as a sleep of the machine.
    leases._spared_until[0] = leases._seen_at[0] = 0.0
    # Nor is Redis spared because it did not answer in another test.
    rate_limits._down_until = 0.0
    rate_limits._local.clear()
    set_env(
        DATABASE_URL=servers.app_url,
        IMGAPP_MIGRATE_DATABASE_URL=servers.owner_url,
        REDIS_URL=servers.redis_url,
    )
    yield
    # An answer that nobody waits for any more is written down all the same, here if not later.
    for thread in threading.enumerate():
        if thread.name == "describer":
            thread.join(15)


@pytest.fixture
def make_person(database: None) -> Callable[..., Person]:
    """`make_person("carol@example.org", is_admin=True)`."""

    def make(email: str, *, is_admin: bool = False) -> Person:
        password = "correct horse battery staple"
        call = sa.func.imgapp_create_user(
            new_id(), email, passwords.hash_password(password), is_admin, False
        )
        with db.transaction() as session:
            user_id = session.execute(sa.select(call)).scalar_one()
        assert user_id is not None, f"{email} is taken"
        return Person(user_id, email, password, is_admin)

    return make


@pytest.fixture
def alice(make_person: Callable[..., Person]) -> Person:
    return make_person("alice@example.org")


@pytest.fixture
def mallory(make_person: Callable[..., Person]) -> Person:
    """Somebody else, who tries."""
    return make_person("mallory@example.org")


@pytest.fixture
def admin(make_person: Callable[..., Person]) -> Person:
    return make_person("admin@example.org", is_admin=True)


@pytest.fixture
def add_image(database: None) -> Callable[..., UUID]:
    """`add_image(alice, priority=Priority.BULK)`: a picture that is due, older ones first."""

    def add(person: Person, **values: Any) -> UUID:
        image_id, user_id = new_id(), person.user_id
        given: dict[str, Any] = {
            "id": image_id,
            "user_id": user_id,
            "filename": "beach-house.jpg",
            "s3_key": f"users/{user_id}/images/{image_id}/beach-house.jpg",
            "s3_bucket": "local",
            "mime_type": "image/jpeg",
            "file_size": 1,
            "sha256": f"{image_id.int:064x}",
            "width": 1,
            "height": 1,
        }
        with db.transaction(user_id) as session:
            session.add(Image(**given | values))
        return image_id

    return add


@lru_cache
def shared_api() -> FastAPI:
    """The API, which keeps nothing between requests: a new one takes 0.2 s to its first answer."""
    from imgapp.api import create_api

    return create_api()


@pytest.fixture
def client_for(database: None) -> Iterator[Callable[..., TestClient]]:
    """The API as `client_for(alice)` reaches it from our page; `client_for(None)`: signed out."""
    with ExitStack() as stack:

        def make(person: Person | None, app: Any = None) -> TestClient:
            client = TestClient(
                app or shared_api(),
                base_url=ORIGIN,
                headers={"origin": ORIGIN},
                follow_redirects=False,
                client=("127.0.0.1", 50_000),
            )
            if person is not None:
                signed_in = sessions.start_session(
                    person.user_id, user_agent="tests", address="127.0.0.1"
                )
                # As the client itself files a cookie that the server sets.
                client.cookies.set(
                    get_settings().session_cookie, signed_in.cookie, domain="localhost.local"
                )
            return stack.enter_context(client)

        yield make


@pytest.fixture
def unhurried(set_env: Callable[..., None]) -> None:
    """A person may ask as often as they like: a test that walks all routes is no attack."""
    set_env(IMGAPP_REQUESTS_PER_SECOND="10000", IMGAPP_UPLOADS_PER_SECOND="10000")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real photos and hostile files."""
    if not CORPUS.is_dir():
        pytest.skip("the folder of real photos is not there: ../shared/corpus")
    return CORPUS


_shades = itertools.count(1)


@pytest.fixture
def picture_file(tmp_path: Path) -> Callable[..., Path]:
    """`picture_file("a.png", size=(64, 48))`: a real picture, no two with the same bytes."""

    def make(
        name: str = "photo.jpg",
        *,
        size: tuple[int, int] = (64, 48),
        mode: str = "RGB",
        color: Any = None,
        orientation: int | None = None,
        gps: bool = False,
        **save: Any,
    ) -> Path:
        if name.lower().endswith((".heic", ".heif")):
            from pillow_heif import register_heif_opener

            register_heif_opener()
        shade = next(_shades)
        image = PillowImage.new("RGB", size, color or (shade % 256, shade // 256 % 256, 90))
        # A corner of another colour shows which way up the picture is.
        image.paste((255, 255, 255), (0, 0, max(size[0] // 4, 1), max(size[1] // 4, 1)))
        exif = PillowImage.Exif()
        if orientation is not None:
            exif[0x0112] = orientation
        if gps:
            exif.get_ifd(0x8825).update(
                {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 36.0)}
            )
        if len(exif) or gps:
            save["exif"] = exif.tobytes()
        if name.lower().endswith((".jpg", ".jpeg")):
            save.setdefault("comment", f"picture {shade}")  # JPEG may round two shades to one
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.convert(mode).save(path, **save)
        return path

    return make


@pytest.fixture
def invoke(database: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """A command within this process, on the servers of the test run: exit code and output."""

    from typer.testing import CliRunner

    from imgapp.cli import app

    def run(*args: str, stdin: str = "") -> tuple[int, str]:
        # What a command puts into the environment ends with it.
        with monkeypatch.context() as patch:
            for name, value in os.environ.items():
                patch.setenv(name, value)
            result = CliRunner().invoke(app, list(args), input=stdin)
        get_settings.cache_clear()
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run

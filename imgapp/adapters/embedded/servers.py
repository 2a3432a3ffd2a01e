"""Servers of a command: takes those given by URL, joins those of `imgapp up`, or starts them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from pydantic import SecretStr

from imgapp.adapters.embedded.folders import claim_data_dir, socket_places
from imgapp.adapters.embedded.locks import owner_lock, using_servers, wait_for_users
from imgapp.adapters.embedded.postgres import Postgres
from imgapp.adapters.embedded.redis import Redis
from imgapp.adapters.embedded.secrets import keep_secret
from imgapp.errors import ConfigurationError, ServiceUnavailable
from imgapp.settings import Settings

_PATIENCE_SECONDS = 60.0


class EmbeddedServers:
    """Those of PostgreSQL and Redis that the settings do not give a URL for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        data_dir = settings.data_dir
        self.postgres = None if settings.database_url else Postgres(data_dir / "postgres")
        self.redis = None if settings.redis_url else Redis(data_dir / "redis")

    def start(self) -> None:
        for server in (self.postgres, self.redis):
            if server is not None:
                server.start()

    def stop(self) -> None:
        for server in (self.redis, self.postgres):
            if server is not None:
                server.stop()

    def are_ready(self) -> bool:
        return all(s.is_ready() for s in (self.postgres, self.redis) if s is not None)

    def fill_in(self) -> Settings:
        """The settings with the URLs of these servers and the data folder's own secret."""
        given: dict[str, object] = {}
        if self.postgres is not None:
            given["database_url"] = SecretStr(self.postgres.app_url)
            given["migrate_database_url"] = SecretStr(self.postgres.owner_url)
        if self.redis is not None:
            given["redis_url"] = SecretStr(self.redis.url)
        if self.settings.secret_key is None:
            given["secret_key"] = SecretStr(keep_secret(self.settings.data_dir / "secret_key"))
        return self.settings.model_copy(update=given)


def embedded(settings: Settings) -> dict[str, bool]:
    """Which of the servers behind the settings' URLs are those of this data folder."""
    urls = {"postgres": settings.database_url, "redis": settings.redis_url}
    return {
        name: url is not None
        and any(
            quote(str(place)) in url.get_secret_value()
            for place in socket_places(settings.data_dir / name)
        )
        for name, url in urls.items()
    }


@contextmanager
def ensure_servers(settings: Settings) -> Iterator[Settings]:
    """Settings with every URL and the secret key filled in, and servers behind them that answer.

    Raises ConfigurationError or ServiceUnavailable.
    """
    if not needs_servers(settings):
        yield settings
        return
    claim_data_dir(settings.data_dir)
    servers = EmbeddedServers(settings)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with owner_lock(settings.data_dir) as lock:
        while not lock.acquire():
            with using_servers(settings.data_dir):
                if servers.are_ready():
                    yield servers.fill_in()
                    return
            if time.monotonic() > deadline:
                raise ServiceUnavailable(f"The database of {settings.data_dir} does not answer.")
            time.sleep(0.1)
        lock.note(f"a command uses it, process {os.getpid()}")
        with _running(servers, settings.data_dir):
            yield servers.fill_in()


@contextmanager
def _running(servers: EmbeddedServers, data_dir: Path) -> Iterator[None]:
    """Servers of our own; they stop once nobody else who came along uses them."""
    try:
        servers.start()
        with using_servers(data_dir):
            yield
        wait_for_users(data_dir)
    finally:
        servers.stop()


def needs_servers(settings: Settings) -> bool:
    """Whether imgapp has to run any server. Raises ConfigurationError if a secret is missing."""
    if settings.database_url is None or settings.redis_url is None:
        return True
    if settings.secret_key is None:
        raise ConfigurationError(
            "IMGAPP_SECRET_KEY: must be set when DATABASE_URL and REDIS_URL are "
            "(a random string of at least 32 characters)"
        )
    return False

"""Embedded servers: runs PostgreSQL and Redis on private unix sockets in the data folder."""

from imgapp.adapters.embedded.folders import claim_data_dir
from imgapp.adapters.embedded.locks import FileLock, owner_lock
from imgapp.adapters.embedded.postgres import Postgres, start_postgres
from imgapp.adapters.embedded.redis import Redis, start_redis
from imgapp.adapters.embedded.servers import (
    EmbeddedServers,
    embedded,
    ensure_servers,
    needs_servers,
)

__all__ = [
    "EmbeddedServers",
    "FileLock",
    "Postgres",
    "Redis",
    "claim_data_dir",
    "embedded",
    "ensure_servers",
    "needs_servers",
    "owner_lock",
    "start_postgres",
    "start_redis",
]

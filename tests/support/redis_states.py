"""A Redis that answers, and takes nothing: what operators meet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from tests.support.waiting import eventually


@contextmanager
def full(url: str) -> Iterator[None]:
    """More is in it than it may have, and its policy is to throw nothing away."""
    with redis.Redis.from_url(url) as client:
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", 0)


@contextmanager
def read_only(url: str) -> Iterator[None]:
    """A replica, as one is after a failover that the client has not noticed."""
    with redis.Redis.from_url(url) as client:
        client.replicaof("127.0.0.1", 1)
        try:
            yield
        finally:
            client.replicaof("NO", "ONE")


@contextmanager
def cannot_save(url: str) -> Iterator[None]:
    """Its disk takes nothing."""
    with redis.Redis.from_url(url) as client:
        folder = client.config_get("dir")["dir"]
        client.config_set("dir", "/proc")
        client.config_set("save", "3600 1")
        _save(client, "err")
        try:
            yield
        finally:
            client.config_set("dir", folder)
            client.config_set("save", "")
            _save(client, "ok")


def _save(client: redis.Redis, outcome: str) -> None:
    client.bgsave()
    eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == outcome)


STATES = {full: "full", read_only: "read-only copy", cannot_save: "cannot save to its disk"}
"""Each with a part of the sentence that says it."""

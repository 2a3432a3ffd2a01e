from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as NotReached

import imgapp.adapters
from imgapp.adapters.redis_clients import redis_client, redis_url
from imgapp.errors import QueueUnavailable


def test_a_process_has_one_client_for_each_server_and_patience(
    set_env: Callable[..., None],
) -> None:
    set_env(REDIS_URL="redis://127.0.0.1:1/0")
    first = redis_client(0.5)
    assert redis_client(0.5) is first
    assert redis_client(1.5) is not first
    assert redis_client(0.5, again=False) is not first
    set_env(REDIS_URL="redis://127.0.0.1:1/1")
    assert redis_client(0.5) is not first
    with pytest.raises(NotReached):
        redis_client(0.5).ping()


def test_without_a_url_there_is_no_queue(
    monkeypatch: pytest.MonkeyPatch, set_env: Callable[..., None]
) -> None:
    set_env(REDIS_URL=None)
    with pytest.raises(QueueUnavailable):
        redis_url()
    with pytest.raises(QueueUnavailable):
        redis_client(0.5)


def test_clients_are_made_in_one_place() -> None:
    folder = Path(imgapp.adapters.__file__).parent
    made = {
        path.name
        for path in folder.rglob("*.py")
        if re.search(r"(?<!asyncio\.)\bRedis\.from_url|redis\.Redis\(", path.read_text())
    }
    assert made == {"redis_clients.py"}

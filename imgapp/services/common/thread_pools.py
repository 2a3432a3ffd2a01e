"""Thread pools: run the synchronous services for async callers, short work apart from long I/O."""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

DB_THREADS = 8
IO_THREADS = 16
BULK_THREADS = 4
PASSWORD_THREADS = 2  # each hash takes 64 MB
PROVIDER_THREADS = 8
MODEL_THREADS = 4

_pools: dict[tuple[int, str], ThreadPoolExecutor] = {}


async def in_db(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run short database work in a thread and await its result."""
    return await _run(_pool("db", DB_THREADS), fn, *args, **kwargs)


async def in_io(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run long I/O (receiving, decoding, the store) in a thread and await its result."""
    return await _run(_pool("io", IO_THREADS), fn, *args, **kwargs)


async def in_bulk(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As `in_io`, for what comes by the thousand: nobody who uploads by hand waits behind it."""
    return await _run(_pool("bulk", BULK_THREADS), fn, *args, **kwargs)


async def in_passwords(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work that hashes a password in a thread and await its result; few at a time."""
    return await _run(_pool("passwords", PASSWORD_THREADS), fn, *args, **kwargs)


async def in_provider(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work that may ask the single sign-on provider: when it hangs, nobody else waits."""
    return await _run(_pool("provider", PROVIDER_THREADS), fn, *args, **kwargs)


async def in_models(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work that waits for a vision model, for minutes perhaps; few at a time."""
    return await _run(_pool("models", MODEL_THREADS), fn, *args, **kwargs)


async def in_metrics(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Measure in a thread and await the result: uploads do not hold it up."""
    return await _run(_pool("metrics", 1), fn, *args, **kwargs)


async def _run(
    pool: ThreadPoolExecutor, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    call = partial(contextvars.copy_context().run, fn, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(pool, call)


def _pool(name: str, threads: int) -> ThreadPoolExecutor:
    # Keyed by process: threads do not survive a fork.
    key = (os.getpid(), name)
    pool = _pools.get(key)
    if pool is None:
        made = ThreadPoolExecutor(max_workers=threads, thread_name_prefix=name)
        pool = _pools.setdefault(key, made)
    return pool


def shutdown() -> None:
    """End the threads of this process; the next call starts new ones."""
    for key in [key for key in _pools if key[0] == os.getpid()]:
        _pools.pop(key).shutdown(wait=False, cancel_futures=True)

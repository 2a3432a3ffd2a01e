"""A decoder that hangs, crashes or is taken over harms its own file only."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from imgapp.adapters.imaging import child, pool
from imgapp.adapters.imaging.pool import DecoderPool
from imgapp.errors import DamagedImage, ServiceUnavailable, TooComplex

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def make_pool() -> Iterator[Callable[..., DecoderPool]]:
    made: list[DecoderPool] = []

    def make(**options: Any) -> DecoderPool:
        made.append(DecoderPool(**options))
        return made[-1]

    yield make
    for each in made:
        each.shutdown()


@pytest.fixture
def job(picture_file: Callable[..., Path], tmp_path: Path) -> dict[str, Any]:
    source = picture_file("photo.jpg")
    return {"source": str(source), "out_dir": str(tmp_path), "max_pixels": 10**8}


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children()}


def scripted(code: str) -> tuple[str, ...]:
    """A decoder that does something else with its job."""
    return (sys.executable, "-c", f"import os, sys; sys.stdin.readline(); {code}")


def test_a_child_is_used_again(
    make_pool: Callable[..., DecoderPool], job: dict, tmp_path: Path
) -> None:
    decoders = make_pool()
    before = children()
    decoders.run(job, tmp_path)
    first = children() - before
    decoders.run(job, tmp_path)
    assert len(first) == 1
    assert children() - before == first
    decoders.shutdown()
    assert children() == before


def test_a_child_that_hangs_is_killed(
    make_pool: Callable[..., DecoderPool], tmp_path: Path
) -> None:
    before = children()
    decoders = make_pool(command=scripted("sys.stdin.read()"))
    with pytest.raises(TooComplex, match="too long"):
        decoders.run({}, tmp_path, seconds=0.3)
    assert children() == before


@pytest.mark.parametrize(
    "code",
    ["os.abort()", "os.kill(os.getpid(), 9)", "sys.exit(0)", "print('x' * 2_000_000)"],
)
def test_a_file_that_crashes_its_decoder_is_damaged(
    make_pool: Callable[..., DecoderPool], tmp_path: Path, code: str
) -> None:
    before = children()
    with pytest.raises(DamagedImage):
        make_pool(command=scripted(code)).run({}, tmp_path)
    assert children() == before


def test_a_child_that_an_earlier_file_broke_is_replaced(
    make_pool: Callable[..., DecoderPool], job: dict, tmp_path: Path
) -> None:
    decoders = make_pool()
    before = children()
    decoders.run(job, tmp_path)
    (broken,) = children() - before
    os.kill(broken, signal.SIGKILL)
    assert decoders.run(job, tmp_path)["width"] == 64


def test_an_idle_child_ends(
    make_pool: Callable[..., DecoderPool],
    job: dict,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.2)
    decoders = make_pool()
    before = children()
    decoders.run(job, tmp_path)
    (idle,) = children() - before
    psutil.Process(idle).wait(timeout=10)
    assert decoders.run(job, tmp_path)["width"] == 64


def test_a_child_ends_with_its_parent(tmp_path: Path, job: dict) -> None:
    code = (
        "import json, os, sys; from pathlib import Path; import psutil;"
        "from imgapp.adapters.imaging.pool import DecoderPool;"
        "DecoderPool().run(json.loads(sys.argv[1]), Path(sys.argv[2]));"
        "print(psutil.Process().children()[0].pid, flush=True); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, json.dumps(job), str(tmp_path)]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(output)).wait(timeout=10)


def test_processes_share_the_machines_slots(
    make_pool: Callable[..., DecoderPool],
    job: dict,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.2)
    decoders = make_pool(slots=1)
    with (tmp_path / "decoder-0.lock").open("w") as somebody_else:
        fcntl.flock(somebody_else, fcntl.LOCK_EX)
        with pytest.raises(ServiceUnavailable):
            decoders.run(job, tmp_path)
    assert decoders.run(job, tmp_path)["width"] == 64


def test_no_more_children_work_than_there_are_slots(
    make_pool: Callable[..., DecoderPool], job: dict, tmp_path: Path
) -> None:
    decoders = make_pool(slots=2)
    before = children()
    most = 0
    lock = threading.Lock()

    def run(_: int) -> int:
        nonlocal most
        width = decoders.run(job, tmp_path)["width"]
        with lock:
            most = max(most, len(children() - before))
        return int(width)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(run, range(24))) == [64] * 24
    assert most <= 2


def test_a_child_knows_no_secrets(
    make_pool: Callable[..., DecoderPool], job: dict, tmp_path: Path, set_env: Callable[..., None]
) -> None:
    set_env(DATABASE_URL="postgresql://user:hush@localhost/x", AWS_SECRET_ACCESS_KEY="hush")
    before = children()
    make_pool().run(job, tmp_path)
    (pid,) = children() - before
    assert "hush" not in str(psutil.Process(pid).environ())


def test_a_child_is_limited_and_imports_little(
    make_pool: Callable[..., DecoderPool], job: dict, tmp_path: Path
) -> None:
    before = children()
    make_pool().run(job, tmp_path)
    (pid,) = children() - before
    process = psutil.Process(pid)
    if hasattr(process, "rlimit"):
        assert process.rlimit(psutil.RLIMIT_AS) == (child.MEMORY_BYTES, child.MEMORY_BYTES)
        assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    code = "import sys, imgapp.adapters.imaging.child; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.split()
    heavy = {"sqlalchemy", "sqlmodel", "pydantic", "redis", "boto3", "reflex", "pillow_heif"}
    assert not heavy & set(modules)


def test_a_picture_that_needs_too_much_memory_is_too_complex(
    make_pool: Callable[..., DecoderPool], tmp_path: Path
) -> None:
    path = tmp_path / "interlaced.png"
    path.write_bytes(interlaced_png(30_000))
    job = {"source": str(path), "out_dir": str(tmp_path), "max_pixels": 10**9}
    with pytest.raises(TooComplex, match="memory"):
        make_pool().run(job, tmp_path)


def interlaced_png(side: int) -> bytes:
    """The start of a picture that cannot be decoded line by line: 16 bits, four channels."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 16, 6, 0, 0, 1)), (b"IDAT", bytes(999)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def test_bulk_work_waits_while_somebody_waits_for_a_slot(
    make_pool: Callable[..., DecoderPool], job: dict, tmp_path: Path
) -> None:
    """The slot is taken; bulk work comes first, then somebody: who gets it next?"""
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    slot = os.open(run_dir / "decoder-0.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(slot, fcntl.LOCK_EX)
    ended: list[str] = []

    def decode(name: str, bulk: bool) -> None:
        # Each in a pool of its own, as in a process of its own.
        make_pool(slots=1).run(job, run_dir, bulk=bulk)
        ended.append(name)

    workers = [threading.Thread(target=decode, args=("bulk", True)) for _ in range(2)]
    workers.append(threading.Thread(target=decode, args=("interactive", False)))
    for worker in workers:
        worker.start()
    waiting = os.open(run_dir / "decoder-waiting.lock", os.O_RDWR | os.O_CREAT)
    while not is_locked(waiting):
        pass
    os.close(slot)
    for worker in workers:
        worker.join()
    os.close(waiting)
    assert ended == ["interactive", "bulk", "bulk"]


def is_locked(handle: int) -> bool:
    """Whether somebody holds it for longer than one try."""
    for _ in range(20):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.001)
            continue
        fcntl.flock(handle, fcntl.LOCK_UN)
        return False
    return True

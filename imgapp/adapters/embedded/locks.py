"""Data folder locks: says who runs its servers, freed by the kernel whatever happens (flock)."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType


class FileLock:
    """An exclusive or shared lock on a file; children do not inherit it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, *, shared: bool = False, wait: bool = False) -> bool:
        """Whether the lock was taken; without `wait` the answer comes at once."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(descriptor, mode if wait else mode | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    @property
    def is_held(self) -> bool:
        return self._descriptor is not None

    def note(self, text: str) -> None:
        """Leave a word for those who find the lock taken."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text.encode(), 0)

    def read_note(self) -> str:
        """What the holder left, or what the last one did."""
        with contextlib.suppress(OSError):
            return self.path.read_text(errors="replace")
        return ""

    def release(self) -> None:
        """Free the lock if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def owner_lock(data_dir: Path) -> FileLock:
    """Held by whoever runs the servers of the data folder."""
    return FileLock(data_dir / "owner.lock")


@contextmanager
def using_servers(data_dir: Path) -> Iterator[None]:
    """Shared by everyone who uses the servers, so that a short command does not stop them early."""
    with FileLock(data_dir / "users.lock") as lock:
        lock.acquire(shared=True, wait=True)
        yield


def wait_for_users(data_dir: Path) -> None:
    """Return once nobody else uses the servers."""
    with FileLock(data_dir / "users.lock") as lock:
        lock.acquire(wait=True)

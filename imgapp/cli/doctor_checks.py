"""Doctor's checks beside the servers: waiting work, room, and the clock."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from imgapp.adapters import counters, db, reading
from imgapp.adapters.embedded import embedded
from imgapp.errors import ConfigurationError, ServiceUnavailable
from imgapp.services.operations import prometheus
from imgapp.settings import Settings

_PATIENCE_SECONDS = 60.0
"""A picture that waits for longer should have been taken by a worker."""
_LONG_SECONDS = 600.0
_NEEDED_BYTES, _SCARCE_BYTES = 500e6, 5e9
_CLOCK_SECONDS = 5.0
"""Leases last thirty: clocks that differ by more than this make people wait."""


class Doubt(str):
    """What is well enough to go on, but not as it should be."""

    __slots__ = ()


def check_worker(settings: Settings) -> str:
    """Whether somebody describes pictures."""
    living = counters.processes()
    if living["worker"]:
        return f"{_many(living['worker'], 'worker')} on all machines"
    advice = "Start `imgapp up`, or `imgapp worker`."
    if not living["web"] and all(embedded(settings).values()):
        return Doubt(f"imgapp does not run on this data folder. {advice}")
    lanes = prometheus.library().waiting.values()
    if max(lane.oldest_seconds for lane in lanes) < _PATIENCE_SECONDS:
        return Doubt(f"No worker runs, so that new pictures are not described. {advice}")
    waiting = _many(sum(lane.images for lane in lanes), "picture")
    raise ServiceUnavailable(f"No worker runs, and {waiting} wait to be described. {advice}")


def check_reading(settings: Settings) -> str:
    """Whether what is written in pictures is read."""
    if settings.reading == "off":
        return "switched off"
    if not reading.is_built_in():
        return Doubt(
            "not built in on this kind of machine: what is written in pictures is not read"
        )
    return "Latin letters, Chinese and Japanese"


def check_queue(_: Settings) -> str:
    """How many pictures wait, and for how long."""
    lanes = prometheus.library().waiting
    images = sum(lane.images for lane in lanes.values())
    if not images:
        return "nothing waits"
    oldest = max(lane.oldest_seconds for lane in lanes.values())
    said = f"{_many(images, 'picture')} waiting, the oldest for {_ago(oldest)}"
    # What is imported by the thousand may take a day.
    late = lanes["interactive"].oldest_seconds > _LONG_SECONDS
    return Doubt(f"{said}; see the worker's log") if late else said


def check_room(settings: Settings) -> str:
    """Whether the data folder can be written, and has room."""
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"imgapp")
            probe.flush()
        free = _free_bytes(folder)
    except OSError as error:
        raise ConfigurationError(
            f"IMGAPP_DATA_DIR: nothing can be written to {folder}: {error.strerror}."
        ) from None
    said = f"{free / 1e9:.1f} GB free in {folder}"
    if free < _NEEDED_BYTES:
        raise ConfigurationError(
            f"IMGAPP_DATA_DIR: only {said}: uploads will fail soon. Make room there, or set it to "
            "a folder on a larger disk."
        )
    return Doubt(f"only {said}") if free < _SCARCE_BYTES else said


def check_clock(_: Settings) -> str:
    """Whether this machine and the database agree on the time."""
    with db.transaction() as session:
        asked = time.time()
        seconds = sa.text("SELECT extract(epoch FROM clock_timestamp())")
        theirs = float(session.execute(seconds).scalar_one())
        answered = time.time()
    # Their answer was given at some moment between the two of ours.
    ahead = max(asked - theirs, 0.0) or min(answered - theirs, 0.0)
    if abs(ahead) > _CLOCK_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        raise ConfigurationError(
            f"This machine's clock is {abs(ahead):.0f} seconds {way} that of DATABASE_URL's "
            "server, so that pictures are described too late and links end at the wrong time: let "
            "both follow a time server."
        )
    return "agrees with the database's"


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}s"
    return _many(round(seconds), "second")

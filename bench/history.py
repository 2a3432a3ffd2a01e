"""History: keeps what benchmarks found, by commit, in a file of the repository (append-only).

`BENCH_RECORD=0` records nothing. By itself only a tree without changes is recorded, as nobody could
find out later what another one was; `BENCH_RECORD=1` records that too, marked `-dirty`.
"""

from __future__ import annotations

import csv
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import machine
from bench.report import Result

ROOT = Path(__file__).resolve().parents[1]
FILE = Path("bench/history.tsv")
SPEEDS = tuple(f"{task}{cores}" for task in machine.TASKS for cores in ("", "_all"))
COLUMNS = (
    *("date", "commit", "bench", "name", "ratio", "low", "high", "verdict", "measured", "detail"),
    *("cores", *SPEEDS),
)
DIRTY = "-dirty"


def recorder(root: Path = ROOT) -> Callable[[str, Result], None] | None:
    """What appends a bench's result to the history of `root`; None if this run is not recorded.

    Measures the machine once.
    """
    wanted = os.environ.get("BENCH_RECORD", "")
    revision = _revision(root)
    if wanted == "0" or revision is None:
        return None
    if revision.endswith(DIRTY) and wanted != "1":
        print("Not recorded: the tree has changes (BENCH_RECORD=1 records it).", file=sys.stderr)
        return None
    run = {"date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "commit": revision}
    speeds = {key: f"{value:.3g}" for key, value in machine.speed().items()}

    def record(bench: str, result: Result) -> None:
        append(root / FILE, {**run, "bench": bench, **_columns(result), **speeds})

    return record


def append(file: Path, row: dict[str, str]) -> None:
    """Add a row at the end, and before the first one the names of the columns."""
    with file.open("a", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, dialect="excel-tab", lineterminator="\n")
        if not out.tell():
            writer.writeheader()
        writer.writerow({key: " ".join(value.split()) for key, value in row.items()})


def rows(file: Path) -> Iterator[dict[str, str]]:
    """Of all runs, the oldest first."""
    with file.open(newline="") as lines:
        yield from csv.DictReader(lines, dialect="excel-tab")


def result_of(row: dict[str, str]) -> Result:
    """The result that a row records."""
    return Result(
        row["name"],
        float(row["ratio"]),
        row["detail"],
        high=float(row["high"] or math.inf),
        low=float(row["low"] or -math.inf),
        measured=float(row["measured"]) if row["measured"] else None,
    )


def _columns(result: Result) -> dict[str, str]:
    return {
        "name": result.name,
        "ratio": _number(result.ratio),
        "low": "" if result.low == -math.inf else _number(result.low),
        "high": "" if result.high == math.inf else _number(result.high),
        "verdict": result.verdict,
        "measured": "" if result.measured is None else _number(result.measured),
        "detail": result.detail,
    }


def _number(value: float) -> str:
    return f"{value:.4g}"


def _revision(root: Path) -> str | None:
    """The commit, marked if anything but the history was changed since; None outside of git."""

    def git(*command: str) -> Any:
        return subprocess.run(["git", *command], cwd=root, capture_output=True, text=True)

    head = git("rev-parse", "--short=12", "HEAD")
    if head.returncode:
        return None
    changes = git("status", "--porcelain", "--", ".", f":!{FILE}").stdout
    return head.stdout.strip() + (DIRTY if changes else "")

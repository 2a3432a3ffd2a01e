"""`imgapp storage`: shows what is in which store, and moves pictures between them."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from uuid import UUID

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from imgapp.adapters.storage import LOCAL
from imgapp.cli.environment import connected
from imgapp.cli.signals import STOPPED_BY_A_SIGNAL, StopRequested, stop_on_signals
from imgapp.services.accounts import registration
from imgapp.services.operations import store_migration
from imgapp.services.operations.store_migration import MigrationOutcome, MigrationReport
from imgapp.services.storage import object_removals
from imgapp.services.uploads import folder_scan
from imgapp.settings import Settings

_SECONDS_BETWEEN_LINES = 10.0

Tell = Callable[[MigrationReport], None]


def run_status() -> int:
    """Print what each store holds."""
    with connected():
        for store in store_migration.overview():
            waiting = f", {store.removals:,} places to be emptied" if store.removals else ""
            typer.echo(
                f"{_named(store.s3_bucket)}: {store.images:,} pictures, originals of "
                f"{_in_words(store.bytes)}{waiting}"
            )
    return 0


def run_move(to: str, email: str | None, *, dry_run: bool) -> int:
    """Move, report, and answer 1 if a picture could not be moved."""
    counts: Counter[MigrationOutcome] = Counter()
    stop_on_signals()
    try:
        with connected() as settings:
            bucket = store_migration.target_bucket(to)
            user_id = registration.find_user(email) if email else None
            images, size = _to_move(bucket, user_id)
            typer.echo(f"{images:,} pictures, originals of {_in_words(size)}, to {_named(bucket)}.")
            _warn(bucket, settings)
            if dry_run:
                return 0
            try:
                _move(bucket, user_id, images, counts)
            finally:
                typer.echo(_summary(counts))
            object_removals.sweep()
            _say_what_waits(bucket)
    except StopRequested:
        typer.echo("Stopped. The same command goes on from here.")
        return STOPPED_BY_A_SIGNAL
    return 1 if counts[MigrationOutcome.FAILED] else 0


def _to_move(bucket: str, user_id: UUID | None) -> tuple[int, int]:
    others = [store for store in store_migration.overview(user_id) if store.s3_bucket != bucket]
    return sum(store.images for store in others), sum(store.bytes for store in others)


def _warn(bucket: str, settings: Settings) -> None:
    if bucket == LOCAL and settings.s3_bucket is not None:
        typer.echo(
            f"New pictures still go to the bucket {settings.s3_bucket}, because IMGAPP_S3_BUCKET "
            "is set."
        )


def _move(
    bucket: str, user_id: UUID | None, images: int, counts: Counter[MigrationOutcome]
) -> None:
    with (
        _display(images, counts) as tell,
        closing(store_migration.move_all(bucket, user_id)) as reports,
    ):
        for report in reports:
            counts[report.outcome] += 1
            tell(report)


def _say_what_waits(bucket: str) -> None:
    for store in store_migration.overview():
        if store.s3_bucket != bucket and store.removals:
            typer.echo(
                f"{store.removals:,} places in {_named(store.s3_bucket)} are still to be emptied: "
                "links that were given out go on working for an hour, then a worker does it."
            )


def _summary(counts: Counter[MigrationOutcome]) -> str:
    moved, gone, failed = (counts[MigrationOutcome(one)] for one in ("moved", "gone", "failed"))
    return f"{moved:,} moved, {gone:,} gone in the meantime, {failed:,} failed."


@contextmanager
def _display(images: int, counts: Counter[MigrationOutcome]) -> Iterator[Tell]:
    yield from _bar(images) if sys.stdout.isatty() else _lines(counts)


def _bar(images: int) -> Iterator[Tell]:
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[sent]}")) as progress:
        task = progress.add_task("", total=images, sent="")
        sent = 0

        def tell(report: MigrationReport) -> None:
            nonlocal sent
            sent += report.size
            if report.detail:
                # A file's name may look like rich's markup.
                progress.console.print(_line(report), markup=False, highlight=False)
            progress.update(task, advance=1, sent=_in_words(sent))

        yield tell


def _lines(counts: Counter[MigrationOutcome]) -> Iterator[Tell]:
    due = time.monotonic() + _SECONDS_BETWEEN_LINES

    def tell(report: MigrationReport) -> None:
        nonlocal due
        if report.detail:
            typer.echo(_line(report))
        if time.monotonic() >= due:
            due = time.monotonic() + _SECONDS_BETWEEN_LINES
            typer.echo(f"{_summary(counts)[:-1]} so far")

    yield tell


def _line(report: MigrationReport) -> str:
    return f"{report.outcome:6} {report.image_id} {folder_scan.shown(report.detail)}"


def _named(bucket: str) -> str:
    return "this machine's disk" if bucket == LOCAL else f"the bucket {bucket}"


def _in_words(size: int) -> str:
    return f"{size / 1e9:,.2f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"

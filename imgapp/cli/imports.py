"""`imgapp import`: takes a folder into a library, with a line for each file that did not go."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from imgapp.cli.environment import connected
from imgapp.cli.signals import STOPPED_BY_A_SIGNAL, StopRequested, stop_on_signals
from imgapp.errors import InvalidRequest
from imgapp.services.accounts import registration
from imgapp.services.batches import batches
from imgapp.services.batches.schemas import BatchEdit
from imgapp.services.common import metrics
from imgapp.services.spending import budgets
from imgapp.services.uploads import folder_import, folder_scan
from imgapp.services.uploads.folder_import import FileReport, ImportOutcome
from imgapp.services.uploads.folder_scan import shown

_SECONDS_BETWEEN_LINES = 10.0
_NICENESS = 10


class Display(Protocol):
    """Where the import says how far it is."""

    def say(self, line: str) -> None: ...

    def advance(self, counts: Counter[ImportOutcome]) -> None: ...


def run(folder: Path, email: str, name: str | None, context: str | None = None) -> int:
    """Import, report, and answer 1 if a file was refused."""
    found = folder_scan.check_folder(folder)
    said = None if context is None else described(context)
    counts: Counter[ImportOutcome] = Counter()
    stop_on_signals()
    try:
        with connected():
            user_id = registration.find_user(email)
            metrics.start("command")
            # Whoever uploads by hand goes first, on the processors too.
            os.nice(_NICENESS)
            try:
                batch_id = folder_import.open_batch(user_id, found, name)
                if said is not None:
                    batches.edit_batch(user_id, batch_id, said)
                typer.echo(f"Batch {batch_id}")
                _import(user_id, found, batch_id, counts)
            finally:
                typer.echo(f"{_summary(counts)}.")
    except StopRequested:
        typer.echo("Stopped. The same command goes on from here.")
        return STOPPED_BY_A_SIGNAL
    return 1 if counts[ImportOutcome.REFUSED] else 0


def say_estimate(folder: Path, email: str) -> int:
    """Count the files and say what describing them all will probably cost."""
    found = folder_scan.check_folder(folder)
    with connected():
        said = budgets.estimate(registration.find_user(email), folder_scan.count_files(found))
    typer.echo(f"{said.pictures:,} files, described by {said.model}.")
    if said.basis is None:
        typer.echo("That costs nothing.")
        return 0
    tokens = f"{said.input_tokens:,} tokens in and {said.output_tokens:,} out"
    price = "no price is known" if said.cost is None else f"${said.cost:,.2f}"
    guess = ", a guess: nothing was described with it lately" if said.basis == "guess" else ""
    typer.echo(f"If all are new pictures: about {tokens}; {price}{guess}.")
    if not said.enough:
        typer.echo(f"This month's budget has room for about {said.fits:,} of them.")
    return 0


def described(context: str) -> BatchEdit:
    """What the pictures are for. Raises InvalidRequest if it is too long."""
    try:
        return BatchEdit(context=context)
    except ValidationError:
        raise InvalidRequest("--context: no more than 2,000 characters.") from None


def _import(user_id: UUID, folder: Path, batch_id: UUID, counts: Counter[ImportOutcome]) -> None:
    reports = folder_import.import_folder(user_id, folder, batch_id)
    with _display(folder) as display, closing(reports):
        for report in reports:
            _tell(report, counts, display)


def _tell(report: FileReport, counts: Counter[ImportOutcome], display: Display) -> None:
    if report.outcome in (ImportOutcome.SKIPPED, ImportOutcome.REFUSED):
        name = shown(report.path) + ("/" if report.is_folder else "")
        display.say(f"{report.outcome:8} {name}: {report.detail} ({report.code})")
    counts[report.outcome] += 1
    if not report.is_folder:
        display.advance(counts)


def _summary(counts: Counter[ImportOutcome]) -> str:
    return (
        f"{counts[ImportOutcome.ADDED]:,} added, {counts[ImportOutcome.THERE]:,} already there, "
        f"{counts[ImportOutcome.SKIPPED]:,} skipped, {counts[ImportOutcome.REFUSED]:,} refused"
    )


@contextmanager
def _display(folder: Path) -> Iterator[Display]:
    if not sys.stdout.isatty():
        yield ProgressLines()
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[said]}", markup=False)) as progress:
        task = progress.add_task("", total=folder_scan.count_files(folder), said="")
        yield ProgressBar(progress, task)


class ProgressLines:
    """For files and pipes: a line now and then."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _SECONDS_BETWEEN_LINES

    def say(self, line: str) -> None:
        print(line, flush=True)

    def advance(self, counts: Counter[ImportOutcome]) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SECONDS_BETWEEN_LINES
            self.say(f"{_summary(counts)} so far")


class ProgressBar:
    """For terminals: a bar below what is said."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def say(self, line: str) -> None:
        # A file's name may look like rich's markup.
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def advance(self, counts: Counter[ImportOutcome]) -> None:
        self._progress.update(self._task, advance=1, said=_summary(counts))

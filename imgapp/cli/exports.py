"""`imgapp export`: writes the texts of a person's pictures as CSV or JSON."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TextIO

from imgapp.cli.environment import connected
from imgapp.cli.signals import STOPPED_BY_A_SIGNAL, StopRequested, stop_on_signals
from imgapp.errors import InvalidRequest
from imgapp.models import TextState
from imgapp.services.accounts import registration
from imgapp.services.common.csv_files import write_csv
from imgapp.services.library import text_export
from imgapp.services.library.text_export import FIELDS, ExportedImage

STDOUT = "-"


class TextFormat(StrEnum):
    CSV = "csv"
    JSON = "json"


def run(
    email: str, form: TextFormat, out: str, language: str | None, state: TextState | None
) -> int:
    """Write the export; the file is there whole or not at all."""
    stop_on_signals()
    try:
        with connected():
            user_id = registration.find_user(email)
            with _destination(out) as file:
                count = _WRITERS[form](text_export.export_images(user_id, language, state), file)
    except StopRequested:
        return STOPPED_BY_A_SIGNAL
    if out != STDOUT:
        print(f"Exported {count:,} picture{'' if count == 1 else 's'} to {out}.")
    return 0


def _write_csv(images: Iterator[ExportedImage], file: TextIO) -> int:
    return write_csv(file, FIELDS, (image.model_dump(mode="json").values() for image in images))


def _write_json(images: Iterator[ExportedImage], file: TextIO) -> int:
    """One array, a picture on each line."""
    count = 0
    file.write("[")
    for image in images:
        line = json.dumps(image.model_dump(mode="json"), ensure_ascii=False)
        file.write(f"{',' if count else ''}\n{line}")
        count += 1
    file.write("\n]\n")
    return count


_WRITERS: dict[TextFormat, Callable[[Iterator[ExportedImage], TextIO], int]] = {
    TextFormat.CSV: _write_csv,
    TextFormat.JSON: _write_json,
}


@contextmanager
def _destination(out: str) -> Iterator[TextIO]:
    """Where to write. Raises InvalidRequest with what the system said against it."""
    path = Path(out).expanduser()
    try:
        if out == STDOUT:
            with _as_text(sys.stdout.buffer) as file:
                yield file
        elif path.exists() and not path.is_file():
            with path.open("wb") as raw, _as_text(raw) as file:  # a pipe or a device
                yield file
        else:
            with _replacing(path.resolve()) as file:
                yield file
    except BrokenPipeError:
        # Whoever read it has enough; nothing is left to be flushed at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise InvalidRequest(f"{out} cannot be written: {error.strerror or error}.") from None


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A new file that takes the place of `path` once it is complete and on the disk."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as raw:
            with _as_text(raw) as file:
                yield file
            os.fsync(raw.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


@contextmanager
def _as_text(raw: IO[bytes]) -> Iterator[TextIO]:
    """UTF-8 whatever the locale; the bytes' own file stays open."""
    text = TextIOWrapper(raw, encoding="utf-8", newline="")
    try:
        yield text
        text.flush()
    finally:
        with suppress(OSError):
            text.detach()

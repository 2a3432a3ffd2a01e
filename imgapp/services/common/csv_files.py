"""CSV files for spreadsheets: RFC 4180, with a byte order mark, no cell a formula (CWE-1236)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

MEDIA_TYPE = "text/csv; charset=utf-8"

# Without it, spreadsheets take UTF-8 for the character set of the system that they run on.
_BYTE_ORDER_MARK = "\ufeff"
_SEPARATOR = "; "
_PIECE = 65_536

# How cells begin that spreadsheets may take for formulas (OWASP, "CSV Injection"), full-width ones
# too; and the apostrophe itself, so that whoever reads takes away exactly one.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")  # noqa: RUF001


def write_csv(file: TextIO, names: Iterable[str], rows: Iterable[Iterable[Any]]) -> int:
    """Write a whole file, a row at a time; how many rows there were below the names."""
    file.write(_BYTE_ORDER_MARK)
    writer = csv.writer(file)
    writer.writerow(names)
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007
        writer.writerow(map(_cell, row))
    return count


def csv_rows(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[bytes]:
    """The same, piece by piece."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    file.write(_BYTE_ORDER_MARK)
    writer.writerow(names)
    for row in rows:
        writer.writerow(map(_cell, row))
        if file.tell() > _PIECE:
            yield file.getvalue().encode()
            file.seek(0)
            file.truncate()
    yield file.getvalue().encode()


def csv_bytes(names: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """The same in memory."""
    file = io.StringIO(newline="")
    write_csv(file, names, rows)
    return file.getvalue().encode()


def _cell(value: Any) -> str:
    """A value as text; lists are joined, and unknown is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = _SEPARATOR.join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text

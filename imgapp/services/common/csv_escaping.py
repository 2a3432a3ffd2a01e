"""CSV cells: escape what a spreadsheet would take for a formula (CWE-1236)."""

from __future__ import annotations

from typing import Any

_SEPARATOR = "; "

# How cells begin that spreadsheets may take for formulas (OWASP, "CSV Injection"), full-width ones
# too; and the apostrophe itself, so that whoever reads takes away exactly one.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "'", "＝", "＋", "－", "＠")  # noqa: RUF001


def cell(value: Any) -> str:
    """A value as text; lists are joined, and unknown is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = _SEPARATOR.join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text

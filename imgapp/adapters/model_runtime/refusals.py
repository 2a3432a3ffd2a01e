"""Refusals: say in a sentence why llama.cpp does not take a model (log triage)."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable
from pathlib import Path

from imgapp.adapters.model_runtime.child import REFUSED

_READ_BYTES = 64_000
_LONGEST = 200
_LAST_ERROR = re.compile(r"^(?:[\d.]+ )?E\s+(.*)$")
_KNOWN = (
    (
        re.compile(r"mismatch between text model .*n_embd = (\d+)\) and mmproj \(n_embd = (\d+)"),
        "the projector is not this model's: it is for models of width {1}, this one has {0}",
    ),
    (
        re.compile(r"unknown model architecture: '([^']{1,60})'"),
        "this llama.cpp does not know models of the kind {0}",
    ),
    (
        re.compile(r"unknown projector type: (\S{1,60})"),
        "this llama.cpp does not know projectors of the kind {0}",
    ),
    (
        re.compile(
            r"corrupted or incomplete|not within the file bounds|failed to read|unexpectedly"
        ),
        "a file is damaged or not whole",
    ),
    (
        re.compile(r"bad_alloc|[Cc]annot allocate memory|failed to allocate|out of memory"),
        "there was not enough memory",
    ),
)
_BROKEN_BY_FILES = (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGFPE)


def why(code: int | None, log: Path) -> tuple[str, bool]:
    """Why a start failed, and whether it will again; `code` is None for one that took too long."""
    if code is None:
        return "it did not come up in time", False
    if code == -signal.SIGILL:
        return "this processor is too old for it (it lacks instructions such as AVX2)", True
    if code == -signal.SIGKILL:
        return "it was killed, most likely because memory ran out", False
    said = _end_of(log)
    for pattern, sentence in _KNOWN:
        if found := pattern.search(said):
            lasts = "memory" not in sentence
            return sentence.format(*found.groups()), lasts
    lasts = code == REFUSED or code in _BROKEN_BY_FILES
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return _last_error(said.splitlines()) or f"it ended with {how}", lasts


def _end_of(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _READ_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _last_error(lines: Iterable[str]) -> str:
    """What it called an error first: those after it only follow from it."""
    for line in lines:
        if found := _LAST_ERROR.match(line):
            return f"it says “{found[1].strip()[:_LONGEST]}”"
    return ""

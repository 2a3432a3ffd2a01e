"""The reader process: reads model copies for `imgapp.adapters.reading`, one at a time (sandbox).

A job has the `source`; its answer `done` with the fields of `ReadText`, or `rejected`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from imgapp.adapters.imaging.child_loop import Job, limit_resources, serve
from imgapp.adapters.reading.line_finder import LineFinder
from imgapp.adapters.reading.lines import choose

MEMORY_BYTES = 2 * 1024**3
LARGEST_FILE_BYTES = 256 * 1024**2
"""The detector of languages unpacks its model into a temporary file."""
_MOST_PIXELS = 12_000_000
"""More than a model copy has, however long the picture."""


def main() -> None:
    """Read until standard input ends."""
    limit_resources(memory=MEMORY_BYTES, file_size=LARGEST_FILE_BYTES)
    _stand_back()
    serve(_answer)


def _stand_back() -> None:
    """As far as the worker does: this is a session of its own, and Linux weighs those against one
    another before processes ("autogroup", sched(7))."""
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(os.nice(0)))


@cache
def _finder() -> LineFinder:
    return LineFinder()


def _answer(job: Job) -> dict[str, Any]:
    try:
        with Image.open(job["source"]) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                return {"rejected": "TooManyPixels", "detail": "This is no model copy."}
            image = opened.convert("RGB")
    except (OSError, ValueError) as error:
        return {"rejected": "DamagedImage", "detail": str(error)}
    chosen = choose(_finder().find(image))
    language = None
    if chosen.lines:
        # A model of 80 MB, which pictures without words need not wait for.
        from imgapp.adapters.languages import language_of

        with suppress(OSError):  # no room for it
            language = language_of(" ".join(chosen.lines))
    done = {"lines": chosen.lines, "share": chosen.share, "legible": chosen.legible}
    return {"done": done | {"language": language}}


if __name__ == "__main__":
    main()

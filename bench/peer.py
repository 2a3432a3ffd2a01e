"""The peer: libvips alone making the same two renditions, with as many processes as cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from imgapp.adapters.imaging import renditions

_WORK = """
import json, sys, pyvips
from pathlib import Path
out, options = Path(sys.argv[1]), json.loads(sys.argv[2])
sides, shrink, preview_options, thumbnail_options = options
limits = {"height": sides[0], "size": "down"}
for name in sys.argv[3:]:
    stem = Path(name).stem
    if shrink == 1:
        preview = pyvips.Image.thumbnail(name, sides[0], fail_on="error", **limits)
    else:
        halved = pyvips.Image.new_from_file(
            name, shrink=shrink, access="sequential", fail_on="error"
        )
        preview = halved.thumbnail_image(sides[0], **limits)
    preview = preview.copy_memory()
    preview.webpsave(str(out / f"{stem}_preview.webp"), **preview_options)
    thumbnail = preview.thumbnail_image(sides[1], height=sides[1], size="down")
    thumbnail.webpsave(str(out / f"{stem}_thumbnail.webp"), **thumbnail_options)
"""


def seconds_for_renditions(pictures: Sequence[Path], out: Path, *, shrink: int = 1) -> float:
    """Wall-clock seconds that libvips needs for both renditions of all pictures.

    It decides how small it decodes a JPEG, unless it is told to `shrink` by 2, 4 or 8.
    """
    out.mkdir(parents=True, exist_ok=True)
    options = json.dumps(
        [
            [renditions.PREVIEW_SIDE, renditions.THUMBNAIL_SIDE],
            shrink,
            renditions.PREVIEW_OPTIONS,
            renditions.THUMBNAIL_OPTIONS,
        ]
    )
    cores = os.cpu_count() or 1
    shares = [[str(p) for p in pictures[i::cores]] for i in range(cores)]
    env = os.environ | {"VIPS_CONCURRENCY": "1"}
    started = time.perf_counter()
    jobs = [
        subprocess.Popen([sys.executable, "-c", _WORK, str(out), options, *share], env=env)
        for share in shares
        if share
    ]
    if [job for job in jobs if job.wait()]:
        raise RuntimeError("libvips failed")
    return time.perf_counter() - started

"""The peer: libvips alone making the same two renditions, with as many processes as cores."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_WORK = """
import sys, pyvips
from pathlib import Path
out = Path(sys.argv[1])
for name in sys.argv[2:]:
    preview = pyvips.Image.thumbnail(name, 1440, height=1440, size="down", fail_on="error")
    preview = preview.copy_memory()
    stem = Path(name).stem
    preview.webpsave(str(out / f"{stem}_p.webp"), Q=PREVIEW_Q, effort=EFFORT, keep="none")
    thumbnail = preview.thumbnail_image(512, height=512, size="down")
    thumbnail.webpsave(str(out / f"{stem}_t.webp"), Q=THUMBNAIL_Q, effort=EFFORT, keep="none")
"""


def seconds_for_renditions(pictures: Sequence[Path], out: Path) -> float:
    """Wall-clock seconds that libvips needs for both renditions of all pictures."""
    from imgapp.adapters.imaging import renditions

    out.mkdir(parents=True, exist_ok=True)
    code = (
        _WORK.replace("PREVIEW_Q", str(renditions.PREVIEW_QUALITY))
        .replace("THUMBNAIL_Q", str(renditions.THUMBNAIL_QUALITY))
        .replace("EFFORT", str(renditions.EFFORT))
    )
    cores = os.cpu_count() or 1
    shares = [[str(p) for p in pictures[i::cores]] for i in range(cores)]
    env = os.environ | {"VIPS_CONCURRENCY": "1"}
    started = time.perf_counter()
    jobs = [
        subprocess.Popen([sys.executable, "-c", code, str(out), *share], env=env)
        for share in shares
        if share
    ]
    if [job for job in jobs if job.wait()]:
        raise RuntimeError("libvips failed")
    return time.perf_counter() - started

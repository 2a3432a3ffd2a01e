"""The figures of the machine's own speed are measured for real."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from bench import history

# In a process of its own, as Python keeps one for each that started others.
SPEED = "import json; from bench.machine import speed; print(json.dumps(speed()))"


def test_each_task_takes_some_time_on_one_core_and_on_all() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SPEED], cwd=history.ROOT, check=True, capture_output=True
    )
    found = json.loads(done.stdout)
    assert found.pop("cores") == os.cpu_count()
    assert tuple(found) == history.SPEEDS
    assert all(seconds > 0 for seconds in found.values())

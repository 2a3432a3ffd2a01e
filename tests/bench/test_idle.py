"""Processor time of processes that come and go is counted once."""

from __future__ import annotations

import subprocess
import sys

import psutil

from bench.idle import cpu_seconds

BUSY = "import time\nwhile time.process_time() < 0.3: pass"


def test_the_time_of_a_child_that_has_ended_is_its_parents() -> None:
    own = [psutil.Process()]
    before = cpu_seconds(own)
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert cpu_seconds(own) - before >= 0.29


def test_a_process_that_is_gone_counts_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = psutil.Process(child.pid)
    child.communicate()
    assert cpu_seconds([process]) == 0

"""Cores: counts those that this process may use (affinity)."""

from __future__ import annotations

import os


def cpu_count() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

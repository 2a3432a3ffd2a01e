"""Repositories made by a test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    """`git("status")` in the test's own folder, whatever this machine has configured."""
    settings = ("user.name=test", "user.email=test@example.org", "commit.gpgsign=false")
    options = [part for setting in settings for part in ("-c", setting)]

    def run(*command: str) -> str:
        done = subprocess.run(
            ["git", *options, *command], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout

    return run

"""What is forked shares what was prepared before, and only what may be shared."""

from __future__ import annotations

import subprocess
import sys

from imgapp.adapters.frontend import ROOT, serving_environment
from tests.support.running import clean_environment

# In a process of its own: the server stops Python's collector as soon as it is imported.
_REHEARSED = """
import threading
from sqlalchemy.orm import Mapper
from imgapp import web
from imgapp.models import Image
from imgapp.services.common import metrics

serving = web.app()
web.rehearse(serving)
assert threading.active_count() == 1, threading.enumerate()
assert not web.db._engines, "a connection would be shared"
assert not metrics.HTTP_REQUESTS.collect()[0].samples, "nobody has asked anything"
assert Image.__mapper__.configured, "each process would do it again"
print("rehearsed")
"""


def test_a_rehearsal_leaves_no_thread_no_connection_and_no_request() -> None:
    env = serving_environment(clean_environment())
    env["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    env["REDIS_URL"] = "redis://127.0.0.1:1"
    env["IMGAPP_SECRET_KEY"] = "k" * 40
    done = subprocess.run(
        [sys.executable, "-c", _REHEARSED], env=env, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "rehearsed\n", done.stderr

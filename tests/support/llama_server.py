"""llama.cpp's server as people start it themselves, with a tiny model: a real process on loopback.

In a test:   with llama_server(tiny_model(tmp_path, vision=False)) as url: ...
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.tiny_model import TinyModel

_SERVER = """
import os, sys, time
import xllamacpp

model, projector, key, context, slots = sys.argv[1:]
given = xllamacpp.CommonParams()
given.model.path = model
given.mmproj.path = projector
given.hostnames = ["127.0.0.1"]
given.port = 0
given.api_keys = [key] if key else []
given.offline = True
given.ui = False
given.verbosity = 0
given.n_ctx, given.n_parallel = int(context), int(slots)
given.cache_ram_mib = 0
for processors in (given.cpuparams, given.cpuparams_batch):
    processors.n_threads, processors.poll = 1, 0
server = xllamacpp.Server(given)
print(server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
"""


@contextmanager
def llama_server(
    files: TinyModel, *, key: str = "", context: int = 8192, slots: int = 1
) -> Iterator[str]:
    """Its base URL, as clients of the chat API want it."""
    command = [sys.executable, "-c", _SERVER, str(files.model), str(files.projector or "")]
    with subprocess.Popen(
        [*command, key, str(context), str(slots)],
        # Threads that wait for work would keep both processors busy (OpenMP spins by default).
        env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            url = next((line.strip() for line in process.stdout if line.startswith("http")), "")
            assert url, "llama.cpp did not start"
            yield f"{url}/v1"
        finally:
            process.kill()

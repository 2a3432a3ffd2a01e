#!/bin/sh
# llama.cpp b11549 (xllamacpp 2026.10.11549): with as many threads as processors, other work on them slows
# it not by half but to a crawl.
#
# Expected: beside other programs that keep all processors busy, as many threads as there are processors
# are about as fast as one thread, or faster. Seen, on 2 processors: a tiny model says 100 tokens in
# 0.1 s with 1 thread and in 10 s or more with 2, and a model of 330 MB 10.5 tokens a second with 1 and
# 1.2 with 2. Its threads wait for each other at every step, and wait without rest, so that each step
# takes as long as the scheduler keeps one of them waiting. `poll` 0 changes nothing of it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check xllamacpp==2026.10.11549 gguf==0.19.0 numpy==2.4.6
cp "$here/../tests/support/tiny_model.py" .
cat >look.py <<'END'
import os
import subprocess
import sys
import time
from pathlib import Path

import xllamacpp
from tiny_model import tiny_model

ASKED = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 100, "ignore_eos": True}
processors = os.cpu_count() or 1
model = tiny_model(Path("."), vision=False).model
others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * processors)]
seen = {}
try:
    for threads in (1, max(2, processors)):
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.n_ctx, params.verbosity, params.warmup = 2048, 0, False
        for each in (params.cpuparams, params.cpuparams_batch):
            each.n_threads, each.poll = threads, 0
        server = xllamacpp.Server(params)
        begun = time.monotonic()
        server.handle_chat_completions(ASKED)
        seen[threads] = round(time.monotonic() - begun, 2)
finally:
    for other in others:
        other.kill()
print(seen)
sys.exit(not max(seen.values()) > 10 * seen[1])
END
if venv/bin/python look.py; then
    echo "still so"
else
    echo "mended, or something else"
    exit 1
fi

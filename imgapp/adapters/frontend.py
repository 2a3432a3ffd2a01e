"""The front end: builds the page once with Reflex's exporter, again when an input changes."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from subprocess import PIPE

from imgapp.adapters.processes import spawn
from imgapp.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
_WEB = ROOT / ".web"
_STAMP = _WEB / "imgapp-build"
CLIENT = _WEB / "build" / "client"
"""The files of the built page, all of them served."""
INDEX = CLIENT / "index.html"
_EXPORT = ["-m", "reflex", "export", "--frontend-only", "--no-zip", "--env", "prod"]
_INPUTS = ("imgapp", "assets", "rxconfig.py", "requirements.txt")
# Links that Reflex puts there while it builds.
_IGNORED = {"__pycache__", "external"}

# Internal to Reflex: its web processes serve what was built and never compile. Several that
# compile at the same time delete each other's files.
_SERVE_WITHOUT_COMPILING = {
    "__REFLEX_SKIP_COMPILE": "true",
    "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
}


def serving_environment(base: Mapping[str, str]) -> dict[str, str]:
    """The environment of a web process: production, serving the built page."""
    return {**base, "REFLEX_ENV_MODE": "prod", **_SERVE_WITHOUT_COMPILING}


def is_built() -> bool:
    """Whether the page is there and made from the inputs as they are now."""
    return INDEX.exists() and _STAMP.exists() and _STAMP.read_text() == _hash_of_inputs()


def ensure_built(say: Callable[[str], None]) -> None:
    """Build the page if it is missing or out of date. Raises ConfigurationError."""
    if is_built():
        return
    first = not (_WEB / "node_modules").exists()
    say(
        "Building the page: the first time installs npm packages and takes about a minute."
        if first
        else "Building the page again, because something it is made from changed."
    )
    wanted = _hash_of_inputs()
    _STAMP.unlink(missing_ok=True)
    # Reflex copies assets whose time is newer, and removes none.
    shutil.rmtree(_WEB / "public", ignore_errors=True)
    _export(say)
    _STAMP.write_text(wanted)
    say("The page is built.")


def inline_scripts() -> dict[str, list[str]]:
    """The hashes (`sha256-…`, CSP level 3) of the inline scripts of each built page, by its path.

    `*` is the page that answers for all other paths. Empty if nothing is built.
    """
    pages = {f"/{page.parent.relative_to(CLIENT)}": page for page in CLIENT.glob("*/index.html")}
    pages |= {"/": INDEX, "*": CLIENT / "404.html"}
    return {path: _script_hashes(page) for path, page in pages.items() if page.exists()}


def _script_hashes(page: Path) -> list[str]:
    scripts = re.findall(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", page.read_bytes(), re.S)
    digests = (base64.b64encode(hashlib.sha256(script).digest()) for script in scripts)
    return sorted({f"sha256-{digest.decode()}" for digest in digests})


def _export(say: Callable[[str], None]) -> None:
    process = spawn([sys.executable, *_EXPORT], cwd=ROOT, env=_build_environment(), stdout=PIPE)
    output: list[str] = []
    reader = threading.Thread(target=_read_lines, args=(process, output))
    try:
        reader.start()
        seconds = 0
        while reader.is_alive():
            reader.join(10)
            seconds += 10
            if reader.is_alive():
                say(f"  … {seconds} s: {_progress(output)}")
        if process.wait() != 0:
            raise ConfigurationError("The page could not be built:\n" + "\n".join(output[-30:]))
    finally:
        # Node and its helpers must not go on when somebody stops the start.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read_lines(process: subprocess.Popen[bytes], output: list[str]) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            output.append(line.decode(errors="replace").rstrip())


def _progress(output: list[str]) -> str:
    """What the exporter does after the newest line that says something."""
    stages = {
        "Creating Production Build": "compressing the page",
        "100%": "installing npm packages and bundling the page",
    }
    newest = output[-1] if output else ""
    return next((stage for sign, stage in stages.items() if sign in newest), "compiling the pages")


def _build_environment() -> dict[str, str]:
    """Node from the virtualenv before any other, and npm's registry as the user configured it."""
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))
    given = {
        **os.environ,
        "PATH": path,
        "REFLEX_USE_NPM": "1",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        "PYTHONUNBUFFERED": "1",
    }
    if "NPM_CONFIG_REGISTRY" not in given:
        asked = subprocess.run(
            ["npm", "config", "get", "registry"],
            env=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.stdout.startswith("http"):
            given["NPM_CONFIG_REGISTRY"] = asked.stdout.strip()
    return given


def _hash_of_inputs() -> str:
    digest = hashlib.sha256(version("reflex").encode())
    for path in _input_files():
        digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _input_files() -> Iterator[Path]:
    for name in _INPUTS:
        place = ROOT / name
        found = [place] if place.is_file() else sorted(place.rglob("*"))
        yield from (p for p in found if p.is_file() and not _IGNORED.intersection(p.parts))


def follow_page_address(state_js: str) -> str:
    """Make Reflex's client keep the page's own port; it has the host name and scheme already.

    As it comes it keeps the port of the build under http, and drops it under https.
    """
    swaps = {
        "endpoint.hostname = frontend_hostname;": (
            "endpoint.hostname = frontend_hostname;\n    endpoint.port = window.location.port;"
        ),
        'endpoint.port = ""; // Assume websocket is on https port via load balancer.': "",
    }
    if "endpoint.port = window.location.port;" in state_js:
        return state_js
    for before, after in swaps.items():
        if before not in state_js:
            raise ConfigurationError(f"Reflex's state.js changed: it has no {before!r} any more.")
        state_js = state_js.replace(before, after)
    return state_js

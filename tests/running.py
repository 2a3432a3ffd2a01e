"""A real imgapp on this machine, started for a benchmark and ended with it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

REPO = Path(__file__).resolve().parent.parent
EMAIL, PASSWORD = "bench@example.org", "correct horse battery"


@dataclass
class App:
    """A running imgapp with one account."""

    url: str
    process: subprocess.Popen[bytes]
    data_dir: Path
    env: dict[str, str]
    token: str = ""

    def cli(self, *args: str, stdin: str = "") -> str:
        """Run an `imgapp` command against this instance; what it prints."""
        command = [sys.executable, "-m", "imgapp", *args]
        done = subprocess.run(
            command, env=self.env, cwd=REPO, input=stdin, text=True, capture_output=True, timeout=60
        )
        if done.returncode != 0:
            raise RuntimeError(f"imgapp {' '.join(args)}: {done.stderr or done.stdout}")
        return done.stdout.strip()

    def client(self, **kwargs: object) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120, **kwargs)  # type: ignore[arg-type]

    def session_cookie(self) -> dict[str, str]:
        """The cookies of a browser that signed in."""
        with httpx.Client(base_url=self.url, headers={"Origin": self.url}) as client:
            client.post("/api/sign-in", data={"email": EMAIL, "password": PASSWORD})
            return dict(client.cookies)

    def processes(self, pattern: str = "") -> list[psutil.Process]:
        """This instance's processes (all, or those whose command line matches)."""
        family = [psutil.Process(self.process.pid)]
        family += family[0].children(recursive=True)
        return [p for p in family if re.search(pattern, " ".join(_cmdline(p)))]


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def proportional_mb(processes: list[psutil.Process]) -> float:
    """Proportional set size summed, in megabytes: shared pages are counted once."""
    total = 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 1e6


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@contextmanager
def running_app(**extra: str) -> Iterator[App]:
    """Start `imgapp up` on an empty data folder, with an account, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-", ignore_cleanup_errors=True) as folder:
        # The embedded servers run as another user when this one is root.
        os.chmod(folder, 0o755)
        port = free_port()
        env = {k: v for k, v in os.environ.items() if not k.startswith(("IMGAPP_", "OPENAI_"))}
        env.pop("DATABASE_URL", None)
        env.pop("REDIS_URL", None)
        env |= {"IMGAPP_DATA_DIR": f"{folder}/data", "IMGAPP_PORT": str(port), **extra}
        log = Path(folder) / "up.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "imgapp", "up"], env=env, cwd=REPO, stdout=out, stderr=out
            )
        app = App(f"http://localhost:{port}", process, Path(folder) / "data", env)
        try:
            _wait_until_healthy(app, log)
            app.cli("user", "add", EMAIL, "--admin", "--password-stdin", stdin=PASSWORD + "\n")
            app.token = app.cli("token", "create", EMAIL, "--name", "bench")
            yield app
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_healthy(app: App, log: Path) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if app.process.poll() is not None:
            break
        try:
            if httpx.get(f"{app.url}/api/health", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"imgapp did not start:\n{log.read_text()[-3000:]}")


def wait_for_all_described(app: App, *, timeout: float = 120) -> None:
    """Wait until no picture is pending or in progress."""
    deadline = time.monotonic() + timeout
    with app.client() as client:
        while time.monotonic() < deadline:
            waiting = 0
            for status in ("pending", "in_progress"):
                page = client.get("/api/images", params={"status": status, "limit": 1}).json()
                waiting += page["total"]
            if not waiting:
                return
            time.sleep(0.25)
    raise RuntimeError("pictures are still waiting to be described")

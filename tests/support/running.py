"""A real imgapp on this machine, started for a test or a benchmark and ended with it."""

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
from typing import Any

import httpx
import psutil

from imgapp.adapters import db
from imgapp.adapters.embedded.postgres import Postgres
from imgapp.services.accounts import registration, tokens
from imgapp.settings import get_settings

REPO = Path(__file__).resolve().parents[2]
EMAIL, PASSWORD = "owner@example.org", "correct horse battery"


@dataclass
class App:
    """An imgapp on a data folder of its own, with one account, the administrator's."""

    url: str
    folder: Path
    env: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    token: str = ""

    @property
    def log(self) -> Path:
        return self.folder / "up.log"

    @property
    def database_url(self) -> str:
        """Of its database, for the application's role."""
        given = self.env.get("DATABASE_URL")
        return given or Postgres(Path(self.env["IMGAPP_DATA_DIR"]) / "postgres").app_url

    @contextmanager
    def services(self) -> Iterator[None]:
        """Within it, services that this process calls act on this app's database."""
        before = os.environ.get("DATABASE_URL")
        os.environ["DATABASE_URL"] = self.database_url
        get_settings.cache_clear()
        try:
            yield
        finally:
            os.environ.pop("DATABASE_URL")
            if before is not None:
                os.environ["DATABASE_URL"] = before
            get_settings.cache_clear()

    def add_person(self, email: str, *, is_admin: bool = False) -> None:
        """Make an account, as `imgapp user add` does in two seconds."""
        with self.services():
            registration.create_user(email, PASSWORD, is_admin=is_admin)

    def add_token(self, email: str) -> str:
        """An access token of somebody who has an account."""
        with self.services():
            return tokens.create_token(registration.find_user(email), "test").token

    def start(self) -> None:
        """Run `imgapp up` and wait until it is healthy."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "imgapp", "up"],
                env=self.env,
                cwd=REPO,
                stdout=out,
                stderr=out,
            )
        deadline = time.monotonic() + 300
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/api/health", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise RuntimeError(f"imgapp did not start:\n{self.log.read_text()[-3000:]}")

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self.process is None:
            return
        db.dispose()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def cli(self, *args: str, stdin: str = "") -> str:
        """Run an `imgapp` command on the same data folder; what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "imgapp", *args],
            env=self.env,
            cwd=REPO,
            input=stdin,
            text=True,
            capture_output=True,
            timeout=60,
        )
        if done.returncode != 0:
            raise RuntimeError(f"imgapp {' '.join(args)}: {done.stderr or done.stdout}")
        return done.stdout.strip()

    def client(self, *, token: str = "", **options: Any) -> httpx.Client:
        """An HTTP client with an access token (the first account's unless another is given)."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120, **options)

    def session_cookie(self, email: str = EMAIL) -> dict[str, str]:
        """The cookies of a browser in which the first account (or another) signed in."""
        with httpx.Client(base_url=self.url, headers={"Origin": self.url}) as client:
            client.post("/api/sign-in", data={"email": email, "password": PASSWORD})
            return dict(client.cookies)

    def processes(self, pattern: str = "") -> list[psutil.Process]:
        """This instance's processes (all, or those whose command line matches)."""
        assert self.process is not None
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


def takes_connections(port: int) -> bool:
    """Whether somebody listens on this port of loopback."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that configures imgapp."""
    ours = ("IMGAPP_", "OPENAI_", "AWS_", "DATABASE_URL", "REDIS_URL")
    return {k: v for k, v in os.environ.items() if not k.startswith(ours)}


@contextmanager
def running_app(*, account: bool = True, **extra: str) -> Iterator[App]:
    """`imgapp up` on an empty data folder, with an account unless told; ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="imgapp-up-", ignore_cleanup_errors=True) as name:
        # The embedded servers run as another user when this one is root.
        os.chmod(name, 0o755)
        port = free_port()
        env = clean_environment() | {
            "IMGAPP_DATA_DIR": f"{name}/data",
            "IMGAPP_PORT": str(port),
            # Its model servers, on loopback, are none that take one call at a time.
            "IMGAPP_VISION_AT_ONCE": "0",
            **extra,
        }
        app = App(f"http://localhost:{port}", Path(name), env)
        try:
            app.start()
            if account:
                app.add_person(EMAIL, is_admin=True)
                app.token = app.add_token(EMAIL)
            yield app
        finally:
            app.stop()


def wait_for_all_described(app: App, *, timeout: float = 120) -> None:
    """Wait until none of the first account's pictures is pending or in progress."""
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

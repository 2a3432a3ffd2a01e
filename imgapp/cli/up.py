"""`imgapp up`: everything on one machine, supervised."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from pydantic import SecretStr

from imgapp.adapters.embedded import (
    EmbeddedServers,
    FileLock,
    claim_data_dir,
    needs_servers,
    owner_lock,
)
from imgapp.adapters.frontend import ensure_built
from imgapp.adapters.processes import wait_until
from imgapp.adapters.supervisor import Supervisor, end_left_behind
from imgapp.cli.programs import (
    check_store,
    is_healthy,
    prepare,
    reachable_host,
    web_program,
    worker_program,
)
from imgapp.cli.signals import StopRequested, ignore_signals, stop_on_signals
from imgapp.errors import ConfigurationError, ServiceUnavailable
from imgapp.settings import Settings, get_settings

_PATIENCE_SECONDS = 10.0  # for a previous run that is still on its way out
_GRACE_SECONDS = 1.0  # for one that was asked to end a moment ago
_READY_SECONDS = 120.0
_RUNNING, _STOPPING = "process", "it is stopping"


def run() -> None:
    """Start everything, say when it is ready, and keep it running until told to stop."""
    stop_on_signals()
    settings = get_settings()
    try:
        needs_servers(settings)
        claim_data_dir(settings.data_dir)
        with owner_lock(settings.data_dir) as lock:
            _take(lock, settings)
            _wait_for_port(settings)
            check_store(settings, _say)
            _supervise(settings, lock)
    except StopRequested:
        _say("imgapp has stopped.")


def _supervise(settings: Settings, lock: FileLock) -> None:
    supervisor = Supervisor(_say)
    try:
        servers = EmbeddedServers(settings)
        for name, server in (("postgres", servers.postgres), ("redis", servers.redis)):
            if server is not None:
                supervisor.start(name, server)
        filled = servers.fill_in()
        has_users = prepare(filled)
        ensure_built(_say)
        if not (has_users or settings.only_this_machine or settings.first_account_token):
            token = SecretStr(secrets.token_urlsafe(24))
            filled = filled.model_copy(update={"first_account_token": token})
        supervisor.start("worker", worker_program(filled, _prefixed("worker")))
        supervisor.start("web", web_program(filled, _prefixed("web")))
        if not supervisor.watch(lambda: is_healthy(settings), _READY_SECONDS):
            raise ServiceUnavailable(
                f"imgapp did not become ready within {_READY_SECONDS:.0f} seconds."
            )
        _greet(filled, has_users)
        supervisor.watch(lambda: False)
    finally:
        ignore_signals()
        lock.note(_STOPPING)
        supervisor.stop()
        end_left_behind(settings.data_dir)


def _take(lock: FileLock, settings: Settings) -> None:
    """The data folder is ours from here on, and nothing of an earlier run is left."""
    asked = time.monotonic()

    def taken_or_hopeless() -> bool:
        waited = time.monotonic() - asked
        is_running = lock.read_note().startswith(_RUNNING)
        return lock.acquire() or (waited > _GRACE_SECONDS and is_running)

    wait_until(taken_or_hopeless, _PATIENCE_SECONDS, every=0.1)
    if not lock.is_held and not lock.acquire():
        raise ConfigurationError(
            f"imgapp is already running on {settings.data_dir}: {lock.read_note()}. "
            "Stop it first, or set IMGAPP_DATA_DIR and IMGAPP_PORT to others."
        )
    lock.note(f"{_RUNNING} {os.getpid()}, {settings.origin}")
    end_left_behind(settings.data_dir)


def _wait_for_port(settings: Settings) -> None:
    if not wait_until(lambda: _port_is_free(settings), _PATIENCE_SECONDS, every=0.2):
        raise ConfigurationError(
            f"Port {settings.port} on {settings.host} is taken by another program. "
            "Stop that one, or set IMGAPP_PORT to another number."
        )


def _port_is_free(settings: Settings) -> bool:
    """Whether nobody listens; connections of an earlier run that still time out do not count."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        # As the web server binds. Another listener may allow that, so it is asked for as well.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            _explain(error, settings)
            return False
    with socket.socket(family) as caller:
        caller.settimeout(1)
        return caller.connect_ex((reachable_host(settings), settings.port)) != 0


def _explain(error: OSError, settings: Settings) -> None:
    """Raise ConfigurationError if waiting does not help."""
    if isinstance(error, PermissionError):
        raise ConfigurationError(
            f"imgapp may not listen on port {settings.port}; set IMGAPP_PORT to 1024 or above."
        ) from None
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        raise ConfigurationError(
            f"IMGAPP_HOST: {settings.host} is no address of this machine."
        ) from None


def _greet(settings: Settings, has_users: bool) -> None:
    _say(f"imgapp is ready: {settings.origin}")
    if not has_users:
        token = settings.first_account_token
        link = f"{settings.origin}/welcome"
        if token is not None:
            link += f"?token={token.get_secret_value()}"
        _say(f"Make the first account, the administrator's, here: {link}")
    if settings.describer == "basic":
        _say(
            "Where no vision model is connected, pictures get only what can be read and measured: "
            f"connect one at {settings.origin}/models."
        )


def _prefixed(name: str) -> Callable[[str], None]:
    return lambda line: _say(f"{name:7}| {line}")


def _say(line: str) -> None:
    # Whoever read the output may be gone; the show goes on.
    with suppress(OSError, ValueError):
        print(line, flush=True)

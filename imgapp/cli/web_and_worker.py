"""`imgapp web` and `imgapp worker`: run one program alone, for several machines."""

from __future__ import annotations

from collections.abc import Callable

import typer

from imgapp.adapters.embedded import ensure_servers
from imgapp.adapters.frontend import ensure_built
from imgapp.adapters.supervisor import Program, Supervisor
from imgapp.cli.programs import check_store, prepare, web_program, worker_program
from imgapp.cli.signals import StopRequested, ignore_signals, stop_on_signals
from imgapp.settings import Settings, get_settings


def run_web() -> None:
    """Serve until told to stop."""
    check_store(get_settings(), typer.echo)
    ensure_built(typer.echo)
    _run("web", web_program)


def run_worker() -> None:
    """Work until told to stop."""
    check_store(get_settings(), typer.echo)
    _run("worker", worker_program)


def _run(name: str, program: Callable[[Settings, Callable[[str], None]], Program]) -> None:
    stop_on_signals()
    try:
        with ensure_servers(get_settings()) as settings:
            if settings.migrate_database_url is not None:
                prepare(settings)
            supervisor = Supervisor(typer.echo)
            try:
                supervisor.start(name, program(settings, typer.echo))
                supervisor.watch(lambda: False)
            finally:
                ignore_signals()
                supervisor.stop()
    except StopRequested:
        return

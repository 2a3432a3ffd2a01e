"""The command line: what to type is here, what happens is in the modules beside it.

Commands import what they need when they run: `up` stays small for as long as it supervises.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from imgapp.errors import ImgappError

app = typer.Typer(
    name="imgapp",
    help="An image library that describes itself.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
user_app = typer.Typer(help="People.", no_args_is_help=True)
token_app = typer.Typer(help="Personal access tokens.", no_args_is_help=True)
app.add_typer(user_app, name="user")
app.add_typer(token_app, name="token")


@app.command()
def up() -> None:
    """Run everything on this machine: database, Redis, worker and page."""
    from imgapp.cli.up import run

    run()


@app.command()
def web() -> None:
    """Run the page and the API."""
    from imgapp.cli.single import run_web

    run_web()


@app.command()
def worker() -> None:
    """Run a worker that describes pictures."""
    from imgapp.cli.single import run_worker

    run_worker()


@app.command()
def build() -> None:
    """Build the page if it is missing or out of date; `up` does it by itself."""
    from imgapp.adapters.frontend import ensure_built

    ensure_built(typer.echo)


@app.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="A revision, head, -1 or base.")] = "head",
) -> None:
    """Bring the database to the newest form, or to a given revision."""
    from imgapp.cli.people import run_migration

    run_migration(revision)


@app.command(hidden=True)
def prepare() -> None:
    """Migrate, and say on stdout whether anybody has an account: what `up` needs to know."""
    from imgapp.cli.people import run_preparation

    run_preparation()


@app.command()
def doctor() -> None:
    """Check every dependency, one line each."""
    from imgapp.cli.doctor import run

    raise typer.Exit(run())


@user_app.command("add")
def user_add(
    email: str,
    admin: Annotated[bool, typer.Option("--admin", help="Make an administrator.")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Make an account."""
    from imgapp.cli.people import add_user

    add_user(email, is_admin=admin, password_from_stdin=password_stdin)


@token_app.command("create")
def token_create(
    email: str, name: Annotated[str, typer.Option("--name", help="What the token is for.")]
) -> None:
    """Make a token that may read and write, and print it."""
    from imgapp.cli.people import create_token

    create_token(email, name)


def main() -> None:
    """Run a command; what imgapp raises on purpose becomes a sentence and exit code 1."""
    try:
        app(prog_name="imgapp")
    except ImgappError as error:
        print(f"imgapp: {error.detail}", file=sys.stderr)
        sys.exit(1)

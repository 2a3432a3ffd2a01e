"""The command line: what to type is here, what happens is in the modules beside it.

Commands import what they need when they run: `up` stays small for as long as it supervises.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from imgapp import __version__
from imgapp.cli.models import model_app
from imgapp.errors import ImgappError

ExportFormat = Literal["csv", "json"]
TextStateName = Literal["draft", "approved", "returned"]
StoreKind = Literal["s3", "disk"]

app = typer.Typer(
    name="imgapp",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
user_app = typer.Typer(help="People.", no_args_is_help=True)
token_app = typer.Typer(help="Personal access tokens.", no_args_is_help=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"imgapp {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """An image library that describes itself."""


app.add_typer(user_app, name="user")
app.add_typer(token_app, name="token")
storage_app = typer.Typer(help="Where pictures are kept.", no_args_is_help=True)
app.add_typer(storage_app, name="storage")
app.add_typer(model_app, name="model")


@app.command()
def up() -> None:
    """Run everything on this machine: database, Redis, worker and page."""
    from imgapp.cli.up import run

    run()


@app.command()
def web() -> None:
    """Run the page and the API."""
    from imgapp.cli.web_and_worker import run_web

    run_web()


@app.command()
def worker() -> None:
    """Run a worker that describes pictures."""
    from imgapp.cli.web_and_worker import run_worker

    run_worker()


@app.command()
def build() -> None:
    """Build the page if it is missing or out of date; `up` does it by itself."""
    from imgapp.adapters.frontend import ensure_built

    ensure_built(typer.echo)


@app.command()
def migrate() -> None:
    """Bring the database to the newest form."""
    from imgapp.cli.accounts import run_migration

    run_migration()


@app.command(hidden=True)
def prepare() -> None:
    """Migrate, and say on stdout whether anybody has an account: what `up` needs to know."""
    from imgapp.cli.accounts import run_preparation

    run_preparation()


@app.command("check-store", hidden=True)
def check_store() -> None:
    """Say on stdout what is wrong with the store: what a start needs to know."""
    from imgapp.cli.store_checks import run_store_check

    run_store_check()


@app.command()
def doctor() -> None:
    """Check every dependency, one line each."""
    from imgapp.cli.doctor import run

    raise typer.Exit(run())


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder, with all below it.")],
    user: Annotated[str, typer.Option("--user", metavar="EMAIL", help="Whose pictures they are.")],
    name: Annotated[
        str | None, typer.Option("--name", help="What its batch is called; else as the folder.")
    ] = None,
    context: Annotated[
        str | None, typer.Option("--context", help="What the pictures are for: the model is told.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it will probably cost, and take nothing.")
    ] = False,
) -> None:
    """Take the pictures of a folder in; what is there already is passed over.

    Says what was refused and why; then the exit code is 1. The first line is the batch's id:
    GET /api/batches/ID follows it, and the same command goes on in the same batch.
    """
    from imgapp.cli.imports import run, say_estimate

    if estimate:
        raise typer.Exit(say_estimate(folder, user))
    raise typer.Exit(run(folder, user, name, context))


@app.command()
def export(
    user: Annotated[str, typer.Option("--user", metavar="EMAIL", help="Whose pictures.")],
    form: Annotated[ExportFormat, typer.Option("--format", help="csv or json")] = "csv",
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="- is standard output.")] = "-",
    language: Annotated[
        str | None,
        typer.Option("--language", metavar="TAG", help="Texts in this language (BCP 47)."),
    ] = None,
    state: Annotated[
        TextStateName | None,
        typer.Option("--state", help="Only those; of approved ones the wording approved last."),
    ] = None,
) -> None:
    """Write texts and facts of all pictures of a person, without those in the trash.

    CSV is for spreadsheets: it begins with a byte order mark, and an apostrophe goes before every
    text that they might take for a formula, and before every text that begins with one: take one
    away to have the text as it is. JSON is for programs, and needs nothing of the kind.
    """
    from imgapp.cli.exports import TextFormat, run
    from imgapp.models import TextState

    wanted = None if state is None else TextState(state)
    raise typer.Exit(run(user, TextFormat(form), out, language, wanted))


@user_app.command("add")
def user_add(
    email: str,
    admin: Annotated[bool, typer.Option("--admin", help="Make an administrator.")] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Make an account."""
    from imgapp.cli.accounts import add_user

    add_user(email, is_admin=admin, password_from_stdin=password_stdin)


@user_app.command("list")
def user_list() -> None:
    """Print everybody: address, role, state, pictures, bytes and when they were last seen."""
    from imgapp.cli.accounts import list_users

    list_users()


@user_app.command("disable")
def user_disable(email: str) -> None:
    """Sign somebody out at once, and let nobody in with their account."""
    from imgapp.cli.accounts import change_user

    change_user(email, "disabled and signed out", disabled=True)


@user_app.command("enable")
def user_enable(email: str) -> None:
    """Let somebody in again."""
    from imgapp.cli.accounts import change_user

    change_user(email, "enabled", disabled=False)


@user_app.command("admin")
def user_admin(
    email: str,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take the role away.")] = False,
) -> None:
    """Make somebody an administrator, or no longer one."""
    from imgapp.cli.accounts import change_user

    done = "no administrator any more" if revoke else "an administrator"
    change_user(email, done, is_admin=not revoke)


@user_app.command("password")
def user_password(email: str) -> None:
    """Print a one-time password for somebody who forgot theirs; they are signed out."""
    from imgapp.cli.accounts import reset_password

    reset_password(email)


@user_app.command("delete")
def user_delete(
    email: str, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Delete somebody with all their pictures."""
    from imgapp.cli.accounts import delete_user

    delete_user(email, certain=yes)


@token_app.command("create")
def token_create(
    email: str, name: Annotated[str, typer.Option("--name", help="What the token is for.")]
) -> None:
    """Make a token that may read and write, and print it."""
    from imgapp.cli.accounts import create_token

    create_token(email, name)


@storage_app.command("status")
def storage_status() -> None:
    """Print how many pictures are in which store."""
    from imgapp.cli.storage import run_status

    raise typer.Exit(run_status())


@storage_app.command("move")
def storage_move(
    to: Annotated[StoreKind, typer.Option("--to", help="s3 (IMGAPP_S3_BUCKET) or disk")],
    user: Annotated[
        str | None, typer.Option("--user", metavar="EMAIL", help="Only this person's pictures.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how much it is.")] = False,
) -> None:
    """Move pictures from other stores into one; again, it goes on where it was.

    Each is copied, read back and compared before it counts as moved. The exit code is 1 if one
    could not be.
    """
    from imgapp.cli.storage import run_move

    raise typer.Exit(run_move(to, user, dry_run=dry_run))


def main() -> None:
    """Run a command; what imgapp raises on purpose becomes a sentence and exit code 1."""
    try:
        app(prog_name="imgapp")
    except ImgappError as error:
        print(f"imgapp: {error.detail}", file=sys.stderr)
        sys.exit(1)

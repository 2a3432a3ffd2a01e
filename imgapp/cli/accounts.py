"""`imgapp user`, `token` and `migrate`: commands about accounts and the database's schema."""

from __future__ import annotations

import getpass
import json
import sys
from typing import TYPE_CHECKING

import typer

from imgapp.cli.environment import connected
from imgapp.errors import InvalidRequest

if TYPE_CHECKING:
    from imgapp.services.accounts.administration import PersonPublic


def add_user(email: str, *, is_admin: bool, password_from_stdin: bool) -> None:
    """Make an account and say so."""
    password = _read_password(password_from_stdin)
    with connected():
        from imgapp.services.accounts import registration

        registration.create_user(email, password, is_admin=is_admin)
    typer.echo(f"Added {email}{' as an administrator' if is_admin else ''}.")


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidRequest("There is no terminal to ask for a password: use --password-stdin.")
    password = getpass.getpass("Password: ")
    if getpass.getpass("The same again: ") != password:
        raise InvalidRequest("The two passwords differ.")
    return password


def create_token(email: str, name: str) -> None:
    """Make a token and print nothing but the token."""
    with connected():
        from imgapp.services.accounts import registration, tokens

        token = tokens.create_token(registration.find_user(email), name)
    typer.echo(token.token)


def run_migration() -> None:
    """Make the schema, or bring it to the newest revision, and print which that is."""
    with connected(migrated=False) as settings:
        from imgapp.adapters import db, migrations

        db.migrate()
        revision = migrations.check(db.owner_url(settings))
    typer.echo(f"The database is at revision {revision}.")


def run_preparation() -> None:
    """Migrate, and print a JSON object with `has_users`."""
    with connected():
        from imgapp.services.accounts import registration

        typer.echo(json.dumps({"has_users": registration.has_users()}))


def list_users() -> None:
    """Print everybody: address, state, pictures, bytes, last seen."""
    with connected():
        from imgapp.services.accounts import administration

        operator, cursor = administration.operator(), None
        while True:
            page = administration.list_people(operator, limit=200, cursor=cursor)
            for person in page.items:
                typer.echo(_line(person))
            if (cursor := page.next_cursor) is None:
                return


def change_user(email: str, done: str, **changes: bool) -> None:
    """Disable or enable somebody, or give or take the administrator's role, and say so."""
    with connected():
        from imgapp.services.accounts import administration, registration

        edit = administration.PersonEdit(**changes)
        administration.update_person(administration.operator(), registration.find_user(email), edit)
    typer.echo(f"{email} is {done}.")


def reset_password(email: str) -> None:
    """Print a one-time password for somebody who forgot theirs, and nothing else."""
    with connected():
        from imgapp.services.accounts import administration, registration

        password = administration.reset_password(
            administration.operator(), registration.find_user(email)
        )
    typer.echo(password)


def delete_user(email: str, *, certain: bool) -> None:
    """Delete somebody with everything; asks first unless `certain`."""
    if not certain:
        if not sys.stdin.isatty():
            raise InvalidRequest("There is no terminal to ask whether you are sure: use --yes.")
        typer.confirm(f"Delete {email} and all their pictures for good?", abort=True)
    with connected():
        from imgapp.services.accounts import administration, registration

        administration.delete_person(administration.operator(), registration.find_user(email))
    typer.echo(f"Deleted {email}. The worker removes what is theirs.")


def _line(person: PersonPublic) -> str:
    state = "deleting" if person.deleting_at else "disabled" if person.disabled_at else "active"
    role = "administrator" if person.is_admin else "person"
    seen = person.last_seen_at.isoformat(timespec="minutes") if person.last_seen_at else "never"
    return f"{person.email}\t{role}\t{state}\t{person.images}\t{person.bytes}\t{seen}"

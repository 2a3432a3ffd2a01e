"""Commands about accounts, tokens and the form of the database."""

from __future__ import annotations

import getpass
import json
import sys

import typer

from imgapp.cli.environment import connected
from imgapp.errors import InvalidRequest


def add_user(email: str, *, is_admin: bool, password_from_stdin: bool) -> None:
    """Make an account and say so."""
    password = _read_password(password_from_stdin)
    with connected():
        from imgapp.services import users

        users.create_user(email, password, is_admin=is_admin)
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
        from imgapp.services import tokens, users

        token = tokens.create_token(users.find_user(email), name)
    typer.echo(token.token)


def run_migration(revision: str) -> None:
    """Migrate the database to `revision`."""
    with connected(migrated=False):
        from imgapp.adapters import db

        db.migrate(revision)
    typer.echo(f"The database is at revision {revision}.")


def run_preparation() -> None:
    """Migrate, and print a JSON object with `has_users`."""
    with connected():
        from imgapp.services import users

        typer.echo(json.dumps({"has_users": users.has_users()}))

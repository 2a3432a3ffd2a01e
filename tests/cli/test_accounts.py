"""`imgapp user …`: looking after accounts from the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from imgapp.errors import Conflict, InvalidRequest, NotFound, NotSignedIn
from imgapp.services.accounts import administration, sessions
from imgapp.services.common import audit_trail

Invoke = Callable[..., tuple[int, str]]


def sign_in(email: str, password: str) -> sessions.SignedIn:
    return sessions.sign_in(email, password, user_agent="tests", address="127.0.0.1")


def test_everybody_is_listed(invoke: Invoke, admin, alice) -> None:
    administration.update_person(
        admin.user_id, alice.user_id, administration.PersonEdit(disabled=True)
    )
    code, printed = invoke("user", "list")
    assert code == 0
    assert [line.split("\t")[:5] for line in printed.splitlines()] == [
        [admin.email, "administrator", "active", "0", "0"],
        [alice.email, "person", "disabled", "0", "0"],
    ]


def test_somebody_is_disabled_and_enabled(invoke: Invoke, admin, alice) -> None:
    assert invoke("user", "disable", alice.email) == (
        0,
        "alice@example.org is disabled and signed out.\n",
    )
    with pytest.raises(NotSignedIn):
        sign_in(alice.email, alice.password)
    invoke("user", "enable", alice.email)
    sign_in(alice.email, alice.password)


def test_the_role_is_given_and_taken(invoke: Invoke, admin, alice) -> None:
    invoke("user", "admin", alice.email)
    assert sign_in(alice.email, alice.password).viewer.is_admin
    invoke("user", "admin", alice.email, "--revoke")
    assert not sign_in(alice.email, alice.password).viewer.is_admin
    with pytest.raises(Conflict):
        invoke("user", "admin", admin.email, "--revoke")


def test_a_forgotten_password_is_replaced(invoke: Invoke, admin, alice) -> None:
    _, printed = invoke("user", "password", alice.email)
    assert sign_in(alice.email, printed.strip()).password_is_temporary


def test_deleting_asks_first(invoke: Invoke, admin, alice) -> None:
    with pytest.raises(InvalidRequest, match="--yes"):
        invoke("user", "delete", alice.email)
    assert administration.get_person(admin.user_id, alice.user_id).deleting_at is None
    assert invoke("user", "delete", alice.email, "--yes")[0] == 0
    assert administration.get_person(admin.user_id, alice.user_id).deleting_at is not None


@pytest.mark.parametrize("command", ["disable", "enable", "admin", "password"])
def test_nobody_is_not_changed(invoke: Invoke, admin, command: str) -> None:
    with pytest.raises(NotFound, match=r"nobody@example\.org"):
        invoke("user", command, "nobody@example.org")


def test_without_an_administrator_it_says_how_to_make_one(
    invoke: Invoke,
    alice,
) -> None:
    with pytest.raises(NotFound, match="--admin"):
        invoke("user", "disable", alice.email)


def test_the_trail_says_that_it_was_the_command_line(invoke: Invoke, admin, alice) -> None:
    invoke("user", "disable", alice.email)
    (event,) = audit_trail.list_events(admin.user_id).items
    assert (event.kind, event.address) == ("person_disabled", "command line")

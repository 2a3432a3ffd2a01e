"""Personal access tokens: shown once, stored hashed, over when revoked or expired."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from imgapp.adapters import db
from imgapp.errors import InvalidRequest, NotFound
from imgapp.models import AccessToken, Scope, User, new_id, now
from imgapp.services.accounts import tokens


def change(person: Any, administrator: sa.Engine, **values: Any) -> None:
    with administrator.begin() as connection:
        connection.execute(
            sa.update(AccessToken).where(AccessToken.user_id == person.user_id).values(**values)
        )


def last_used(person: Any) -> datetime | None:
    return tokens.list_tokens(person.user_id)[0].last_used_at


def test_a_token_leads_to_its_owner_and_scopes(alice) -> None:
    made = tokens.create_token(alice.user_id, " laptop ", [Scope.READ])
    viewer = tokens.viewer_of_token(made.token)
    assert viewer is not None
    assert (viewer.user_id, viewer.email) == (alice.user_id, alice.email)
    assert (viewer.scopes, viewer.session_id) == ({Scope.READ}, None)
    assert (made.name, made.scopes) == ("laptop", [Scope.READ])


def test_a_token_may_read_and_write_unless_told_otherwise(alice) -> None:
    assert tokens.create_token(alice.user_id, "n").scopes == [Scope.READ, Scope.WRITE]


def test_only_the_beginning_and_the_hash_are_stored(alice, administrator) -> None:
    made = tokens.create_token(alice.user_id, "n")
    assert made.token.startswith("imgapp_")
    assert len(made.token) == len("imgapp_") + 43
    assert made.token.startswith(made.hint)
    with administrator.connect() as connection:
        row = connection.execute(sa.select(sa.func.row_to_json(sa.text("tokens"))).select_from(
            sa.text("tokens"))).scalar_one()  # fmt: skip
    assert made.token not in str(row)
    assert len(made.hint) == 11


def test_the_list_is_the_persons_own_newest_first_without_secrets(alice, mallory) -> None:
    made = [tokens.create_token(alice.user_id, name) for name in ("old", "new")]
    tokens.create_token(mallory.user_id, "hers")
    listed = tokens.list_tokens(alice.user_id)
    assert [token.name for token in listed] == ["new", "old"]
    assert not any(token.token in str(listed) for token in made)


def test_a_revoked_token_is_over(alice) -> None:
    made = tokens.create_token(alice.user_id, "n")
    tokens.revoke_token(alice.user_id, made.id)
    assert tokens.viewer_of_token(made.token) is None
    with pytest.raises(NotFound):
        tokens.revoke_token(alice.user_id, made.id)


def test_nobody_revokes_somebody_elses(alice, mallory) -> None:
    made = tokens.create_token(alice.user_id, "n")
    with pytest.raises(NotFound):
        tokens.revoke_token(mallory.user_id, made.id)
    assert tokens.viewer_of_token(made.token) is not None


def test_an_expired_token_is_over(alice, administrator) -> None:
    made = tokens.create_token(alice.user_id, "n", expires_at=now() + timedelta(hours=1))
    assert tokens.viewer_of_token(made.token) is not None
    change(alice, administrator, expires_at=now() - timedelta(seconds=1))
    assert tokens.viewer_of_token(made.token) is None


def test_a_disabled_persons_token_is_over(alice, administrator) -> None:
    made = tokens.create_token(alice.user_id, "n")
    with administrator.begin() as connection:
        connection.execute(sa.update(User).values(disabled_at=now()))
    assert tokens.viewer_of_token(made.token) is None


def test_use_is_written_down_at_most_once_a_minute(alice, administrator) -> None:
    made = tokens.create_token(alice.user_id, "n")
    assert last_used(alice) is None
    tokens.viewer_of_token(made.token)
    first = last_used(alice)
    assert first is not None
    tokens.viewer_of_token(made.token)
    assert last_used(alice) == first
    change(alice, administrator, last_used_at=now() - timedelta(minutes=2))
    tokens.viewer_of_token(made.token)
    assert (last_used(alice) or first) > first


def test_a_token_that_is_being_used_elsewhere_is_not_waited_for(alice) -> None:
    made = tokens.create_token(alice.user_id, "n")
    with db.transaction() as session:
        used = sa.text("SELECT * FROM imgapp_token(:hash)")
        session.execute(used, {"hash": tokens.hash_secret(made.token)})
        with db.transaction() as other:
            other.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
            assert other.execute(used, {"hash": tokens.hash_secret(made.token)}).one()


@pytest.mark.parametrize("token", ["", "imgapp_", "imgapp_" + "x" * 43, "x" * 43, "imgapp_\ud800"])
def test_a_made_up_token_is_nobodys(database: None, token: str) -> None:
    assert tokens.viewer_of_token(token) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "  "},
        {"name": "x" * 101},
        {"name": "a\x00b"},
        {"name": "n", "scopes": []},
        {"name": "n", "expires_at": now() - timedelta(seconds=1)},
        {"name": "n", "expires_at": datetime(2999, 1, 1)},
    ],
)
def test_a_token_that_makes_no_sense_is_refused(alice, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        tokens.create_token(alice.user_id, **wrong)
    assert tokens.list_tokens(alice.user_id) == []


def test_an_unknown_token_cannot_be_revoked(alice) -> None:
    with pytest.raises(NotFound):
        tokens.revoke_token(alice.user_id, new_id())

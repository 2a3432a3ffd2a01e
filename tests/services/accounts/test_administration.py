"""What administrators do with other people's accounts, and what is left of those who go."""

from __future__ import annotations

import base64
import itertools
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from imgapp.adapters.storage import get_store
from imgapp.errors import Conflict, InvalidRequest, NotFound, NotSignedIn, StoreUnavailable
from imgapp.models import new_id
from imgapp.services.accounts import administration, sessions, tokens
from imgapp.services.accounts.administration import PersonEdit
from imgapp.services.common.authorization import as_administrator
from imgapp.services.queue import leases
from imgapp.services.spending import budgets
from tests.support.forked import stand_still

WHERE = {"user_agent": "tests", "address": "127.0.0.1"}


def emails(page) -> list[str]:
    return [person.email for person in page.items]


def sign_in(email: str, password: str):
    return sessions.sign_in(email, password, **WHERE)


def test_an_administrator_sees_everybody_with_what_they_use(
    admin, alice, mallory, add_image
) -> None:
    add_image(alice, file_size=7)
    add_image(alice, file_size=5)
    page = administration.list_people(admin.user_id)
    assert emails(page) == [admin.email, alice.email, mallory.email]
    assert [(one.images, one.bytes) for one in page.items] == [(0, 0), (2, 12), (0, 0)]
    assert page.next_cursor is None


def test_the_list_is_paged_and_searched(admin, alice, mallory) -> None:
    first = administration.list_people(admin.user_id, limit=2)
    second = administration.list_people(admin.user_id, limit=2, cursor=first.next_cursor)
    assert emails(first) + emails(second) == [admin.email, alice.email, mallory.email]
    assert second.next_cursor is None
    assert emails(administration.list_people(admin.user_id, q=" ALI ")) == [alice.email]
    assert emails(administration.list_people(admin.user_id, q="%")) == []


@pytest.mark.parametrize("cursor", ["x", "!", "AAAA", "\ud800", "_w"])
def test_a_broken_cursor_is_refused(admin, cursor: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        administration.list_people(admin.user_id, cursor=cursor)
    assert refusal.value.code == "invalid_cursor"


def test_a_cursor_is_good_for_one_list_of_one_administrator(admin, alice, mallory) -> None:
    cursor = administration.list_people(admin.user_id, limit=1).next_cursor
    administration.update_person(admin.user_id, mallory.user_id, PersonEdit(is_admin=True))
    made_up = base64.urlsafe_b64encode(admin.email.encode()).decode().rstrip("=")
    others = budgets.list_people(admin.user_id, limit=1).next_cursor
    for user, q, wrong in (
        (mallory, None, cursor),
        (admin, "example", cursor),
        (admin, None, made_up),
        (admin, None, others),
    ):
        with pytest.raises(InvalidRequest) as refusal:
            administration.list_people(user.user_id, q=q, cursor=wrong)
        assert refusal.value.code == "invalid_cursor"
    with pytest.raises(NotFound):
        administration.list_people(alice.user_id, cursor=cursor)


CALLS = {
    "list": lambda me, them: administration.list_people(me),
    "get": administration.get_person,
    "add": lambda me, them: administration.add_person(me, "carol@example.org"),
    "update": lambda me, them: administration.update_person(me, them, PersonEdit(is_admin=True)),
    "password": administration.reset_password,
    "delete": administration.delete_person,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("target", ["alice", "mallory", "admin", "nobody"])
def test_for_everybody_else_there_is_nothing_to_administer(
    request, alice, mallory, admin, call, target: str
) -> None:
    them = new_id() if target == "nobody" else request.getfixturevalue(target).user_id
    with pytest.raises(NotFound) as refusal:
        call(mallory.user_id, them)
    assert refusal.value.detail == "Not found"
    assert len(administration.list_people(admin.user_id).items) == 3


@pytest.mark.parametrize("name", ["get", "update", "password", "delete"])
def test_a_missing_person_is_missing(admin, name: str) -> None:
    with pytest.raises(NotFound):
        CALLS[name](admin.user_id, new_id())


def test_an_added_person_gets_a_one_time_password(admin) -> None:
    added = administration.add_person(admin.user_id, " Carol@example.org ")
    assert (added.email, added.is_admin) == ("Carol@example.org", False)
    assert added.password is not None
    assert len(added.password) == 19
    assert sign_in("carol@example.org", added.password).password_is_temporary


def test_an_added_person_may_be_given_a_password_and_the_role(admin) -> None:
    given = "a password for carol"
    added = administration.add_person(admin.user_id, "carol@example.org", given, is_admin=True)
    assert (added.password, added.is_admin) == (None, True)
    assert sign_in("carol@example.org", given).viewer.is_admin


@pytest.mark.parametrize(
    ("email", "password", "code"),
    [
        ("ALICE@example.org", None, "email_taken"),
        ("carol", None, "invalid_email"),
        ("carol@example.org", "short", "weak_password"),
    ],
)
def test_a_person_who_cannot_be_added(admin, alice, email, password, code: str) -> None:
    with pytest.raises((Conflict, InvalidRequest)) as refusal:
        administration.add_person(admin.user_id, email, password)
    assert refusal.value.code == code
    assert len(administration.list_people(admin.user_id).items) == 2


def test_a_disabled_person_is_out_at_once_and_comes_back_when_enabled(admin, alice) -> None:
    cookie = sign_in(alice.email, alice.password).cookie
    token = tokens.create_token(alice.user_id, "laptop").token
    disabled = administration.update_person(admin.user_id, alice.user_id, PersonEdit(disabled=True))
    assert disabled.disabled_at is not None
    assert sessions.viewer_of_cookie(cookie) is None
    assert tokens.viewer_of_token(token) is None
    with pytest.raises(NotSignedIn):
        sign_in(alice.email, alice.password)

    enabled = administration.update_person(admin.user_id, alice.user_id, PersonEdit(disabled=False))
    assert enabled.disabled_at is None
    assert sessions.viewer_of_cookie(cookie) is None
    assert tokens.viewer_of_token(token) is not None
    sign_in(alice.email, alice.password)


@pytest.mark.parametrize("column", ["disabled_at", "deleting_at"])
def test_pictures_of_people_who_are_out_wait(
    administrator, alice, mallory, add_image, column: str
) -> None:
    waiting, due = add_image(alice), add_image(mallory)
    with administrator.begin() as connection:
        statement = sa.text(f"UPDATE users SET {column} = now() WHERE id = :id")
        connection.execute(statement, {"id": alice.user_id})
    claimed = leases.claim()
    assert claimed is not None
    assert claimed.image_id == due
    assert leases.claim() is None
    with administrator.begin() as connection:
        assert connection.execute(sa.text("SELECT imgapp_due_count('{}')")).scalar_one() == 0
        connection.execute(sa.text(f"UPDATE users SET {column} = NULL"))
    claimed = leases.claim()
    assert claimed is not None
    assert claimed.image_id == waiting


def test_the_role_is_granted_and_taken(admin, alice) -> None:
    cookie = sign_in(alice.email, alice.password).cookie
    administration.update_person(admin.user_id, alice.user_id, PersonEdit(is_admin=True))
    viewer = sessions.viewer_of_cookie(cookie)
    assert viewer is not None
    assert viewer.is_admin
    administration.update_person(alice.user_id, admin.user_id, PersonEdit(is_admin=False))
    with pytest.raises(NotFound):
        administration.list_people(admin.user_id)


LAST = {
    "disable": lambda me: administration.update_person(me, me, PersonEdit(disabled=True)),
    "revoke": lambda me: administration.update_person(me, me, PersonEdit(is_admin=False)),
    "delete": lambda me: administration.delete_person(me, me),
}


@pytest.mark.parametrize("call", LAST.values(), ids=LAST)
def test_the_last_administrator_stays(admin, make_person, call) -> None:
    gone = make_person("gone@example.org", is_admin=True)
    administration.update_person(admin.user_id, gone.user_id, PersonEdit(disabled=True))
    with pytest.raises(Conflict) as refusal:
        call(admin.user_id)
    assert refusal.value.code == "last_administrator"
    assert administration.get_person(admin.user_id, admin.user_id).is_admin


def test_two_who_take_the_role_from_each_other_leave_one(admin, make_person) -> None:
    other = make_person("other@example.org", is_admin=True)

    def take(pair) -> bool:
        try:
            administration.update_person(*pair, PersonEdit(is_admin=False))
        except (Conflict, NotFound):
            return False
        return True

    pairs = [(admin.user_id, other.user_id), (other.user_id, admin.user_id)]
    with ThreadPoolExecutor(2) as both:
        assert sum(both.map(take, pairs)) == 1


def test_whoever_loses_the_role_meanwhile_changes_nothing(admin, alice, make_person) -> None:
    other = make_person("other@example.org", is_admin=True)
    update = sa.text("SELECT imgapp_update_person(:id, true, NULL, false, NULL, NULL)")

    def late() -> None:
        with as_administrator(other.user_id) as session:
            administration.update_person(admin.user_id, other.user_id, PersonEdit(is_admin=False))
            session.execute(update, {"id": alice.user_id})

    with pytest.raises(NotFound):
        late()
    assert administration.get_person(admin.user_id, alice.user_id).disabled_at is None


def test_quotas_are_set_apart_and_taken_back(admin, alice) -> None:
    def set_quota(**fields):
        person = administration.update_person(admin.user_id, alice.user_id, PersonEdit(**fields))
        return person.quota_images, person.quota_bytes

    assert set_quota(quota_images=10) == (10, None)
    assert set_quota(quota_bytes=0) == (10, 0)
    assert set_quota(disabled=False) == (10, 0)
    assert set_quota(quota_images=None, quota_bytes=None) == (None, None)


def test_a_new_one_time_password_replaces_the_old_one_and_ends_sessions(admin, alice) -> None:
    cookie = sign_in(alice.email, alice.password).cookie
    password = administration.reset_password(admin.user_id, alice.user_id)
    assert sessions.viewer_of_cookie(cookie) is None
    with pytest.raises(NotSignedIn):
        sign_in(alice.email, alice.password)
    assert sign_in(alice.email, password).password_is_temporary


def store_files(person, image_id) -> Path:
    """The three files of a picture, in the store."""
    folder = f"users/{person.user_id}/images/{image_id}"
    for name in ("beach-house.jpg", "_thumbnail.webp", "_preview.webp"):
        path = get_store().local_path(f"{folder}/{name}")
        assert path is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return path.parents[3]


def test_a_deleted_person_goes_with_everything(administrator, admin, alice, mallory, add_image):
    folder = store_files(alice, add_image(alice))
    kept = store_files(mallory, add_image(mallory))
    cookie = sign_in(alice.email, alice.password).cookie
    administration.delete_person(admin.user_id, alice.user_id)
    assert sessions.viewer_of_cookie(cookie) is None
    assert administration.get_person(admin.user_id, alice.user_id).deleting_at is not None
    with pytest.raises(NotSignedIn):
        sign_in(alice.email, alice.password)

    assert administration.purge_deleted() == 2
    assert emails(administration.list_people(admin.user_id)) == [admin.email, mallory.email]
    assert not (folder / str(alice.user_id)).exists()
    assert (kept / str(mallory.user_id)).exists()
    with administrator.connect() as connection:
        left = connection.execute(sa.text("SELECT user_id FROM images")).scalars().all()
    assert left == [mallory.user_id]
    assert administration.purge_deleted() == 0


def test_nobody_deletes_a_person_twice(admin, alice) -> None:
    administration.delete_person(admin.user_id, alice.user_id)
    with pytest.raises(NotFound):
        administration.delete_person(admin.user_id, alice.user_id)


def test_a_person_stays_until_their_files_are_gone(
    monkeypatch, administrator, admin, alice, add_image
) -> None:
    folder = store_files(alice, add_image(alice))
    administration.delete_person(admin.user_id, alice.user_id)
    with monkeypatch.context() as broken:
        broken.setattr(type(get_store()), "delete_prefix", fail)
        assert administration.purge_deleted() == 1
    assert administration.get_person(admin.user_id, alice.user_id).deleting_at is not None
    assert administration.purge_deleted() == 0
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE store_removals SET due_at = now()"))
    assert administration.purge_deleted() == 1
    assert not (folder / str(alice.user_id)).exists()


def fail(*_: object) -> None:
    raise StoreUnavailable


def purge_and_stop_in_the_middle(stopped: Connection) -> None:
    """Stands still when the files of the fifth picture are gone."""
    store, calls = type(get_store()), itertools.count(1)
    delete_prefix = store.delete_prefix

    def delete_and_stop(self: Any, prefix: str) -> None:
        delete_prefix(self, prefix)
        if next(calls) == 5:
            stand_still(stopped)

    store.delete_prefix = delete_and_stop  # type: ignore[method-assign]
    administration.purge_deleted()


@pytest.mark.long
def test_a_purge_that_is_killed_goes_on(administrator, admin, alice, add_image, kill_in) -> None:
    folder, *_ = (store_files(alice, add_image(alice)) for _ in range(9))
    administration.delete_person(admin.user_id, alice.user_id)
    kill_in(purge_and_stop_in_the_middle)
    assert administration.get_person(admin.user_id, alice.user_id).images == 0
    assert administration.purge_deleted() == 0  # it might still be at work
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE store_removals SET due_at = now()"))
    assert administration.purge_deleted() == 1
    assert not (folder / str(alice.user_id)).exists()
    with pytest.raises(NotFound):
        administration.get_person(admin.user_id, alice.user_id)


def test_what_no_row_knows_of_goes_before_the_person(monkeypatch, admin, alice) -> None:
    folder = store_files(alice, UUID(int=1))
    administration.delete_person(admin.user_id, alice.user_id)
    with monkeypatch.context() as broken:
        broken.setattr(type(get_store()), "delete_prefix", fail)
        with pytest.raises(StoreUnavailable):
            administration.purge_deleted()
    assert administration.get_person(admin.user_id, alice.user_id).deleting_at is not None
    assert administration.purge_deleted() == 1
    assert not (folder / str(alice.user_id)).exists()


def test_the_command_line_acts_for_the_first_administrator(alice, make_person) -> None:
    with pytest.raises(NotFound, match="imgapp user add"):
        administration.operator()
    first = make_person("first@example.org", is_admin=True)
    make_person("second@example.org", is_admin=True)
    assert administration.operator() == first.user_id

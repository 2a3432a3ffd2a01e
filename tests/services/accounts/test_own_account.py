"""One's own account: password, export, deletion, and what is said about it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from imgapp.adapters import db
from imgapp.errors import Conflict, Forbidden, InvalidRequest, NotFound, NotSignedIn, RateLimited
from imgapp.models import Identity, new_id
from imgapp.services.accounts import administration, own_account, sessions, sign_in_limits
from imgapp.services.accounts.administration import PersonEdit
from tests.support.rows import add_analysis, add_image
from tests.support.webhook_rows import URL, add_webhook

NEW = "another battery staple"
WHERE = {"user_agent": "tests", "address": "127.0.0.1"}


def sign_in(person, password: str | None = None):
    return sessions.sign_in(person.email, password or person.password, **WHERE)


def change(person, current: str, new: str = NEW, keep=None) -> None:
    own_account.change_password(person.user_id, current, new, keep_session=keep)


def test_an_account_says_what_it_is_and_what_it_uses(admin, alice, set_env) -> None:
    add_image(alice.user_id, file_size=5)
    set_env(IMGAPP_QUOTA_GB="2", IMGAPP_QUOTA_IMAGES="100")
    with db.transaction(alice.user_id) as session:
        session.add(Identity(user_id=alice.user_id, issuer="https://id.example.org", subject="1"))
    account = own_account.get_account(alice.user_id)
    assert (account.email, account.is_admin, account.has_password) == (alice.email, False, True)
    assert account.linked == ["https://id.example.org"]
    assert account.usage.model_dump() == {
        "images": 1,
        "bytes": 5,
        "quota_images": 100,
        "quota_bytes": 2_000_000_000,
    }
    administration.update_person(admin.user_id, alice.user_id, PersonEdit(quota_images=7))
    usage = own_account.get_account(alice.user_id).usage
    assert (usage.quota_images, usage.quota_bytes) == (7, 2_000_000_000)


def test_an_account_that_is_gone_is_missing(database: None) -> None:
    with pytest.raises(NotFound):
        own_account.get_account(new_id())


def test_a_new_password_replaces_the_old_one_and_ends_other_sessions(alice) -> None:
    here, elsewhere = sign_in(alice), sign_in(alice)
    change(alice, alice.password, keep=here.viewer.session_id)
    assert sessions.viewer_of_cookie(here.cookie) is not None
    assert sessions.viewer_of_cookie(elsewhere.cookie) is None
    with pytest.raises(NotSignedIn):
        sign_in(alice)
    sign_in(alice, NEW)


def test_a_one_time_password_is_replaced_by_ones_own(admin, alice) -> None:
    temporary = administration.reset_password(admin.user_id, alice.user_id)
    assert own_account.get_account(alice.user_id).password_is_temporary
    change(alice, temporary)
    account = own_account.get_account(alice.user_id)
    assert not account.password_is_temporary
    assert account.password_changed_at is not None
    assert not sign_in(alice, NEW).password_is_temporary


@pytest.mark.parametrize(
    ("current", "new", "error", "code"),
    [
        ("not the password", NEW, Forbidden, "wrong_password"),
        ("", NEW, Forbidden, "wrong_password"),
        (None, "short", InvalidRequest, "weak_password"),
        (None, "alice@example.org", InvalidRequest, "weak_password"),
    ],
)
def test_a_password_that_stays_as_it_is(alice, current, new: str, error, code: str) -> None:
    elsewhere = sign_in(alice)
    with pytest.raises(error) as refusal:
        change(alice, alice.password if current is None else current, new)
    assert refusal.value.code == code
    assert sessions.viewer_of_cookie(elsewhere.cookie) is not None
    sign_in(alice)


def test_guessing_the_current_password_is_limited(alice) -> None:
    for _ in range(sign_in_limits.PER_ACCOUNT_AND_ADDRESS):
        with pytest.raises(Forbidden):
            change(alice, "a guess that is wrong")
    with pytest.raises(RateLimited):
        change(alice, alice.password)


def test_an_account_without_a_password_has_none_to_change(administrator, alice) -> None:
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE users SET password_hash = NULL"))
    with pytest.raises(Conflict) as refusal:
        change(alice, "")
    assert refusal.value.code == "no_password"


def test_an_account_is_deleted_by_typing_its_address(alice, mallory) -> None:
    cookie = sign_in(alice).cookie
    with pytest.raises(InvalidRequest) as refusal:
        own_account.delete_account(alice.user_id, mallory.email)
    assert refusal.value.code == "email_mismatch"
    assert sessions.viewer_of_cookie(cookie) is not None

    own_account.delete_account(alice.user_id, " Alice@Example.org ")
    assert sessions.viewer_of_cookie(cookie) is None
    with pytest.raises(NotSignedIn):
        sign_in(alice)
    assert administration.purge_deleted() == 1
    sign_in(mallory)


def test_the_only_administrator_cannot_go(admin, alice) -> None:
    with pytest.raises(Conflict) as refusal:
        own_account.delete_account(admin.user_id, admin.email)
    assert refusal.value.code == "last_administrator"
    sign_in(admin)


def test_an_export_has_every_picture_with_its_texts_and_nobody_elses(
    monkeypatch, alice, mallory
) -> None:
    monkeypatch.setattr(own_account, "EXPORT_STEP", 2)
    ids = [add_image(alice.user_id, filename=f"{number}.jpg").id for number in range(5)]
    add_analysis(add_image(mallory.user_id, filename="mallorys.jpg"))
    for person in (alice, mallory):
        add_webhook(person.user_id)
    head = own_account.export_account(alice.user_id)
    assert head["account"]["email"] == alice.email
    assert [(told["url"], "secret" in told) for told in head["webhooks"]] == [(URL, False)]
    exported, after = [], None
    while page := own_account.export_images(alice.user_id, after):
        assert len(page) <= 2
        exported += page
        after = page[-1]["id"]
    assert [image["id"] for image in exported] == [str(image_id) for image_id in sorted(ids)]
    assert {"alt_text", "description", "tags", "visible_text", "filename", "original"} <= set(
        exported[0]
    )
    assert not {"s3_key", "user_id", "lease_id"} & set(exported[0])

"""Webhooks of one person: made, changed, given another secret, removed."""

from __future__ import annotations

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from imgapp.adapters import db
from imgapp.errors import Conflict, NotFound, OutboundRefused
from imgapp.models import Webhook, WebhookEvent, new_id, now
from imgapp.services.webhooks import webhooks
from imgapp.services.webhooks.webhooks import (
    MOST_WEBHOOKS,
    WebhookEdit,
    create_webhook,
    delete_webhook,
    get_webhook,
    list_webhooks,
    rotate_secret,
    secrets_of,
    update_webhook,
)
from tests.conftest import Person

URL = "http://127.0.0.1:9/hook"
ALL = list(WebhookEvent)
FAILED = [WebhookEvent.ANALYSIS_FAILED]


@pytest.fixture(autouse=True)
def allowed(database: None, set_env: Callable[..., None]) -> None:
    set_env(IMGAPP_OUTBOUND_NETWORKS="127.0.0.0/8")


def secrets(person: Person, webhook: Any) -> list[str]:
    with db.transaction(person.user_id) as session:
        return secrets_of(session.get_one(Webhook, webhook.id))


def test_a_webhook_is_made_with_a_secret_that_is_shown_once(alice: Person) -> None:
    made = create_webhook(alice.user_id, URL, [*FAILED, *FAILED], name=" the\tCMS ")
    assert (made.name, made.url, made.events, made.enabled) == ("the CMS", URL, FAILED, True)
    assert len(base64.b64decode(made.secret.removeprefix("whsec_"))) == 32
    listed = list_webhooks(alice.user_id)
    assert [one.model_dump() for one in listed] == [made.model_dump(exclude={"secret"})]
    assert get_webhook(alice.user_id, made.id) == listed[0]


def test_the_secret_is_nowhere_in_the_database(alice: Person, administrator: sa.Engine) -> None:
    made = create_webhook(alice.user_id, URL, ALL)
    with administrator.connect() as connection:
        rows = connection.execute(sa.text("SELECT w::text FROM webhooks w")).scalars().all()
    assert len(rows) == 1
    assert made.secret.removeprefix("whsec_") not in rows[0]
    assert secrets(alice, made) == [made.secret]


def test_secrets_differ_by_webhook_and_by_installation(
    alice: Person, set_env: Callable[..., None]
) -> None:
    first, second = (create_webhook(alice.user_id, URL, ALL) for _ in range(2))
    assert first.secret != second.secret
    set_env(IMGAPP_SECRET_KEY="another secret, of another installation")
    assert secrets(alice, first) != [first.secret]


def test_a_new_secret_goes_beside_the_last_one_for_a_day(
    alice: Person, administrator: sa.Engine
) -> None:
    made = create_webhook(alice.user_id, URL, ALL)
    second = rotate_secret(alice.user_id, made.id)
    assert secrets(alice, made) == [second.secret, made.secret]
    until = get_webhook(alice.user_id, made.id).previous_secret_until
    assert until is not None
    assert timedelta(hours=23, minutes=59) < until - now() <= timedelta(hours=24)
    third = rotate_secret(alice.user_id, made.id)
    assert secrets(alice, made) == [third.secret, second.secret]
    with administrator.begin() as connection:
        connection.execute(
            sa.text("UPDATE webhooks SET secret_rotated_at = now() - interval '24 hours'")
        )
    assert secrets(alice, made) == [third.secret]
    assert get_webhook(alice.user_id, made.id).previous_secret_until is None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:9@example.org/", "invalid_url"),
        ("ftp://127.0.0.1/", "invalid_url"),
        ("http://[::1]:9/", "address_not_allowed"),
    ],
)
def test_an_address_that_is_not_reached_is_refused(alice: Person, url: str, code: str) -> None:
    made = create_webhook(alice.user_id, URL, ALL)
    for attempt in (
        lambda: create_webhook(alice.user_id, url, ALL),
        lambda: update_webhook(alice.user_id, made.id, WebhookEdit(url=url)),
    ):
        with pytest.raises(OutboundRefused) as refused:
            attempt()
        assert refused.value.code == code
    assert [one.url for one in list_webhooks(alice.user_id)] == [URL]


def test_nobody_has_more_than_a_few(alice: Person, mallory: Person) -> None:
    def make(_: int) -> str:
        try:
            return str(create_webhook(alice.user_id, URL, ALL).id)
        except Conflict as error:
            return error.code

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(make, range(MOST_WEBHOOKS + 3)))
    assert made.count("too_many_webhooks") == 3
    assert len(list_webhooks(alice.user_id)) == MOST_WEBHOOKS
    assert create_webhook(mallory.user_id, URL, ALL).enabled


def test_a_webhook_is_changed_bit_by_bit(alice: Person) -> None:
    made = create_webhook(alice.user_id, URL, ALL, name="one")
    changed = update_webhook(alice.user_id, made.id, WebhookEdit(events=FAILED))
    assert (changed.name, changed.events, changed.enabled) == ("one", FAILED, True)
    changed = update_webhook(alice.user_id, made.id, WebhookEdit(enabled=False, name=""))
    assert (changed.name, changed.enabled, changed.disabled_reason) == ("", False, "person")
    changed = update_webhook(alice.user_id, made.id, WebhookEdit(enabled=True, url=URL + "2"))
    assert (changed.url, changed.enabled, changed.disabled_reason) == (URL + "2", True, None)


def test_a_webhook_is_gone_once_it_is_deleted(alice: Person) -> None:
    made = create_webhook(alice.user_id, URL, ALL)
    delete_webhook(alice.user_id, made.id)
    assert list_webhooks(alice.user_id) == []
    with pytest.raises(NotFound):
        delete_webhook(alice.user_id, made.id)


def test_somebody_elses_webhook_is_a_missing_one(alice: Person, mallory: Person) -> None:
    made = create_webhook(alice.user_id, URL, ALL)
    assert list_webhooks(mallory.user_id) == []
    for webhook_id in (made.id, new_id()):
        for call in (
            lambda: get_webhook(mallory.user_id, webhook_id),  # noqa: B023
            lambda: update_webhook(mallory.user_id, webhook_id, WebhookEdit(enabled=False)),  # noqa: B023
            lambda: rotate_secret(mallory.user_id, webhook_id),  # noqa: B023
            lambda: delete_webhook(mallory.user_id, webhook_id),  # noqa: B023
        ):
            with pytest.raises(NotFound):
                call()
    assert get_webhook(alice.user_id, made.id).model_dump() == made.model_dump(exclude={"secret"})


def test_what_is_done_to_a_webhook_is_in_the_trail_without_its_path(
    alice: Person, administrator: sa.Engine
) -> None:
    made = create_webhook(alice.user_id, "http://127.0.0.1:9/secret-path", ALL)
    update_webhook(alice.user_id, made.id, WebhookEdit(events=FAILED))
    rotate_secret(alice.user_id, made.id)
    delete_webhook(alice.user_id, made.id)
    with administrator.connect() as connection:
        trail = connection.execute(
            sa.text("SELECT kind, details::text FROM audit_events ORDER BY at")
        ).all()
    assert [row.kind for row in trail] == [
        "webhook_created",
        "webhook_changed",
        "webhook_secret_changed",
        "webhook_deleted",
    ]
    assert all("127.0.0.1" in row.details and "secret-path" not in row.details for row in trail)


def test_the_limits_are_what_the_documents_say() -> None:
    assert (10, timedelta(hours=24)) == (webhooks.MOST_WEBHOOKS, webhooks.PREVIOUS_SECRET)

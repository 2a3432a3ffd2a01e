"""`/api/webhooks`: addresses of one's own programs, which are told when an analysis ends."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, ConfigDict, Field

from imgapp.api.http.auth import require_read, require_write
from imgapp.api.http.ids import parse_id
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.images import PAGE, Cursor, Limit
from imgapp.models import ImagePublic, Viewer, WebhookEvent
from imgapp.services.batches.schemas import Url
from imgapp.services.common.thread_pools import in_db, in_io
from imgapp.services.webhooks import deliveries, webhooks
from imgapp.services.webhooks.deliveries import DeliveriesPage, DeliveryPublic
from imgapp.services.webhooks.webhooks import MAX_NAME, NewWebhook, WebhookEdit, WebhookPublic

router = APIRouter(prefix="/api/webhooks", tags=["webhooks"])

Name = Annotated[str, Field(max_length=MAX_NAME, description="For people")]
Events = Annotated[list[WebhookEvent], Field(min_length=1, max_length=10)]


class WebhookCreate(BaseModel):
    """Where to send what."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    name: Name = ""
    events: Events = list(WebhookEvent)


class WebhookChange(BaseModel):
    """What is to be changed; what is left out or null stays as it is."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    name: Name | None = None
    events: Events | None = None
    enabled: bool | None = None


class WebhookData(BaseModel):
    """What an event is about. The links ask for an access token, and never expire."""

    image: ImagePublic | None = Field(None, description="Not with `ping`")
    language: str | None = Field(None, description="With `text.approved`: that of the text")


class WebhookMessage(BaseModel):
    """What a receiver gets, signed as Standard Webhooks (standardwebhooks.com) has it."""

    type: Literal["analysis.completed", "analysis.failed", "text.approved", "ping"]
    timestamp: datetime = Field(description="When it happened; the same at every attempt")
    data: WebhookData


class WebhookList(BaseModel):
    """All of them: nobody has more than fit on a page."""

    items: list[WebhookPublic]
    next_cursor: None = None


messages = APIRouter(tags=["webhooks"])
"""What is sent, for the document: nothing here is called."""


@messages.post("message", status_code=204)
def webhook_message(
    body: WebhookMessage,
    webhook_id: Annotated[str, Header(description="Of the message: the same when it comes again")],
    webhook_timestamp: Annotated[int, Header(description="Of the attempt: seconds since 1970")],
    webhook_signature: Annotated[str, Header(description="`v1,` and base64, one or two of them")],
) -> None:
    """An analysis ended, or a text was approved. Any 2xx within ten seconds says that you have it;
    it may come twice, and in another order. Everything else is tried again for 18 hours, but 410
    switches the webhook off.
    """


Reader = Annotated[Viewer, Depends(require_read)]
Writer = Annotated[Viewer, Depends(require_write)]


def webhook_id_in_path(webhook_id: str) -> UUID:
    """The id in the path; a malformed one is the id of no webhook. Raises NotFound."""
    return parse_id(webhook_id)


WebhookId = Annotated[UUID, Depends(webhook_id_in_path)]


async def known_webhook(viewer: Writer, webhook_id: WebhookId) -> UUID:
    """A webhook of the caller, before the body is looked at. Raises NotFound."""
    await in_db(webhooks.get_webhook, viewer.user_id, webhook_id)
    return webhook_id


_EXAMPLE: dict[str, Any] = {
    "url": "https://cms.example.org/hooks/imgapp",
    "name": "CMS",
    "events": ["analysis.completed"],
}


@router.get("")
async def list_webhooks(viewer: Reader) -> WebhookList:
    """The caller's webhooks, newest first, without their secrets."""
    return WebhookList(items=await in_db(webhooks.list_webhooks, viewer.user_id))


@router.post(
    "",
    status_code=201,
    responses=documented("address_not_allowed", "too_many_webhooks"),
    openapi_extra=json_body_schema(WebhookCreate, _EXAMPLE),
)
async def create_webhook(
    viewer: Writer, body: Annotated[WebhookCreate, Depends(json_body(WebhookCreate))]
) -> NewWebhook:
    """Make a webhook; nobody has more than ten. The secret, with which the receiver verifies what
    it gets (Standard Webhooks), is shown in this answer only.

    Private addresses are refused unless the operator allows them.
    """
    wanted = (viewer.user_id, body.url, body.events)
    return await in_io(webhooks.create_webhook, *wanted, name=body.name)


@router.get("/{webhook_id}", responses=documented(404))
async def read_webhook(viewer: Reader, webhook_id: WebhookId) -> WebhookPublic:
    """One webhook, without its secret."""
    return await in_db(webhooks.get_webhook, viewer.user_id, webhook_id)


@router.patch(
    "/{webhook_id}",
    responses=documented("address_not_allowed", 404),
    openapi_extra=json_body_schema(WebhookChange, {"enabled": False}),
)
async def update_webhook(
    viewer: Writer,
    webhook_id: Annotated[UUID, Depends(known_webhook)],
    body: Annotated[WebhookChange, Depends(json_body(WebhookChange))],
) -> WebhookPublic:
    """Change a webhook, or switch it off and on. Switched off, it forgets what still waits."""
    edit = WebhookEdit(**body.model_dump())
    return await in_io(webhooks.update_webhook, viewer.user_id, webhook_id, edit)


@router.delete("/{webhook_id}", status_code=204, responses=documented(404))
async def delete_webhook(viewer: Writer, webhook_id: WebhookId) -> None:
    """Remove a webhook and the list of what it was told."""
    await in_db(webhooks.delete_webhook, viewer.user_id, webhook_id)


@router.post("/{webhook_id}/rotate", responses=documented(404))
async def rotate_webhook_secret(viewer: Writer, webhook_id: WebhookId) -> NewWebhook:
    """Give a webhook another secret, shown in this answer only. For 24 hours what it gets is signed
    with the one before, too."""
    return await in_db(webhooks.rotate_secret, viewer.user_id, webhook_id)


@router.post("/{webhook_id}/ping", status_code=202, responses=documented(404, "webhook_disabled"))
async def ping_webhook(viewer: Writer, webhook_id: WebhookId) -> DeliveryPublic:
    """Send a test: an event `ping`, once. What came of it is among the deliveries."""
    return await in_db(deliveries.send_ping, viewer.user_id, webhook_id)


@router.get("/{webhook_id}/deliveries", responses=documented("invalid_cursor", 404))
async def list_webhook_deliveries(
    viewer: Reader, webhook_id: WebhookId, limit: Limit = PAGE, cursor: Cursor = None
) -> DeliveriesPage:
    """What a webhook was told and what became of it, newest first.

    Of those that are over the last thousand are kept, for 30 days.
    """
    wanted = (viewer.user_id, webhook_id)
    return await in_db(deliveries.list_deliveries, *wanted, limit=limit, cursor=cursor)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    responses=documented(404, "webhook_disabled"),
)
async def redeliver_to_webhook(
    viewer: Writer, webhook_id: WebhookId, delivery_id: str
) -> DeliveryPublic:
    """Send something again, with its id and its text as they were; one that waits goes at once."""
    wanted = (viewer.user_id, webhook_id, parse_id(delivery_id))
    return await in_db(deliveries.redeliver, *wanted)

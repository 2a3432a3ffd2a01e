"""`GET /api/health` and `GET /metrics`."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from pydantic import BaseModel

from imgapp.api.auth import current_viewer
from imgapp.api.problems import documented, problem_response
from imgapp.errors import Forbidden, ServiceUnavailable
from imgapp.services import health
from imgapp.services.pools import in_db

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """Every dependency by name."""

    status: Literal["ok"] = "ok"
    checks: dict[str, health.Outcome]


@router.get("/api/health", response_model=Health, responses=documented(503))
async def read_health(request: Request) -> Health | Response:
    """Whether the database, Redis and the picture store answer. Needs no sign-in."""
    # Shielded: the check is shared with other callers, who may still wait when this one leaves.
    checks = await asyncio.shield(asyncio.wrap_future(health.start_check()))
    failed = [name for name, outcome in checks.items() if outcome != "ok"]
    if not failed:
        return Health(checks=checks)
    return problem_response(
        request.scope,
        503,
        detail=f"Not answering: {', '.join(failed)}",
        headers={"Retry-After": "5"},
        checks=checks,
    )


@router.get("/metrics", include_in_schema=False)
async def read_metrics(request: Request) -> Response:
    """Prometheus text, for clients on this machine and for administrators with a token."""
    if not _from_this_machine(request):
        viewer = await current_viewer(request)
        if not viewer.is_admin:
            raise Forbidden(
                "Only an administrator's token, or a client on this machine, reads these"
            )
    body = await in_db(_measure)
    return Response(body, media_type=CONTENT_TYPE_LATEST)


def _from_this_machine(request: Request) -> bool:
    # Behind a proxy on this machine every caller comes from loopback, but carries these.
    if "forwarded" in request.headers or "x-forwarded-for" in request.headers:
        return False
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


_GAUGES: dict[str, tuple[str, Callable[[], int]]] = {
    "imgapp_images_due": ("Pictures that a worker could take now, up to 10,000", health.due_count),
    "imgapp_queue_permits": ("Messages that no worker has taken yet", health.pending_permits),
}


def _measure() -> bytes:
    registry = CollectorRegistry()
    for name, (explained, read) in _GAUGES.items():
        try:
            value = read()
        except ServiceUnavailable:
            continue  # a gauge that cannot be read is left out, never zero
        Gauge(name, explained, registry=registry).set(value)
    return generate_latest(registry)

"""`GET /api/health` and `GET /metrics`."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from imgapp import __version__
from imgapp.api.http.auth import current_viewer
from imgapp.api.http.problems import documented, problem_response
from imgapp.errors import Forbidden
from imgapp.services.common.thread_pools import in_metrics
from imgapp.services.operations import health, prometheus
from imgapp.settings import get_settings

router = APIRouter(tags=["health"])

_PROXIED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Behind a proxy on this machine every caller comes from loopback, but carries one of these."""


class Health(BaseModel):
    """Every dependency by name."""

    status: Literal["ok"] = "ok"
    version: Annotated[str, Field(description="Of imgapp")] = __version__
    checks: dict[str, health.Outcome]
    workers: Annotated[
        int | None,
        Field(description="Workers that live; null if that is not known. Uploads do not need any"),
    ]


@router.get("/api/health", response_model=Health, responses=documented(503))
async def read_health(request: Request) -> Health | Response:
    """Whether the database, Redis and the picture store answer. Needs no sign-in."""
    # Shielded: the check is shared with other callers, who may still wait when this one leaves.
    found = await asyncio.shield(asyncio.wrap_future(health.start_check()))
    failed = [name for name, outcome in found.checks.items() if outcome != "ok"]
    if not failed:
        return Health(checks=found.checks, workers=found.workers)
    return problem_response(
        request.scope,
        503,
        detail=f"Not answering: {', '.join(failed)}",
        headers={"Retry-After": "5"},
        version=__version__,
        checks=found.checks,
        workers=found.workers,
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
    body = await in_metrics(prometheus.read)
    return Response(body, media_type=prometheus.MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def _from_this_machine(request: Request) -> bool:
    if any(name in request.headers for name in _PROXIED):
        return False
    # A page of another site may have made a browser on this machine ask (DNS rebinding).
    own = urlsplit(get_settings().origin).hostname
    if not (_is_loopback(request.url.hostname) or request.url.hostname == own):
        return False
    return request.client is not None and _is_loopback(request.client.host)


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False

"""`GET /api/health` and `GET /metrics`."""

from __future__ import annotations

import asyncio
import hmac
from typing import Annotated, Literal

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
    """Prometheus text, for whoever has IMGAPP_METRICS_TOKEN, and for administrators.

    Where a request comes from proves nothing: behind a proxy, all of them come from its machine.
    """
    if not _has_metrics_token(request):
        viewer = await current_viewer(request)
        if not viewer.is_admin:
            raise Forbidden("Only IMGAPP_METRICS_TOKEN, or an administrator's token, reads these")
    body = await in_metrics(prometheus.read)
    return Response(body, media_type=prometheus.MEDIA_TYPE, headers={"Cache-Control": "no-store"})


def _has_metrics_token(request: Request) -> bool:
    expected = get_settings().metrics_token
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return (
        expected is not None
        and scheme.lower() == "bearer"
        and hmac.compare_digest(token.strip().encode(), expected.get_secret_value().encode())
    )

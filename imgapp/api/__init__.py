"""The REST API: every route, error answers and headers, put together."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from imgapp import __version__
from imgapp.api.docs import add_docs
from imgapp.api.http import tus_protocol
from imgapp.api.http.client_address import Sources
from imgapp.api.http.entity_tags import EntityTags
from imgapp.api.http.head_and_options import HeadAndOptions
from imgapp.api.http.middleware import BodyLimit, RequestIds, SecurityHeaders
from imgapp.api.http.openapi import DESCRIPTION, describe
from imgapp.api.http.problems import add_problem_handlers
from imgapp.api.http.rate_limit_headers import RateHeaders
from imgapp.api.http.request_metrics import RequestMetrics, Routed
from imgapp.api.http.tus_protocol import TusHeaders
from imgapp.api.routes import (
    account,
    archive,
    batches,
    bulk,
    coverage,
    direct_uploads,
    events,
    files,
    hashes,
    health,
    history,
    images,
    installation,
    login,
    models,
    people,
    preferences,
    progress,
    prompts,
    queue,
    review,
    runs,
    single_sign_on,
    spending,
    texts,
    timeline,
    tokens,
    tus,
    uploads,
    uses,
    webhooks,
)

API_PATHS = ("/api", "/metrics")
"""What the API answers; everything else is the page's."""

STREAMED = ("/api/upload", tus_protocol.PREFIX)
"""Bodies that are read piece by piece under a limit of their own, here and below."""

ROUTERS: tuple[APIRouter, ...] = (
    uploads.router,
    direct_uploads.router,
    tus.router,
    hashes.router,
    timeline.router,
    archive.router,
    bulk.router,
    images.router,
    history.router,
    texts.router,
    uses.router,
    coverage.router,
    review.router,
    runs.router,
    progress.router,
    batches.router,
    preferences.router,
    prompts.router,
    events.router,
    files.router,
    login.router,
    single_sign_on.router,
    tokens.router,
    webhooks.router,
    account.router,
    account.forms,
    people.router,
    spending.router,
    installation.router,
    models.router,
    prompts.everybodys,
    queue.router,
    health.router,
)


def create_api() -> FastAPI:
    """The API alone."""
    app = FastAPI(
        title="imgapp",
        version=__version__,
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        webhooks=webhooks.messages,
        generate_unique_id_function=_operation_id,
    )
    for router in ROUTERS:
        app.include_router(router)
    add_docs(app)
    add_problem_handlers(app)
    describe(app)
    # The last one added is the outermost.
    app.add_middleware(Routed)
    app.add_middleware(EntityTags)
    app.add_middleware(HeadAndOptions, routes=app.routes)
    app.add_middleware(TusHeaders)
    app.add_middleware(BodyLimit, streaming=STREAMED)
    app.add_middleware(RateHeaders)
    app.add_middleware(Sources)
    app.add_middleware(RequestIds)
    app.add_middleware(SecurityHeaders)
    return app


def create_site(pages: ASGIApp) -> ASGIApp:
    """The API at its paths and `pages` at all others, with the security headers on both."""
    api = create_api()
    guarded_pages = SecurityHeaders(pages)

    async def site(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and is_api_path(scope["path"])
        await (api if ours else guarded_pages)(scope, receive, send)

    return RequestMetrics(Sources(site), is_page=lambda path: not is_api_path(path))


def is_api_path(path: str) -> bool:
    """Whether the API answers for this path, if only with 404."""
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in API_PATHS)


def _operation_id(route: APIRoute) -> str:
    return route.name


__all__ = ["API_PATHS", "create_api", "create_site", "is_api_path"]

"""The docs page: Swagger UI, served from here without any outside address."""

from __future__ import annotations

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

router = APIRouter(include_in_schema=False)

_HERE = Path(__file__).parent
# Only its packaged copy of Swagger UI is used.
_SWAGGER_UI = Path(fastapi_offline.__file__).parent / "static"
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'"
)


class _CachedFiles(StaticFiles):
    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=86400"
        return response


def add_docs(app: FastAPI) -> None:
    """Serve the docs page at `/api/docs`."""
    app.include_router(router)
    app.mount("/api/docs/assets", _CachedFiles(directory=_SWAGGER_UI), name="swagger-ui")


@router.get("/api/docs")
async def docs_page(_: Request) -> Response:
    """A page to read and try the API."""
    return FileResponse(
        _HERE / "index.html",
        headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"},
    )


@router.get("/api/docs/start.js")
async def docs_script(_: Request) -> Response:
    """The docs page's own few lines."""
    return FileResponse(_HERE / "start.js", headers={"Cache-Control": "no-cache"})

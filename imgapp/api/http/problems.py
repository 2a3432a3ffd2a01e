"""Problem documents: answer every failure of the API in one place (RFC 9457)."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import Scope

from imgapp.api.http import rate_limit_headers
from imgapp.api.http.problem_codes import CODES, OF_STATUS
from imgapp.errors import ImgappError, NotSignedIn, RateLimited, ServiceUnavailable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_UNAVAILABLE = 5

_DETAILS = {
    404: "Not found",
    405: "This address does not take that method",
    413: "The request is too large",
}


class InvalidValue(BaseModel):
    """One thing that is wrong with a request."""

    detail: str
    code: str
    pointer: str | None = Field(None, description="JSON pointer into the body (RFC 6901)")
    parameter: str | None = Field(None, description="Name of a query, path or header parameter")


class Problem(BaseModel):
    """RFC 9457. `code` is stable and meant for programs, `detail` is a sentence for people."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    code: str
    errors: list[InvalidValue] | None = Field(
        None, description="With `validation_failed`: each value that was refused"
    )


def problem_response(
    scope: Scope,
    status: int,
    *,
    code: str | None = None,
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Response:
    """A problem document about the request in `scope`; `members` are added to it."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail or _DETAILS.get(status) or HTTPStatus(status).phrase,
        "instance": quote(scope["path"], errors="replace"),
        "code": code or OF_STATUS.get(status, "internal_error" if status >= 500 else "http_error"),
        **members,
    }
    # ASCII: what a client sent may hold lone surrogates, which UTF-8 cannot carry.
    body = json.dumps(document, ensure_ascii=True)
    return Response(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def documented(*answers: int | str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for OpenAPI: problem documents with these statuses and codes.

    A status stands for its usual code. What goes for all routes alike need not be named: see
    `openapi`.
    """
    codes: dict[int, list[str]] = {}
    for answer in answers:
        code = OF_STATUS[answer] if isinstance(answer, int) else answer
        named = codes.setdefault(CODES[code][0], [])
        named += [] if code in named else [code]
    return {status: _response(status, *named) for status, named in codes.items()}


def _response(status: int, *codes: str) -> dict[str, Any]:
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
    }
    said = ", ".join(f"`{code}`" for code in codes)
    return {
        "description": f"{HTTPStatus(status).phrase}: {said}",
        "content": {MEDIA_TYPE: content},
    }


def examples() -> dict[str, dict[str, Any]]:
    """A problem document of each code, for the `components` of OpenAPI."""
    return {
        code: {
            "value": {
                "type": "about:blank",
                "title": HTTPStatus(status).phrase,
                "status": status,
                "detail": said,
                "instance": "/api/…",
                "code": code,
            }
        }
        for code, (status, said) in CODES.items()
    }


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""
    app.add_exception_handler(ImgappError, _on_imgapp_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)


async def _on_imgapp_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ImgappError)
    if error.status == 500:
        raise error  # a fault of ours: logged, and answered without details
    if error.code == "origin_not_allowed" and _is_form_of_ours(request):
        # To a page that says which address imgapp has.
        return RedirectResponse("/sign-in#address", status_code=303)
    if isinstance(error, ServiceUnavailable):
        log.warning("service_unavailable", extra={"code": error.code})
    return problem_response(
        request.scope,
        error.status,
        code=error.code,
        detail=error.detail,
        headers=_headers_of(error),
    )


def _is_form_of_ours(request: Request) -> bool:
    """Whether a browser sent a form of a page that we served, by another address than our own."""
    headers = request.headers
    if "text/html" not in headers.get("accept", ""):
        return False
    same_host = urlsplit(headers.get("origin", "")).netloc == headers.get("host")
    return same_host or headers.get("sec-fetch-site") == "same-origin"


def _headers_of(error: ImgappError) -> dict[str, str]:
    if isinstance(error, NotSignedIn):
        return {"WWW-Authenticate": 'Bearer realm="imgapp"'}
    if isinstance(error, RateLimited):
        return rate_limit_headers.refusal_headers(error)
    if isinstance(error, ServiceUnavailable):
        return {"Retry-After": str(RETRY_AFTER_UNAVAILABLE)}
    return {}


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail if error.detail != HTTPStatus(error.status_code).phrase else None
    return problem_response(request.scope, error.status_code, detail=detail, headers=error.headers)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [_invalid_value(item) for item in error.errors()]
    return problem_response(
        request.scope,
        422,
        code="validation_failed",
        detail=f"{errors[0]['detail']} ({errors[0].get('pointer') or errors[0].get('parameter')})",
        errors=errors,
    )


def _invalid_value(item: Mapping[str, Any]) -> dict[str, Any]:
    where, *path = item["loc"]
    value = {"detail": str(item["msg"]).removeprefix("Value error, "), "code": item["type"]}
    if where != "body":
        return {**value, "parameter": str(path[0]) if path else str(where)}
    if item["type"] == "json_invalid":
        path = []  # FastAPI puts the position there
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return {**value, "pointer": "#" + "".join(f"/{step}" for step in steps)}

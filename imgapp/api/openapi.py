"""What the served OpenAPI document says beyond what the routes say themselves."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from imgapp.api.examples import EXAMPLES
from imgapp.api.problems import MEDIA_TYPE, Problem
from imgapp.settings import get_settings

DESCRIPTION = """\
An image library that describes itself.

Send `Authorization: Bearer TOKEN`; make a token in the page or with `imgapp token create`. Errors
are problem documents (RFC 9457, `application/problem+json`) with a stable `code`. Every answer
carries `X-Request-Id`. Lists are `{"items", "next_cursor"}`, newest first: pass `next_cursor` as
`cursor` for the next page, until it is null. `RateLimit` and `RateLimit-Policy` say how many
requests are left; beyond them the answer is 429 with `Retry-After`.
"""

PUBLIC = frozenset({"/api/health"})
"""Documented paths that need no sign-in."""

_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def describe(app: FastAPI) -> None:
    """Complete the OpenAPI document of `app`: who may call, and what errors look like."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}), Problem=problem)
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A personal access token"},
        "session": {"type": "apiKey", "in": "cookie", "name": get_settings().session_cookie},
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["security"] = [] if path in PUBLIC else [{"token": []}, {"session": []}]
            # Where FastAPI documents its own shape of a validation error, ours is sent.
            if "422" in operation["responses"]:
                operation["responses"]["422"]["content"] = _PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    return document

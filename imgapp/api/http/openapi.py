"""The OpenAPI document: adds what the routes do not say themselves."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from imgapp.api.examples import EXAMPLE_ID, EXAMPLES
from imgapp.api.http.entity_tags import TAGGED
from imgapp.api.http.image_query import ImageFilter
from imgapp.api.http.problems import MEDIA_TYPE, Problem, documented, examples
from imgapp.services.texts.review_decisions import ReviewDecision
from imgapp.settings import get_settings

DESCRIPTION = """\
An image library that describes itself.

Send `Authorization: Bearer TOKEN`; make a token in the page or with `imgapp token create`. Every
answer carries `X-Request-Id`.

**Errors** are problem documents (RFC 9457, `application/problem+json`) with a stable `code`. 422
is for what this document forbids, unknown parameters and members included; 400 for what it cannot
tell, like a cursor of another list. Somebody else's picture and a missing one look alike: 404.

**Lists** are `{"items", "next_cursor"}`: pass `next_cursor` as `cursor` for the next page, until
it is null. Pages neither skip nor repeat while things are added.

**Conditional requests**: answers about pictures and batches carry an `ETag`. Send it as
`If-None-Match` to get 304 while the answer still holds, or as `If-Match` to edit only what nobody
changed since you read it (412 otherwise). HEAD is answered as GET, without the body.

**Limits**: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) say how many
requests are left; beyond them the answer is 429 with `Retry-After`.
"""

PUBLIC = frozenset({"/api/health"})
"""Documented paths that need no sign-in."""

_HEADERS: dict[str, tuple[str, str, str]] = {
    "request_id": ("X-Request-Id", "Names this request in the log", "5b0f8a4c1d9e4f7f"),
    "etag": ("ETag", "The version of this answer", '"6429d4f8b2c01a77e3-Zk3vX0cQ"'),
    "rate_limit": ("RateLimit", "What is left, and when all is back", '"requests";r=1999;t=1'),
    "rate_policy": ("RateLimit-Policy", "So many in so many seconds", '"requests";q=2000;w=10'),
    "retry_after": ("Retry-After", "Seconds to wait", "2"),
    "authenticate": ("WWW-Authenticate", "How to sign in", 'Bearer realm="imgapp"'),
}


def describe(app: FastAPI) -> None:
    """Complete the OpenAPI document of `app`: who may call, and what errors look like."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        webhooks=app.webhooks.routes,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}), Problem=problem)
    for asked in (ImageFilter, ReviewDecision):  # no answer has one
        said = asked.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(said.pop("$defs", {}), **{asked.__name__: said})
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A personal access token"},
        "session": {"type": "apiKey", "in": "cookie", "name": get_settings().session_cookie},
    }
    components["examples"] = examples()
    components["headers"] = {
        key: {"description": said, "schema": {"type": "string"}, "example": example}
        for key, (_, said, example) in _HEADERS.items()
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, method, path)
    for operations in document["webhooks"].values():
        del operations["post"]["responses"]["422"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for name in EXAMPLES.keys() & schemas.keys():
        schemas[name]["examples"] = [EXAMPLES[name]]
    return document


def _complete(operation: dict[str, Any], method: str, path: str) -> None:
    """Add what goes for all operations alike."""
    public = path in PUBLIC
    operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
    operation["security"] = [] if public else [{"token": []}, {"session": []}]
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path" and parameter["name"].endswith("_id"):
            parameter["schema"]["format"] = "uuid"
            parameter["example"] = EXAMPLE_ID
    responses = operation["responses"]
    tagged = path.startswith(TAGGED) and method in ("get", "patch") and "200" in responses
    own = [code for one in responses.values() for code in _codes_of(one)]
    # Where FastAPI documents its own shape of a validation error, ours is sent.
    common = documented(*own, *_common_codes(operation, method, public))
    responses.update({str(status): response for status, response in common.items()})
    if tagged and method == "get":
        responses["304"] = {"description": "The answer you have still holds"}
    operation["responses"] = dict(sorted(responses.items()))
    for status, response in responses.items():
        keys = _headers_of(status, tagged=tagged, public=public)
        headers = {_HEADERS[key][0]: {"$ref": f"#/components/headers/{key}"} for key in keys}
        response["headers"] = headers | response.get("headers", {})


def _codes_of(response: dict[str, Any]) -> list[str]:
    return list(response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {}))


def _common_codes(operation: dict[str, Any], method: str, public: bool) -> list[int | str]:
    codes: list[int | str] = []
    if not public:
        codes += [401, "missing_scope", 422, 429, "database_unavailable"]
        codes += ["origin_not_allowed"] if method != "get" else []
    if "requestBody" in operation:
        codes += [408, 413, 415]
    return codes


def _headers_of(status: str, *, tagged: bool, public: bool) -> list[str]:
    keys = ["request_id"]
    if tagged and status in ("200", "304"):
        keys.append("etag")
    if not public and (status < "400" or status == "429"):
        keys += ["rate_limit", "rate_policy"]
    if status in ("429", "503"):
        keys.append("retry_after")
    return [*keys, "authenticate"] if status == "401" else keys

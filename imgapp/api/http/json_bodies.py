"""JSON bodies: read and validate them after the caller is known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json
from starlette.exceptions import HTTPException

M = TypeVar("M", bound=BaseModel)


def json_body(shape: type[M], *, optional: bool = False) -> Callable[[Request], Awaitable[M]]:
    """A dependency that reads the body as `shape`; one that is `optional` may be left out.

    FastAPI parses a body parameter before it runs the dependencies, so that a stranger's broken
    JSON would be answered with 422 and not 401. Put this one behind the caller's. It refuses lone
    surrogates too, which neither the database nor an answer can carry, and takes each value in its
    own type only: "true" is not true.
    """

    async def read(request: Request) -> M:
        if optional and not await request.body():
            return shape()
        media_type = request.headers.get("content-type", "application/json").partition(";")[0]
        if not media_type.strip().lower().endswith(("/json", "+json")):
            raise HTTPException(415, "Send JSON: Content-Type: application/json")
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise HTTPException(415, "Compressed bodies are not taken")
        try:
            return _validate(shape, await request.body())
        except ValidationError as error:
            raise RequestValidationError(
                [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
            ) from None

    return read


def _validate(shape: type[M], body: bytes) -> M:
    try:
        return shape.model_validate_json(body, strict=True)
    except ValidationError as error:
        wrong = [item["input"] for item in error.errors() if item["type"] == "int_type"]
        if not any(isinstance(value, float) for value in wrong):
            raise
    # 2.0 is an integer too: JSON Schema (2020-12), core, 4.2.3
    return shape.model_validate_json(to_json(_with_integers(from_json(body))), strict=True)


def _with_integers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_with_integers(item) for item in value]
    if isinstance(value, dict):
        return {name: _with_integers(item) for name, item in value.items()}
    return value


def json_body_schema(
    shape: type[BaseModel], example: dict[str, Any], *, required: bool = True
) -> dict[str, Any]:
    """What OpenAPI says of a body that is read with `json_body`."""
    schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)  # answers use the same ones, so they are among the components
    content = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"required": required, "content": content}}

"""Unknown query parameters: refuse them; a misspelt filter must not list everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError


def refuse_unknown(request: Request) -> None:
    """Refuse parameters that the route does not name, or that come twice and may not.

    Raises RequestValidationError. For routes that know who is calling: 401 goes before it.
    """
    if not request.url.query:
        return
    known = dict(_names(request.scope["route"].dependant))
    given = Counter(name for name, _ in request.query_params.multi_items())
    wrong = [
        _error(name, "extra_forbidden", "There is no such parameter")
        if name not in known
        else _error(name, "given_twice", "This parameter is given more than once")
        for name, times in given.items()
        if name not in known or (times > 1 and not known[name])
    ]
    if wrong:
        raise RequestValidationError(wrong)


def _names(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """The names of parameters, and whether each may come several times."""
    for field in dependant.query_params:
        yield field.alias, _takes_many(field.field_info.annotation)
    for dependency in dependant.dependencies:
        yield from _names(dependency)


def _takes_many(kind: Any) -> bool:
    """Whether a type is a list, or a list or nothing."""
    return list in (get_origin(kind), *map(get_origin, get_args(kind)))


def _error(name: str, code: str, message: str) -> dict[str, object]:
    return {"loc": ("query", name), "type": code, "msg": message}

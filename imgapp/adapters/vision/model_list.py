"""Model lists: tell what models a server has, and which of them see where it says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

from imgapp.adapters.vision.connections import ServerTransport
from imgapp.adapters.vision.reachability import listed_models
from imgapp.adapters.vision.servers import HERE_URL, KINDS, Server, ServerKind, at_host
from imgapp.errors import DescriberError, TransientDescriberError

LOOK_SECONDS = 1.5
_SECONDS = 10.0
_SILENT_SECONDS = 600.0
"""Of a server that fetches a model: it also checks it, which says nothing for minutes."""
_LONGEST_LINE = 100_000
_LONGEST = 2_000_000
_MOST_SHOWN = 60
"""Models of which a server that tells it one by one is asked whether they see."""


@dataclass(frozen=True)
class ListedModel:
    """A model that a server has; `sees` is None where it does not say."""

    name: str
    sees: bool | None = None


@dataclass(frozen=True)
class FoundServer:
    """A server that answered on this machine."""

    kind: str
    title: str
    base_url: str
    models: tuple[str, ...]


def list_models(
    server: Server, kind: str, *, seconds: float = _SECONDS
) -> list[ListedModel] | None:
    """The models of a server, those that see first; None if it keeps no list.

    Raises TransientDescriberError and PermanentDescriberError.
    """
    names = listed_models(server, seconds=seconds)
    if names is None:
        return None
    # In the house, nothing else is likely to be asked what only one kind knows.
    kinds = [kind] if kind in _SEES else list(_SEES) if server.in_the_house else []
    told = (_SEES[one](server, names) for one in kinds)
    sees = next(filter(None, told), {})
    found = [ListedModel(name, sees.get(name)) for name in names]
    return sorted(found, key=lambda one: (one.sees is False, one.sees is None))


def look_around(skip_port: int) -> Iterator[FoundServer]:
    """The usual servers of this machine that answer; `skip_port` is where imgapp itself listens."""
    for kind in KINDS:
        if kind.base_url in (None, HERE_URL) or kind.needs_key or f":{skip_port}/" in kind.base_url:
            continue
        try:
            names = listed_models(Server(kind.base_url, None), seconds=LOOK_SECONDS)
        except DescriberError as error:
            if error.code != "key_refused":
                continue
            names = []
        yield _found(kind, names or [])


def _found(kind: ServerKind, names: list[str]) -> FoundServer:
    return FoundServer(kind.name, kind.title, kind.base_url or "", tuple(names))


def _of_ollama(server: Server, names: list[str]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for name in names[:_MOST_SHOWN]:
        said = _ask(server, "/api/show", {"model": name})
        told = said.get("capabilities")
        if isinstance(told, list):
            found[name] = "vision" in told
    return found


def _of_lmstudio(server: Server, names: list[str]) -> dict[str, bool]:  # noqa: ARG001
    listed = _ask(server, "/api/v0/models").get("data")
    told = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {str(one.get("id")): one.get("type") == "vlm" for one in told if one.get("type")}


def _of_llamacpp(server: Server, names: list[str]) -> dict[str, bool]:
    told = _ask(server, "/props").get("modalities")
    sees = told.get("vision") if isinstance(told, dict) else None
    return dict.fromkeys(names, sees) if isinstance(sees, bool) else {}


_SEES = {"ollama": _of_ollama, "lmstudio": _of_lmstudio, "llamacpp": _of_llamacpp}


def pull(server: Server, model: str) -> Iterator[tuple[str, float | None]]:
    """Have Ollama fetch a model: what it does, and how much of it is done (0 to 1).

    Raises TransientDescriberError in its own words if it cannot.
    """
    ended = False
    for line in _stream(server, "/api/pull", {"model": model}):
        said = _object(line)
        if not said or said.get("error"):
            why = said.get("error") or "it answers as no Ollama does"
            raise _not_pulled(f"Ollama could not fetch it: {str(why)[:200]}")
        total, done = said.get("total"), said.get("completed")
        share = None
        if isinstance(total, int) and isinstance(done, int) and total > 0:
            share = min(max(done / total, 0.0), 1.0)
        status = str(said.get("status") or "")[:100]
        ended = status == "success"
        yield status, share
    if not ended:
        raise _not_pulled(f"What is at {server.host} ended before the model was fetched")


def _stream(server: Server, path: str, body: dict[str, Any]) -> Iterator[str]:
    """The lines of an answer, as they come; blank ones are left out."""
    timeout = httpx2.Timeout(_SILENT_SECONDS, connect=5.0)
    try:
        with (
            httpx2.Client(headers=_headers(server), timeout=timeout) as client,
            client.stream("POST", at_host(server, path), json=body) as response,
        ):
            if response.status_code != 200:
                raise _not_pulled(
                    f"What is at {server.host} does not fetch models (HTTP {response.status_code})"
                )
            rest = b""
            for chunk in response.iter_bytes():
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > _LONGEST_LINE:
                    raise _not_pulled(f"What is at {server.host} answers as no Ollama does")
                yield from (line.decode("utf-8", "replace") for line in lines if line.strip())
            if rest.strip():
                yield rest.decode("utf-8", "replace")
    except httpx2.HTTPError:
        raise _not_pulled(f"What is at {server.host} ended before the model was fetched") from None


def _not_pulled(why: str) -> TransientDescriberError:
    return TransientDescriberError(why, code="pull_failed")


def _ask(server: Server, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a server says beside the chat API; nothing if it does not know the path."""
    method = "POST" if body else "GET"
    try:
        with (
            _client(server, _SECONDS) as client,
            client.stream(method, at_host(server, path), json=body) as response,
        ):
            if response.status_code != 200:
                return {}
            said = bytearray()
            for chunk in response.iter_bytes():
                said += chunk
                if len(said) > _LONGEST:
                    return {}
    except httpx2.HTTPError:
        return {}
    return _object(said.decode("utf-8", "replace"))


def _client(server: Server, seconds: float) -> httpx2.Client:
    return httpx2.Client(
        headers=_headers(server),
        timeout=httpx2.Timeout(seconds, connect=5.0),
        transport=ServerTransport(),
    )


def _headers(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}


def _object(said: str) -> dict[str, Any]:
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

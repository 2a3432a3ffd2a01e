"""Connected models: administrators connect vision models of servers, change and disconnect them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from socket import inet_aton
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, select

from imgapp.adapters import queue
from imgapp.adapters.db import after_commit
from imgapp.adapters.encryption import seal
from imgapp.adapters.vision import BASIC, Server, model_list
from imgapp.adapters.vision.servers import HERE, HERE_URL, KINDS, kind_of
from imgapp.errors import Conflict, DescriberError, InvalidRequest, NotFound, OutboundFailed
from imgapp.models import ConnectedModel, Shape
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.common.authorization import as_administrator
from imgapp.services.common.one_at_a_time import one_at_a_time
from imgapp.services.common.sanitize import clean_line
from imgapp.services.installation import bundled_models, vision_models
from imgapp.services.installation.runtime_settings import installation
from imgapp.services.installation.vision_models import KEY_PURPOSE, VisionModel
from imgapp.settings import get_settings

MOST = 50
_FIRST_PERMITS = 64
_KEEP = text("SELECT imgapp_keep_model(:model)").bindparams(bindparam("model", type_=JSONB))
_REMOVE = text("SELECT imgapp_remove_model(:name)")

Role = Literal["default", "fallback"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Address = Annotated[str, Field(max_length=2000, description="As http://localhost:11434/v1")]
Key = Annotated[str, Field(max_length=2000, description="Kept encrypted, and never shown again")]


class ServerAddress(BaseModel):
    """Where a server is. Its kind says where it listens if no address is given."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(default="other", max_length=20, description="One of `GET /api/model-servers`")
    base_url: Address | None = None
    api_key: Key | None = None


class ModelConnection(ServerAddress):
    """A model of a server. `name` is what people choose; by default as the server calls it."""

    model: Name
    name: Name | None = None
    seconds: Annotated[int, Field(ge=5, le=3600)] | None = Field(
        default=None, description="A picture may take. null: 60 at OpenAI, 300 elsewhere"
    )
    at_once: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None, description="Calls. null: as many as are found to be of use"
    )
    local: bool | None = Field(
        default=None,
        description="Whether pictures that must not leave the house may go there. null: as its "
        "address says",
    )
    role: Role | None = Field(default=None, description="Asked by default, or while that is away")


class ModelConnectionEdit(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    base_url: Address | None = None
    api_key: Key | None = Field(default=None, description='"" takes it away')
    model: Name | None = None
    seconds: Annotated[int, Field(ge=5, le=3600)] | None = None
    at_once: Annotated[int, Field(ge=1, le=256)] | None = None
    local: bool | None = None
    role: Role | None = None


class ListedModelPublic(Shape):
    """A model that a server has."""

    name: str
    sees: bool | None = Field(description="Whether it looks at pictures. null: nobody says")


class FoundServerPublic(Shape):
    """A server that answers on this machine."""

    kind: str
    title: str
    base_url: str
    models: list[str]


class ServerKindPublic(Shape):
    """A kind of server that can be connected."""

    kind: str
    title: str
    base_url: str | None = Field(description="Where it listens if nothing else is said")
    needs_key: bool


def kinds() -> list[ServerKindPublic]:
    """The kinds of servers that can be connected."""
    return [
        ServerKindPublic(
            kind=kind.name, title=kind.title, base_url=kind.base_url, needs_key=kind.needs_key
        )
        for kind in KINDS
    ]


def connect(user_id: UUID, new: ModelConnection) -> str:
    """Keep a model; returns its name. It is the default if there is none.

    Raises NotFound unless the caller is an administrator, InvalidRequest, Conflict (`name_taken`,
    `too_many_models`).
    """
    server = server_of(new)
    model = clean_line(new.model)
    name = clean_line(new.name or model)
    _check_name(name)
    with as_administrator(user_id) as session:
        one_at_a_time(session, None, "models")
        rows = session.exec(select(ConnectedModel)).all()
        if any(row.name == name for row in rows) or name in _named_by_environment():
            raise Conflict(
                f"There is a model called {name} already: give this one another name.",
                code="name_taken",
            )
        if len(rows) >= MOST:
            raise Conflict(f"There are {MOST} models already.", code="too_many_models")
        role = new.role or (None if rows else "default")
        _keep(
            session,
            {
                "name": name,
                "kind": new.kind,
                "base_url": server.url,
                "model": model,
                "sealed_key": seal(server.api_key, KEY_PURPOSE) if server.api_key else None,
                "seconds": new.seconds,
                "at_once": new.at_once,
                "local": server.in_the_house if new.local is None else new.local,
                "role": role,
                "server": vision_models.server_hash(server.url, server.api_key),
            },
        )
        audit_trail.write(
            session, AuditKind.MODEL_CONNECTED, user_id, name=name, server=server.host, role=role
        )
    vision_models.forget()
    return name


def change(user_id: UUID, name: str, edit: ModelConnectionEdit) -> None:
    """Change some of a connection; what waited for it goes on.

    Raises NotFound unless the caller is an administrator and there is such a model, InvalidRequest.
    """
    said = edit.model_dump(exclude_unset=True)
    with as_administrator(user_id) as session:
        one_at_a_time(session, None, "models")
        row = session.get(ConnectedModel, name)
        if row is None:
            raise NotFound
        values = row.model_dump(exclude={"created_at", "updated_at"})
        values |= {part: said[part] for part in ("seconds", "at_once", "role") if part in said}
        values |= {part: said[part] for part in ("model", "local") if said.get(part) is not None}
        known = vision_models.of_row(row)
        key, url = known.server.api_key, row.base_url
        if "api_key" in said:
            key = _checked_key(said["api_key"])
            values["sealed_key"] = seal(key, KEY_PURPOSE) if key else None
        if said.get("base_url"):
            moved = _checked_url(said["base_url"])
            elsewhere = urlsplit(moved)[:2] != urlsplit(url)[:2]
            if elsewhere and "api_key" not in said and row.sealed_key:
                # Or whoever may change the address learns the key.
                raise InvalidRequest(
                    "Enter the key again: it is not sent to another server.", code="key_needed"
                )
            values["base_url"] = url = moved
        values["server"] = vision_models.server_hash(url, key)
        _keep(session, values)
        audit_trail.write(
            session, AuditKind.MODEL_CHANGED, user_id, name=name, changed=", ".join(sorted(said))
        )
    vision_models.forget()


def disconnect(user_id: UUID, name: str) -> None:
    """Take a model away; what waits for it is asked of the default.

    Raises NotFound unless the caller is an administrator and there is such a model.
    """
    with as_administrator(user_id) as session:
        if not session.execute(_REMOVE, {"name": name}).scalar_one():
            raise NotFound
        audit_trail.write(session, AuditKind.MODEL_DISCONNECTED, user_id, name=name)
        after_commit(session, _go_on)
    vision_models.forget()


def rows_of(session: Session) -> list[ConnectedModel]:
    """What is connected, by name, in the transaction of an administrator."""
    return sorted(session.exec(select(ConnectedModel)).all(), key=lambda row: row.name)


def models_at(
    user_id: UUID, address: ServerAddress, name: str | None = None
) -> list[ListedModelPublic]:
    """The models that a server has; with `name`, and no key, the key of that connection is used.

    Raises NotFound unless the caller is an administrator, InvalidRequest, OutboundFailed.
    """
    server = server_to_ask(user_id, address, name)
    if address.kind == HERE:
        there = bundled_models.installed()
        return [ListedModelPublic(name=model.name, sees=True) for model in there]
    try:
        found = model_list.list_models(server, address.kind)
    except DescriberError as error:
        said = f" It said: {error.said}" if error.said else ""
        raise OutboundFailed(
            for_administrators(error.detail) + said, code="model_server_failed"
        ) from None
    if found is None:
        raise InvalidRequest(
            "The server answers, but does not say which models it has: write the model's name.",
            code="no_model_list",
        )
    return [ListedModelPublic(name=one.name, sees=one.sees) for one in found]


def look_around(user_id: UUID) -> list[FoundServerPublic]:
    """The usual servers that answer on this machine.

    Raises NotFound unless the caller is an administrator.
    """
    with as_administrator(user_id):
        pass
    found = model_list.look_around(get_settings().port)
    return [
        FoundServerPublic(
            kind=one.kind, title=one.title, base_url=one.base_url, models=list(one.models)
        )
        for one in found
    ]


def pull(user_id: UUID, address: ServerAddress, model: str) -> Iterator[tuple[str, float | None]]:
    """Have an Ollama fetch a model: what it does, and how much of it is done (0 to 1).

    Raises NotFound unless the caller is an administrator, InvalidRequest, DescriberError.
    """
    server, model = server_to_ask(user_id, address), clean_line(model)
    if not model:
        raise InvalidRequest("Say which model, as in qwen2.5vl:3b.", code="unknown_model")
    return model_list.pull(server, model)


def for_administrators(detail: str) -> str:
    """What is wrong, said to whom people are told to ask."""
    return re.sub(r"Ask your administrator to (\w)", lambda m: m[1].upper(), detail)


def server_to_ask(user_id: UUID, address: ServerAddress, name: str | None = None) -> Server:
    """A server as an administrator describes it, with the key that it was connected with before.

    Raises NotFound unless the caller is an administrator, InvalidRequest.
    """
    with as_administrator(user_id) as session:
        row = session.get(ConnectedModel, name) if name else None
        kept = vision_models.of_row(row) if row is not None else None
    server = server_of(address)
    if server.api_key is None and kept is not None and kept.server.host == server.host:
        return Server(server.base_url, kept.server.api_key)
    return server


def server_of(address: ServerAddress) -> Server:
    """The server at an address. Raises InvalidRequest."""
    kind = kind_of(address.kind)
    if kind is None:
        names = ", ".join(kind.name for kind in KINDS)
        raise InvalidRequest(f"There is no such kind of server: there are {names}.")
    if kind.name == HERE:
        return Server(HERE_URL, None)
    url = address.base_url or kind.base_url
    if not url:
        raise InvalidRequest("Say where the server is, as in http://localhost:8080/v1.")
    return Server(_checked_url(url), _checked_key(address.api_key))


def as_asked(new: ModelConnection) -> VisionModel:
    """A connection that is not kept yet, to try it. Raises InvalidRequest."""
    server, model = server_of(new), clean_line(new.model)
    server = Server(server.base_url, server.api_key, new.seconds)
    hashed = vision_models.server_hash(server.url, server.api_key)
    local = server.in_the_house if new.local is None else new.local
    return VisionModel(model, model, server, local, hashed, kind=new.kind)


def _keep(session: Session, values: dict[str, Any]) -> None:
    session.execute(_KEEP, {"model": values})
    after_commit(session, _go_on)


def _go_on() -> None:
    """What waited for a model that could not be asked goes on now; the sweep brings the rest."""
    queue.issue_permits(_FIRST_PERMITS)


def _named_by_environment() -> set[str]:
    settings = get_settings()
    if settings.openai_api_key is None and settings.openai_base_url is None:
        return set()
    return {settings.vision_model, *installation().models}


def _check_name(name: str) -> None:
    if not name or name == BASIC or name.startswith("!"):
        raise InvalidRequest("A model cannot be called so: give it another name.", code="bad_name")


def _checked_key(key: str | None) -> str | None:
    if key is None or not key.strip():
        return None
    key = key.strip()
    # What is no header value (RFC 9110, 5.5) could not be sent, or would say something else.
    if not key.isascii() or not key.isprintable():
        raise InvalidRequest(
            "The key holds a line break or a letter that no key has: copy it again, whole.",
            code="bad_key",
        )
    return key


def _checked_url(url: str) -> str:
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable():
        raise InvalidRequest(
            "The address has to look like http://localhost:11434/v1.", code="bad_address"
        )
    if parts.username or parts.password:
        raise InvalidRequest("A key does not belong into the address.", code="bad_address")
    if parts.query or parts.fragment or port == 0:
        raise InvalidRequest(
            "The address ends with the path of the API, mostly /v1.", code="bad_address"
        )
    if _is_link_local(parts.hostname):
        # Where machines of a cloud tell themselves their secrets, and no model is.
        raise InvalidRequest("No model server is at such an address.", code="bad_address")
    return url if parts.path.strip("/") else f"{url}/v1"


def _is_link_local(host: str) -> bool:
    try:
        # As the system reads it: 169.254.169.254 is 2852039166, too.
        address: Any = ip_address(inet_aton(host))
    except OSError:
        try:
            address = ip_address(host.partition("%")[0])
        except ValueError:
            return False
    return bool((getattr(address, "ipv4_mapped", None) or address).is_link_local)

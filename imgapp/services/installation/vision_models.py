"""Vision models: tell which one is asked, where, and which may be chosen, `basic-1` included.

Those of the environment go before those that administrators connected in the page.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import Field
from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import col, select

from imgapp.adapters.db import transaction
from imgapp.adapters.encryption import fingerprint, unseal
from imgapp.adapters.vision import (
    BASIC,
    Describer,
    Description,
    Picture,
    Question,
    Server,
    basic_describer,
    model_describer,
)
from imgapp.adapters.vision.servers import HERE
from imgapp.errors import InvalidRequest, NotFound, PermanentDescriberError
from imgapp.models import ConnectedModel, Shape
from imgapp.services.installation import bundled_models
from imgapp.services.installation.runtime_settings import installation
from imgapp.settings import Settings, get_settings

KEY_PURPOSE = "connected model"
MODELS = bindparam("models", type_=JSONB)
"""The parameter of the functions behind the queue: who would be asked here."""
_FRESH_SECONDS = 1.0


@dataclass(frozen=True)
class VisionModel:
    """A model that can be asked: `name` is what is chosen, `model` what its server calls it."""

    name: str
    model: str
    server: Server
    local: bool
    """Whether pictures that must not leave the house may be sent there."""
    server_id: str
    """A hash of address and key."""
    kind: str = "other"
    readable: bool = True
    """Whether its key can be read: it cannot under another IMGAPP_SECRET_KEY."""

    at_once: int | None = None
    """Calls, if somebody said so; 0 is as many as there are."""

    @property
    def learned(self) -> bool:
        """Whether how many calls at once it takes is found out."""
        return self.at_once is None and self.server.in_the_house

    @property
    def slots(self) -> int | None:
        """How many calls at once it takes; 0 if that is found out, None if it does not matter."""
        return 0 if self.learned else self.at_once or None


@dataclass(frozen=True)
class ModelRoutes:
    """Who is asked: what is named, else the default, or the fall-back while that is away."""

    default: str
    fallback: str | None = None
    known: Mapping[str, VisionModel] = field(default_factory=dict)
    from_environment: bool = False
    """Whether the default is that of the environment."""

    @cached_property
    def as_parameter(self) -> dict[str, Any]:
        """As the functions behind the queue take them."""
        in_order = [self.default, self.fallback or "", *self.known]
        local = (name for name in in_order if name in self.known and self.known[name].local)
        return {
            "default": self.default,
            "fallback": self.fallback,
            "at_home": next(local, None),
            "known": {
                name: {"server": one.server_id, "local": one.local, "slots": one.slots}
                for name, one in self.known.items()
            },
        }


class VisionModels(Shape):
    """What can be asked here."""

    default: str = Field(description="Asked where nothing else is said")
    models: list[str] = Field(description="All that may be named, the default first")
    configured: bool = Field(description="Whether there is a vision model at all")


def routes() -> ModelRoutes:
    """Who is asked, as it was at most a second ago. Raises DatabaseUnavailable."""
    settings, named = get_settings(), installation().models
    known = _known.get("routes")
    if known is None or known.stale(settings, named):
        known = _known["routes"] = _Read(time.monotonic(), settings, named, _read(settings, named))
    return known.routes


def forget() -> None:
    """Read them anew the next time."""
    _known.clear()


def model_asked(named: str | None = None) -> str:
    """The model that is asked where this one is named, or none; `BASIC` if there is no other."""
    now = routes()
    return named if named and (named == BASIC or named in now.known) else now.default


def find(name: str) -> VisionModel | None:
    """The model of this name; None for `BASIC`, and if there is none."""
    return routes().known.get(name)


def is_local(named: str | None = None) -> bool:
    """Whether what is asked of this model, or of the default, stays in the house."""
    found = find(model_asked(named))
    return found is not None and found.local


def describer_of(named: str | None = None) -> Describer:
    """Who describes where this model is named, or none.

    Raises PermanentDescriberError if that cannot be asked as things are.
    """
    name = model_asked(named)
    if name == BASIC:
        return basic_describer()
    model = find(name)
    if model is None:
        raise PermanentDescriberError(
            "No vision model is connected. Ask your administrator to connect one on the page "
            "Models, or to set OPENAI_API_KEY or OPENAI_BASE_URL.",
            code="not_configured",
        )
    return describer_for(model)


def describer_for(model: VisionModel) -> Describer:
    """Who asks this model. Raises PermanentDescriberError if its key cannot be read."""
    if model.kind == HERE:
        return BundledDescriber(model)
    if not model.readable:
        raise PermanentDescriberError(
            "The key of the vision model cannot be read, as IMGAPP_SECRET_KEY is another one. Ask "
            "your administrator to enter it again on the page Models.",
            code="key_refused",
        )
    return model_describer(model.server, model.model)


class BundledDescriber:
    """Asks a model that imgapp runs itself: it is started for it, and stays a while."""

    def __init__(self, model: VisionModel) -> None:
        self._model = model

    def describe(self, picture: Picture, ask: Question) -> Description:
        """Raises TransientDescriberError or PermanentDescriberError."""
        try:
            with bundled_models.describer_endpoint(self._model.model) as endpoint:
                server = Server(endpoint.base_url, endpoint.api_key, self._model.server.seconds)
                return model_describer(server, endpoint.model).describe(picture, ask)
        except NotFound:
            raise PermanentDescriberError(
                f"The model “{self._model.model}” is not on this machine any more. Ask your "
                "administrator to fetch it again, or to choose another one on the page Models.",
                code="model_not_found",
            ) from None


def offered() -> VisionModels:
    """What may be chosen now. Raises DatabaseUnavailable."""
    now = routes()
    if now.default == BASIC and not now.known:
        return VisionModels(default=BASIC, models=[BASIC], configured=False)
    named = dict.fromkeys([now.default, *now.known, BASIC])
    return VisionModels(default=now.default, models=list(named), configured=True)


def check(model: str | None) -> None:
    """Raises InvalidRequest (`unknown_model`) if the model may not be chosen; None may be."""
    if model is not None and model not in (known := offered()).models:
        names = ", ".join(known.models)
        raise InvalidRequest(
            f"There is no such model here. There are {names}.", code="unknown_model"
        )


def as_parameter() -> dict[str, Any]:
    """Who would be asked here: the parameter `models` of the functions behind the queue."""
    return {"models": routes().as_parameter}


def server_hash(base_url: str | None, api_key: str | None) -> str:
    """Tells servers and keys apart, and tells nobody what they are."""
    return fingerprint(base_url, api_key or "")


def _read(settings: Settings, also_named: list[str]) -> ModelRoutes:
    if settings.vision == "basic":
        return ModelRoutes(BASIC)
    with transaction() as session:
        query = select(ConnectedModel).order_by(col(ConnectedModel.name))
        rows = session.exec(query).all()
        connected = {row.name: of_row(row) for row in rows}
    by_role = {row.role: row.name for row in rows if row.role}
    of_environment = _of_environment(settings, also_named)
    if settings.describer == "openai":
        return ModelRoutes(
            settings.vision_model, by_role.get("fallback"), {**connected, **of_environment}, True
        )
    default = by_role.get("default") or next(iter(connected), BASIC)
    return ModelRoutes(default, by_role.get("fallback"), connected)


def _of_environment(settings: Settings, also_named: list[str]) -> dict[str, VisionModel]:
    key, url = settings.openai_api_key, settings.openai_base_url
    if key is None and url is None:
        return {}
    secret = key.get_secret_value() if key else None
    server, hashed = Server(url, secret, settings.vision_seconds), server_hash(url, secret)
    return {
        name: VisionModel(
            name,
            name,
            server,
            settings.vision_local,
            hashed,
            kind="environment",
            at_once=settings.vision_at_once,
        )
        for name in dict.fromkeys([settings.vision_model, *also_named])
    }


def of_row(row: ConnectedModel) -> VisionModel:
    """A connected model, with its key."""
    key = unseal(row.sealed_key, KEY_PURPOSE) if row.sealed_key else None
    return VisionModel(
        row.name,
        row.model,
        Server(row.base_url, key, row.seconds),
        row.local,
        row.server,
        row.kind,
        readable=row.sealed_key is None or key is not None,
        at_once=row.at_once,
    )


@dataclass(frozen=True)
class _Read:
    at: float
    settings: Settings
    named: list[str]
    routes: ModelRoutes

    def stale(self, settings: Settings, named: list[str]) -> bool:
        same = self.settings is settings and self.named == named
        return not same or time.monotonic() - self.at > _FRESH_SECONDS


_known: dict[str, _Read] = {}

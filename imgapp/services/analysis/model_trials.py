"""Model trials: ask a model about a real picture, and tell how it fared or what is wrong."""

from __future__ import annotations

import io
import time
from datetime import datetime
from typing import Any
from uuid import UUID

from PIL import Image as Drawing
from PIL import ImageDraw
from pydantic import Field
from sqlmodel import col, select

from imgapp.adapters.db import transaction
from imgapp.adapters.vision import (
    Description,
    Picture,
    Question,
    default_ask,
    model_describer,
)
from imgapp.adapters.vision.servers import HERE, Server, kind_of
from imgapp.errors import DescriberError, InvalidRequest, NotFound
from imgapp.models import Image, Shape
from imgapp.services.analysis.model_copies import picture_of
from imgapp.services.analysis.question import ask_for, must_stay
from imgapp.services.common import rate_limits
from imgapp.services.common.authorization import as_administrator
from imgapp.services.installation import connected_models, prices, vision_models
from imgapp.services.installation.connected_models import ModelConnection
from imgapp.services.installation.vision_models import VisionModel
from imgapp.services.queue import circuit_breaker, concurrency
from imgapp.services.spending import budgets, usage

PER_HOUR = 60
_FORMS = (
    "Answers are held to a form (JSON schema).",
    "Answers are JSON.",
    "Answers are free text.",
)


class ModelTrial(Shape):
    """How a model fared with one picture."""

    works: bool
    sentence: str = Field(description="What is wrong, or that nothing is")
    code: str | None = Field(description="Of what is wrong")
    said: str | None = Field(description="By the server itself, shortened, without keys")
    image_id: UUID | None = Field(description="The picture; null: one that imgapp drew")
    seconds: float
    alt_text: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    visible_text: str | None = None
    language: str | None = None
    model_version: str | None = Field(default=None, description="As the server calls it")
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = Field(default=None, description="US dollars. null: it has no price")
    takes: list[str] = Field(
        default_factory=list, description="What was found out about the server, in words"
    )


class ModelHealth(Shape):
    """What is wrong with a model now."""

    code: str
    message: str
    said: str | None
    since: datetime


class ModelOverview(Shape):
    """A model as administrators see it."""

    name: str
    kind: str
    title: str = Field(description="Of the kind of server")
    host: str = Field(description="Where, without credentials")
    base_url: str | None = Field(description="null where it is the environment's")
    model: str = Field(description="As the server calls it")
    has_key: bool
    key_readable: bool = Field(description="False under another IMGAPP_SECRET_KEY")
    seconds: float = Field(description="A picture may take")
    local: bool
    role: str | None
    from_environment: bool
    at_once: int | None = Field(description="Calls, as was learned; null: as many as there are")
    seconds_each: float | None = Field(description="That a call takes, as far as it is known")
    takes: list[str]
    trouble: ModelHealth | None


def overview(user_id: UUID) -> list[ModelOverview]:
    """Every model that can be asked, the default first.

    Raises NotFound unless the caller is an administrator.
    """
    with as_administrator(user_id) as session:
        rows = {row.name: row for row in connected_models.rows_of(session)}
    known, learned = vision_models.routes(), concurrency.paces()
    troubles = circuit_breaker.model_troubles()
    roles = {known.fallback: "fallback", known.default: "default"}
    found = []
    for name, model in known.known.items():
        row, pace = rows.get(name), learned.get((model.server_id, name))
        trouble = troubles.get((model.server_id, name))
        kind = kind_of(row.kind) if row else None
        found.append(
            ModelOverview(
                name=name,
                kind=row.kind if row else "environment",
                title=kind.title if kind else "The environment",
                host=model.server.host,
                base_url=row.base_url if row else None,
                model=model.model,
                has_key=bool(row.sealed_key) if row else model.server.api_key is not None,
                key_readable=model.readable,
                seconds=model.server.seconds,
                local=model.local,
                role=roles.get(name),
                from_environment=row is None,
                at_once=(pace.at_once if pace else 1) if model.learned else model.slots,
                seconds_each=pace.seconds if pace else None,
                takes=_takes(model),
                trouble=ModelHealth(**trouble) if trouble else None,
            )
        )
    order = {"default": 0, "fallback": 1}
    return sorted(found, key=lambda one: (order.get(one.role or "", 2), one.name))


def try_connected(user_id: UUID, name: str, image_id: UUID | None = None) -> ModelTrial:
    """Ask a model that is connected about a picture of the caller, or their newest.

    Raises NotFound unless the caller is an administrator and has the picture, InvalidRequest,
    RateLimited, Conflict (`budget_used_up`).
    """
    with as_administrator(user_id):
        pass
    model = vision_models.find(name)
    if model is None:
        raise NotFound
    return _try(user_id, model, image_id)


def try_new(user_id: UUID, new: ModelConnection, image_id: UUID | None = None) -> ModelTrial:
    """The same with a model that is not connected yet."""
    server = connected_models.server_to_ask(user_id, _address(new), new.name)
    model = connected_models.as_asked(new)
    with_key = Server(server.base_url, server.api_key, new.seconds)
    return _try(user_id, VisionModel(**{**vars(model), "server": with_key}), image_id)


def _address(new: ModelConnection) -> connected_models.ServerAddress:
    return connected_models.ServerAddress(kind=new.kind, base_url=new.base_url, api_key=new.api_key)


def _try(user_id: UUID, model: VisionModel, image_id: UUID | None) -> ModelTrial:
    rate_limits.hit("model_trials", str(user_id), limit=PER_HOUR, per_seconds=3600)
    image, ask, stays = _picked(user_id, image_id)
    if stays and not model.local:
        if image_id is not None:
            raise InvalidRequest(
                "This picture is not sent to a model elsewhere: try another one.",
                code="never_cloud",
            )
        image, ask = None, default_ask()
    picture = picture_of(image) if image is not None else _drawn()
    call = budgets.reserve(user_id, model.name)
    said: Description | DescriberError
    began = time.monotonic()
    try:
        said = vision_models.describer_for(model).describe(picture, ask)
    except DescriberError as error:
        said = error
    finally:
        seconds = time.monotonic() - began
    bill = usage.bill_of(model.name, said)
    with transaction(user_id) as session:
        usage.settle(session, call, bill, failed=isinstance(said, DescriberError))
    price = prices.price_of(model.name, said.model_version)
    shared = {
        "image_id": image.id if image is not None else None,
        "seconds": seconds,
        "model_version": said.model_version,
        "input_tokens": said.input_tokens,
        "output_tokens": said.output_tokens,
        "cost": None if price is None else bill.dollars,
        "takes": _takes(model),
    }
    if isinstance(said, DescriberError):
        sentence = connected_models.for_administrators(said.detail)
        return ModelTrial(works=False, sentence=sentence, code=said.code, said=said.said, **shared)
    return ModelTrial(
        works=True, sentence=_verdict(seconds), code=None, said=None, **_texts(said), **shared
    )


def _picked(user_id: UUID, image_id: UUID | None) -> tuple[Image | None, Question, bool]:
    """The picture, what to ask about it, and whether it must not leave the house."""
    query = select(Image).where(col(Image.deleted_at).is_(None))
    if image_id is None:
        query = query.order_by(col(Image.uploaded_at).desc(), col(Image.id)).limit(1)
    else:
        query = query.where(col(Image.id) == image_id)
    vision_models.routes()
    with transaction(user_id) as session:
        image = session.exec(query).first()
        if image is None and image_id is not None:
            raise NotFound
        if image is None:
            return None, default_ask(), False
        ask, stays = ask_for(session, image), must_stay(session, image)
        session.expunge(image)
    return image, ask, stays


def _drawn() -> Picture:
    """A picture for a library that has none: a red circle beside a word."""
    drawing = Drawing.new("RGB", (640, 420), "white")
    pen = ImageDraw.Draw(drawing)
    pen.ellipse((60, 110, 260, 310), fill=(200, 30, 30))
    pen.text((310, 180), "HELLO", fill="black", font_size=72)
    data = io.BytesIO()
    drawing.save(data, "JPEG", quality=90)
    return Picture(data.getvalue(), 640, 420)


def _texts(found: Description) -> dict[str, Any]:
    names = ("alt_text", "description", "tags", "visible_text", "language")
    return {name: getattr(found, name) for name in names}


def _verdict(seconds: float) -> str:
    if seconds < 90:
        return f"It works: an answer in {seconds:.1f} seconds."
    return f"It works, slowly: an answer in {seconds / 60:.1f} minutes."


def _takes(model: VisionModel) -> list[str]:
    """What is known of a server, in words: nothing before it answered."""
    if model.kind == HERE:
        return []
    dialect, said = model_describer(model.server, model.model).dialect, []
    if dialect.answered_as is not None:
        forms = (
            "Answers are held to a form (JSON schema).",
            "Answers are JSON.",
            "Answers are free text.",
        )
        said.append(forms[dialect.form])
    if not dialect.system:
        said.append("It takes no system message: the instructions stand beside the picture.")
    if not dialect.several:
        said.append("It takes one picture at a time: of a long one, a smaller copy.")
    if dialect.short:
        said.append(
            f"Its context is small: it is asked for {dialect.tokens:,} tokens, with pictures of "
            f"{dialect.side:,} pixels."
        )
    return said

"""`/api/installation/models`: connects, tries and lists vision models. For administrators only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from imgapp.api.examples import EXAMPLE_ID
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.people import Reader, Writer
from imgapp.errors import ImgappError
from imgapp.services.analysis import model_trials
from imgapp.services.analysis.model_trials import ModelOverview, ModelTrial
from imgapp.services.common.thread_pools import in_db, in_models
from imgapp.services.installation import connected_models, model_pulls
from imgapp.services.installation.connected_models import (
    FoundServerPublic,
    ListedModelPublic,
    ModelConnection,
    ModelConnectionEdit,
    ServerAddress,
    ServerKindPublic,
)
from imgapp.services.installation.model_pulls import BundledModelPublic

router = APIRouter(prefix="/api/installation", tags=["administration"])


class NewTrial(ModelConnection):
    """A model to try, and the picture; by default the newest one of the caller."""

    image_id: UUID | None = None


class ConnectedTrial(BaseModel):
    """The picture; by default the newest one of the caller."""

    model_config = ConfigDict(extra="forbid")

    image_id: UUID | None = None


class ModelOverviews(BaseModel):
    items: list[ModelOverview]


class ServerKinds(BaseModel):
    items: list[ServerKindPublic]


class FoundServers(BaseModel):
    items: list[FoundServerPublic]


class ListedModels(BaseModel):
    items: list[ListedModelPublic]


class ModelName(BaseModel):
    """What a connected model is called."""

    name: str = Field(description="What people choose")


Name = Annotated[str, Path(max_length=300, description="What people choose")]
Connection = Annotated[ModelConnection, Depends(json_body(ModelConnection))]
Edit = Annotated[ModelConnectionEdit, Depends(json_body(ModelConnectionEdit))]
Address = Annotated[ServerAddress, Depends(json_body(ServerAddress))]
New = Annotated[NewTrial, Depends(json_body(NewTrial))]
Known = Annotated[ConnectedTrial, Depends(json_body(ConnectedTrial))]
_OLLAMA = {"kind": "ollama", "base_url": "http://localhost:11434/v1"}


@router.get("/models", responses=documented(404))
async def list_connected_models(viewer: Reader) -> ModelOverviews:
    """The vision models, the default first: where they are, how they fare, what is wrong."""
    return ModelOverviews(items=await in_db(model_trials.overview, viewer.user_id))


@router.post(
    "/models",
    status_code=201,
    responses=documented(400, 404, "name_taken", "too_many_models", "bad_address", "bad_key"),
    openapi_extra=json_body_schema(ModelConnection, _OLLAMA | {"model": "qwen2.5vl:3b"}),
)
async def connect_model(viewer: Writer, body: Connection) -> ModelName:
    """Connect a model. All workers know it within seconds; the key is kept encrypted."""
    return ModelName(name=await in_db(connected_models.connect, viewer.user_id, body))


@router.patch(
    "/models/{name:path}",
    status_code=204,
    responses=documented(400, 404, "bad_address", "bad_key", "key_needed"),
    openapi_extra=json_body_schema(ModelConnectionEdit, {"role": "default"}),
)
async def change_model(viewer: Writer, name: Name, body: Edit) -> None:
    """Change a connection, or make it the default or the fall-back."""
    await in_db(connected_models.change, viewer.user_id, name, body)


@router.delete("/models/{name:path}", status_code=204, responses=documented(404))
async def disconnect_model(viewer: Writer, name: Name) -> None:
    """Take a model away. What waits for it is asked of the default."""
    await in_db(connected_models.disconnect, viewer.user_id, name)


@router.post(
    "/model-trials/{name:path}",
    responses=documented(400, 404, 429, "budget_used_up", "never_cloud"),
    openapi_extra=json_body_schema(ConnectedTrial, {"image_id": EXAMPLE_ID}),
)
async def try_model(viewer: Writer, name: Name, body: Known) -> ModelTrial:
    """Ask a connected model about a picture, and say how it fared."""
    return await in_models(model_trials.try_connected, viewer.user_id, name, body.image_id)


@router.post(
    "/model-trials",
    responses=documented(400, 404, 429, "budget_used_up", "never_cloud", "bad_address", "bad_key"),
    openapi_extra=json_body_schema(NewTrial, _OLLAMA | {"model": "qwen2.5vl:3b"}),
)
async def try_new_model(viewer: Writer, body: New) -> ModelTrial:
    """Ask a model that is not connected about a picture, and say how it fared."""
    new = ModelConnection(**body.model_dump(exclude={"image_id"}))
    return await in_models(model_trials.try_new, viewer.user_id, new, body.image_id)


@router.get("/model-servers", responses=documented(404))
async def list_server_kinds(viewer: Reader) -> ServerKinds:  # noqa: ARG001
    """The kinds of servers that can be connected."""
    return ServerKinds(items=connected_models.kinds())


@router.get("/model-servers/here", responses=documented(404))
async def look_around(viewer: Reader) -> FoundServers:
    """The usual servers that answer on the machine of imgapp."""
    return FoundServers(items=await in_models(connected_models.look_around, viewer.user_id))


class BundledModels(BaseModel):
    items: list[BundledModelPublic]


@router.get("/bundled-models", responses=documented(404))
async def list_bundled_models(viewer: Reader) -> BundledModels:
    """The models that imgapp can fetch and run by itself, the smallest first, and how far it is."""
    return BundledModels(items=await in_db(model_pulls.catalogue, viewer.user_id))


@router.post("/bundled-models/{name}/pull", status_code=202, responses=documented(400, 404))
async def pull_bundled_model(viewer: Writer, name: Name) -> ModelName:
    """Have a worker fetch a model and connect it. One that stopped goes on where it was."""
    await in_db(model_pulls.want, viewer.user_id, name)
    return ModelName(name=name)


@router.delete("/bundled-models/{name}/pull", status_code=204, responses=documented(400, 404))
async def discard_bundled_model_pull(viewer: Writer, name: Name) -> None:
    """Stop fetching a model, and throw away what has come."""
    await in_db(model_pulls.unwant, viewer.user_id, name)


class Fetch(ServerAddress):
    """What an Ollama is to fetch, as in qwen2.5vl:3b."""

    model: str = Field(min_length=1, max_length=200)


@router.post(
    "/model-servers/pull",
    response_class=StreamingResponse,
    responses=documented(400, 404, "bad_address", "bad_key"),
    openapi_extra=json_body_schema(Fetch, _OLLAMA | {"model": "qwen2.5vl:3b"}),
)
async def have_model_fetched(
    viewer: Writer, body: Annotated[Fetch, Depends(json_body(Fetch))]
) -> StreamingResponse:
    """Have an Ollama fetch a model. Each line is a JSON object: `status`, and `share` (0 to 1) of
    what is done where that is known; the last one may be an `error` in a sentence."""
    address = ServerAddress(**body.model_dump(exclude={"model"}))
    said = await in_models(connected_models.pull, viewer.user_id, address, body.model)
    return StreamingResponse(_lines(said), media_type="application/x-ndjson")


async def _lines(said: Iterator[tuple[str, float | None]]) -> AsyncIterator[str]:
    try:
        while (step := await in_models(next, said, None)) is not None:
            yield json.dumps({"status": step[0], "share": step[1]}) + "\n"
    except ImgappError as error:
        yield json.dumps({"error": error.detail}) + "\n"


@router.post(
    "/model-servers/models",
    responses=documented(
        400, 404, "bad_address", "bad_key", "no_model_list", "model_server_failed"
    ),
    openapi_extra=json_body_schema(ServerAddress, _OLLAMA),
)
async def list_models_of_server(viewer: Writer, body: Address) -> ListedModels:
    """The models that a server has, those that see first."""
    found = await in_models(connected_models.models_at, viewer.user_id, body)
    return ListedModels(items=found)

"""`/api/images/actions`, `/api/images/ids`: many pictures at once; `/api/trash`: the trash."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from imgapp.api.http.ids import parse_id
from imgapp.api.http.image_query import ImageFilter, WantedInQuery
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.images import PAGE, Cursor, ImageId, Limit, Reader, Writer
from imgapp.models import Shape
from imgapp.services.analysis import runs
from imgapp.services.common.sanitize import Language
from imgapp.services.common.thread_pools import in_db, in_io
from imgapp.services.library import bulk, listing, trash
from imgapp.services.library.bulk import BulkResult, ImageSelection
from imgapp.services.library.trash import TrashPage
from imgapp.services.texts import bulk_approval

router = APIRouter(prefix="/api", tags=["images"])


class BulkAction(StrEnum):
    TRASH = "trash"
    RESTORE = "restore"
    DELETE = "delete"
    ADD_TAGS = "add_tags"
    REMOVE_TAGS = "remove_tags"
    ANALYZE = "analyze"
    APPROVE = "approve"


class BulkSelection(BaseModel):
    """Which pictures: those in `images`, or all that match `filter` but those in `except`."""

    model_config = ConfigDict(extra="forbid")

    images: Annotated[list[UUID], Field(min_length=1, max_length=bulk.MOST_NAMED)] | None = None
    filter: ImageFilter | None = None
    left_out: Annotated[list[UUID], Field(max_length=bulk.MOST_NAMED, alias="except")] = []

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.images is None) == (self.filter is None):
            raise ValueError("Name `images`, or give a `filter`: one of them")
        if self.images is not None and self.left_out:
            raise ValueError("`except` goes with a `filter`")
        return self

    def chosen(self) -> ImageSelection:
        """Those pictures, for the services."""
        return ImageSelection(tuple(self.images or self.left_out), self.filter)


class NewAction(BulkSelection):
    """What is done with which pictures: those in `images`, or all that match `filter` but those in
    `except`."""

    action: BulkAction
    tags: (
        Annotated[
            list[Annotated[str, StringConstraints(max_length=100)]],
            Field(min_length=1, max_length=50),
        ]
        | None
    ) = Field(default=None, description="For `add_tags` and `remove_tags`")
    language: Language | None = Field(
        default=None,
        description="For `approve`: of the texts; left out, each picture's own text",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.tags is None) == (self.action in (BulkAction.ADD_TAGS, BulkAction.REMOVE_TAGS)):
            raise ValueError("`tags` go with `add_tags` and `remove_tags`, and only with them")
        if self.language is not None and self.action is not BulkAction.APPROVE:
            raise ValueError("`language` goes with `approve`, and only with it")
        if self.images is None and self.action in (BulkAction.RESTORE, BulkAction.DELETE):
            raise ValueError(
                "`restore` and `delete` take `images`: a filter finds nothing in the trash, and "
                "must not remove for good"
            )
        return self


class BulkActionResult(Shape):
    """How many pictures were changed. Missing and somebody else's are not."""

    action: BulkAction
    asked: int = Field(description="Pictures that were named, or that matched")
    changed: int
    left: int = Field(description="Not reached because imgapp stopped answering: ask again")
    run_id: UUID | None = Field(description="With `analyze`: see `GET /api/runs/{run_id}`")


class ImageIds(Shape):
    """Pictures in the order of the list."""

    ids: list[UUID]


@router.post(
    "/images/actions",
    response_model=BulkActionResult,
    responses=documented("unknown_language", 409, "too_many_runs"),
    openapi_extra=json_body_schema(
        NewAction, {"action": "add_tags", "filter": {"q": "harbour"}, "tags": ["sea"]}
    ),
)
async def act_on_images(
    viewer: Writer, new: Annotated[NewAction, Depends(json_body(NewAction))]
) -> BulkActionResult:
    """Move many pictures to the trash or back, remove, tag or analyse them again, or approve their
    texts.

    `delete` removes for good, also what is in the trash; it takes `images` only. Asking again
    changes nothing that is changed already.
    """
    outcome, run_id = await in_io(_act, viewer.user_id, new)
    return _done(new.action, outcome, run_id)


@router.get("/images/ids", response_model=ImageIds, responses=documented(404))
async def list_ids_between(
    viewer: Reader,
    wanted: WantedInQuery,
    first: Annotated[str, Query(alias="from", json_schema_extra={"format": "uuid"})],
    last: Annotated[str, Query(alias="to", json_schema_extra={"format": "uuid"})],
) -> ImageIds:
    """The pictures of a list from one to another, both included, whichever comes first.

    None if one of the two is not in the list.
    """
    ends = parse_id(first), parse_id(last)
    return ImageIds(ids=await in_db(listing.ids_between, viewer.user_id, wanted, *ends))


@router.get("/trash", response_model=TrashPage, responses=documented("invalid_cursor"))
async def list_trash(viewer: Reader, limit: Limit = PAGE, cursor: Cursor = None) -> TrashPage:
    """Your pictures in the trash, what was deleted last first."""
    return await in_db(trash.list_trash, viewer.user_id, limit=limit, cursor=cursor)


@router.delete("/trash", response_model=BulkActionResult)
async def empty_trash(viewer: Writer) -> BulkActionResult:
    """Remove for good what is in the trash."""
    return _done(BulkAction.DELETE, await in_io(trash.empty_trash, viewer.user_id), None)


@router.post("/trash/{image_id}/restore", status_code=204, responses=documented(404))
async def restore_image(viewer: Writer, image_id: ImageId) -> Response:
    """Take a picture out of the trash. One that is not in it stays as it is."""
    await in_db(trash.restore_image, viewer.user_id, image_id)
    return Response(status_code=204)


def _act(user_id: UUID, new: NewAction) -> tuple[BulkResult, UUID | None]:
    chosen = new.chosen()
    match new.action:
        case BulkAction.TRASH:
            return bulk.move_to_trash(user_id, chosen), None
        case BulkAction.RESTORE:
            return bulk.restore(user_id, chosen.ids), None
        case BulkAction.DELETE:
            return bulk.delete_for_good(user_id, chosen), None
        case BulkAction.ADD_TAGS:
            return bulk.add_tags(user_id, chosen, new.tags or ()), None
        case BulkAction.REMOVE_TAGS:
            return bulk.remove_tags(user_id, chosen, new.tags or ()), None
        case BulkAction.ANALYZE:
            return runs.analyze(user_id, chosen)
        case BulkAction.APPROVE:
            return bulk_approval.approve(user_id, chosen, new.language), None


def _done(action: BulkAction, outcome: BulkResult, run_id: UUID | None) -> BulkActionResult:
    return BulkActionResult(
        action=action,
        asked=outcome.asked,
        changed=len(outcome.changed),
        left=outcome.left,
        run_id=run_id,
    )

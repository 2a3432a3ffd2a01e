"""`/api/prompt` and `/api/installation/prompt`: what models are asked, in versions, and trials."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path

from imgapp.api.http.auth import require_read, require_write
from imgapp.api.http.ids import parse_id
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes import people
from imgapp.api.routes.images import PAGE, Cursor, Limit
from imgapp.models import Viewer
from imgapp.services.analysis import prompt_trials, prompts
from imgapp.services.analysis.prompt_trials import TrialPublic, TrialRequest
from imgapp.services.analysis.prompts import PromptEdit, PromptPublic, PromptVersions
from imgapp.services.common.thread_pools import in_db

router = APIRouter(prefix="/api/prompt", tags=["descriptions"])
everybodys = APIRouter(prefix="/api/installation/prompt", tags=["administration"])

EXAMPLE_ID = "019a2f5e-a013-7b66-9c21-6f2e5d4c3b2a"
_TEMPLATE = "Describe the picture in {language}: {detail}. {context} {glossary} {vocabulary}"
_BODY: dict[str, Any] = json_body_schema(PromptEdit, {"template": _TEMPLATE})


def trial_id_in_path(
    trial_id: Annotated[str, Path(examples=[EXAMPLE_ID], json_schema_extra={"format": "uuid"})],
) -> UUID:
    """The id in the path; a malformed one is the id of no trial. Raises NotFound."""
    return parse_id(trial_id)


Reader = Annotated[Viewer, Depends(require_read)]
Writer = Annotated[Viewer, Depends(require_write)]
TrialId = Annotated[UUID, Depends(trial_id_in_path)]
Edit = Annotated[PromptEdit, Depends(json_body(PromptEdit))]


@router.get("")
async def read_prompt(viewer: Reader) -> PromptPublic:
    """What models are asked about your pictures, what a reset goes back to, and the variables that
    a prompt may hold. Its `version` stands on every analysis."""
    return await in_db(prompts.get_prompt, viewer.user_id)


@router.put("", responses=documented("unknown_variable"), openapi_extra=_BODY)
async def save_prompt(viewer: Writer, body: Edit) -> PromptPublic:
    """Ask something else about your pictures from now on; null goes back to what everybody asks.

    A prompt that does not say JSON is completed with the form of the answer.
    """
    return await in_db(prompts.save_prompt, viewer.user_id, body.template)


@router.get("/versions", responses=documented("invalid_cursor"))
async def list_prompt_versions(
    viewer: Reader, limit: Limit = PAGE, cursor: Cursor = None
) -> PromptVersions:
    """Every version of your prompt, newest first; the last 500 are kept."""
    return await in_db(prompts.list_versions, viewer.user_id, limit=limit, cursor=cursor)


@router.post(
    "/trials",
    status_code=202,
    responses=documented(
        "unknown_variable", 404, "no_model", "no_pictures", "not_now", "trial_under_way"
    ),
    openapi_extra=json_body_schema(TrialRequest, {"template": _TEMPLATE}),
)
async def start_prompt_trial(
    viewer: Writer, body: Annotated[TrialRequest, Depends(json_body(TrialRequest))]
) -> TrialPublic:
    """Try a prompt on up to three pictures before it is saved: what the present one says, and what
    this one does. Nothing of it is stored as an analysis.

    It is paid for like analyses, and keeps to the same pace. Where the present prompt's analysis is
    there already, it is shown and not asked for again. There is one trial at a time, and sixty an
    hour.
    """
    return await in_db(prompt_trials.start_trial, viewer.user_id, body)


@router.get("/trials/{trial_id}", responses=documented(404))
async def read_prompt_trial(viewer: Reader, trial_id: TrialId) -> TrialPublic:
    """How far a trial is, and what both prompts made of each picture. It is kept until the next
    one."""
    return await in_db(prompt_trials.get_trial, viewer.user_id, trial_id)


@router.delete("/trials/{trial_id}", status_code=204, responses=documented(404))
async def end_prompt_trial(viewer: Writer, trial_id: TrialId) -> None:
    """Ask nothing more, and forget what was answered."""
    await in_db(prompt_trials.end_trial, viewer.user_id, trial_id)


@everybodys.get("", responses=documented(404))
async def read_everybodys_prompt(viewer: people.Reader) -> PromptPublic:
    """What models are asked about the pictures of all who have no prompt of their own."""
    return await in_db(prompts.get_prompt, viewer.user_id, "everybody")


@everybodys.put("", responses=documented("unknown_variable", 404), openapi_extra=_BODY)
async def save_everybodys_prompt(viewer: people.Writer, body: Edit) -> PromptPublic:
    """Ask something else from now on; null goes back to what is built in."""
    return await in_db(prompts.save_prompt, viewer.user_id, body.template, "everybody")


@everybodys.get("/versions", responses=documented("invalid_cursor", 404))
async def list_everybodys_prompt_versions(
    viewer: people.Reader, limit: Limit = PAGE, cursor: Cursor = None
) -> PromptVersions:
    """Every version of everybody's prompt, newest first: who saved it, and when."""
    everybody: prompts.Scope = "everybody"
    return await in_db(prompts.list_versions, viewer.user_id, everybody, limit=limit, cursor=cursor)

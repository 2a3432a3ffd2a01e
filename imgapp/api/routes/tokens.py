"""`/api/tokens`: personal access tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from imgapp.api.http.auth import require_read, require_write
from imgapp.api.http.ids import parse_id
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.errors import Forbidden
from imgapp.models import Scope, Viewer
from imgapp.services.accounts import tokens
from imgapp.services.accounts.tokens import NewToken, TokenPublic
from imgapp.services.common.thread_pools import in_db

router = APIRouter(prefix="/api/tokens", tags=["tokens"])


class TokenCreate(BaseModel):
    """What a new token may do, and until when."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    scopes: list[Scope] = [Scope.READ, Scope.WRITE]
    expires_at: datetime | None = None


class TokenList(BaseModel):
    """All of them: nobody has more than fit on a page."""

    items: list[TokenPublic]
    next_cursor: None = None


Reader = Annotated[Viewer, Depends(require_read)]
Writer = Annotated[Viewer, Depends(require_write)]
Body = Annotated[TokenCreate, Depends(json_body(TokenCreate))]


@router.get("")
async def list_tokens(viewer: Reader) -> TokenList:
    """The caller's tokens, newest first, without the tokens themselves."""
    return TokenList(items=await in_db(tokens.list_tokens, viewer.user_id))


@router.post(
    "",
    status_code=201,
    responses=documented(400),
    openapi_extra=json_body_schema(TokenCreate, {"name": "laptop", "scopes": ["read"]}),
)
async def create_token(viewer: Writer, body: Body) -> NewToken:
    """Make a token. The answer is the only place where it is ever shown."""
    if not viewer.scopes.issuperset(body.scopes):
        raise Forbidden("A token cannot make one that may do more", code="missing_scope")
    wanted = (body.name, body.scopes, body.expires_at)
    return await in_db(tokens.create_token, viewer.user_id, *wanted, viewer=viewer)


@router.delete("/{token_id}", status_code=204, responses=documented(404))
async def revoke_token(viewer: Writer, token_id: str) -> None:
    """End a token at once."""
    await in_db(tokens.revoke_token, viewer.user_id, parse_id(token_id))

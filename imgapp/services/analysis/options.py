"""Analysis options: choose model, language and detail of a description."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from imgapp.models import Image
from imgapp.services.common.sanitize import Language


class AnalysisOptions(BaseModel):
    """What is left out, or null, is as the person's preferences and the settings say."""

    model_config = ConfigDict(extra="forbid")

    model: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="One of `GET /api/models`"
    )
    language: Language | None = None
    detail: Literal["brief", "standard", "detailed"] | None = Field(
        default=None, description="How long the description is"
    )

    made_from: Language | None = Field(
        default=None,
        description="Translate the approved text of this language, instead of looking at the "
        "picture; where none is approved, the picture is looked at",
    )
    use: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        default=None,
        description="Write for the use of this name, with its role and context, and leave the "
        "picture's own text as it is; a picture without one gets one. `made_from` has no effect "
        "with it",
    )

    def as_request(self, **more: Any) -> dict[str, Any] | None:
        """What waits with the picture until it is asked; None where nothing was said."""
        said = {name: getattr(self, name) for name in AnalysisOptions.model_fields}
        return {name: value for name, value in (said | more).items() if value is not None} or None


def run_of(image: Image) -> UUID | None:
    """The run that queued a picture, if one did."""
    run_id = (image.ask or {}).get("run_id")
    return UUID(run_id) if run_id else None

"""Answer reuse: finds a paid answer to the same question about the same picture (cache)."""

from __future__ import annotations

import hashlib
import json
from uuid import UUID

from sqlmodel import Session, col, select

from imgapp.adapters.vision import BASIC, Question
from imgapp.models import Image, ImageAnalysis
from imgapp.services.installation import vision_models


def question_of(ask: Question) -> str:
    """A hash of all that an answer depends on but the picture: model, prompt with its context,
    language, detail and vocabulary. Not of what went wrong the last time."""
    model = vision_models.model_asked(ask.model)
    said = [model, ask.prompt_version, ask.instructions, ask.language, ask.detail, ask.vocabulary]
    if model == BASIC:
        # What it once said of colours and light is no answer any more.
        said.append("reads")
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def find_answer(session: Session, image: Image, ask: Question) -> ImageAnalysis | None:
    """The newest answer to this question about this picture, in the transaction of its owner."""
    query = (
        select(ImageAnalysis)
        .where(col(ImageAnalysis.image_id) == image.id)
        .where(col(ImageAnalysis.asked) == question_of(ask))
        .order_by(col(ImageAnalysis.created_at).desc(), col(ImageAnalysis.id).desc())
    )
    return session.exec(query.limit(1)).first()


def repeated(found: ImageAnalysis, run_id: UUID) -> ImageAnalysis:
    """The same answer once more, which costs nothing. Says which one was the first."""
    kept = found.model_dump(
        exclude={
            "id", "lease_id", "created_at", "completed_at", "input_tokens", "output_tokens", "cost",
            "run_id", "reused_from", "processing_time",
        }
    )  # fmt: skip
    origin = found.reused_from or found.id
    return ImageAnalysis(**kept, processing_time=0.0, cost=0.0, reused_from=origin, run_id=run_id)

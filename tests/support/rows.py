"""Rows for tests that need pictures in the database but no files in the store."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from imgapp.adapters import db
from imgapp.models import (
    AnalysisStatus,
    DirectUpload,
    Image,
    ImageAnalysis,
    PromptTrial,
    new_id,
    now,
)


def new_image(user_id: UUID, **fields: Any) -> Image:
    """A picture of this person that is not inserted yet."""
    image_id = fields.pop("id", None) or new_id()
    values: dict[str, Any] = {
        "filename": "photo.jpg",
        "s3_key": f"users/{user_id}/images/{image_id}/photo.jpg",
        "s3_bucket": "local",
        "mime_type": "image/jpeg",
        "file_size": 2_000_000,
        "sha256": secrets.token_hex(32),
        "width": 4000,
        "height": 3000,
    }
    return Image(id=image_id, user_id=user_id, **(values | fields))


def add_image(user_id: UUID, **fields: Any) -> Image:
    """Insert a picture of this person."""
    image = new_image(user_id, **fields)
    with db.transaction(user_id) as session:
        session.add(image)
    return image


def add_analysis(image: Image, **fields: Any) -> ImageAnalysis:
    """Insert an answer of a describer and make it the picture's newest."""
    values = {"processing_time": 1.5, "model_version": "test-1", "description": "A dog"}
    analysis = ImageAnalysis(image_id=image.id, user_id=image.user_id, **(values | fields))
    with db.transaction(image.user_id) as session:
        session.add(analysis)
        session.flush()
        row = session.get_one(Image, image.id)
        row.analysis_id = analysis.id
        row.analysis_status = AnalysisStatus.COMPLETED
        row.completed_at = analysis.completed_at
    return analysis


def add_upload(user_id: UUID, **fields: Any) -> DirectUpload:
    """Insert a direct upload of this person, of which nothing has arrived."""
    upload_id = new_id()
    values: dict[str, Any] = {
        "filename": "photo.jpg",
        "size": 2_000_000,
        "part_size": 2_000_000,
        "s3_bucket": "pictures",
        "s3_key": f"incoming/{user_id}/{upload_id}",
        "expires_at": now() + timedelta(hours=1),
    }
    upload = DirectUpload(id=upload_id, user_id=user_id, **(values | fields))
    with db.transaction(user_id) as session:
        session.add(upload)
    return upload


def add_trial(user_id: UUID, **fields: Any) -> UUID:
    """Insert a trial of a prompt on one picture, which nobody has answered."""
    trial_id, image = new_id(), add_image(user_id)
    with db.transaction(user_id) as session:
        for side in ("now", "new"):
            values: dict[str, Any] = {"template": "In {language}", "prompt_version": "2"}
            row = PromptTrial(
                user_id=user_id,
                trial_id=trial_id,
                image_id=image.id,
                side=side,
                **(values | fields),
            )
            session.add(row)
    return trial_id

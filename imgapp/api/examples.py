"""The examples in the OpenAPI document, by the name of their schema."""

from __future__ import annotations

from typing import Any

EXAMPLE_ID = "019a2f5e-7c41-7b1c-9d53-2f0a6e1b8c44"
_LINK = f"/api/files/019a2f5d-11aa-7e02-8c11-5b6d0f3c9a10/{EXAMPLE_ID}"
_SIGNED = "expires=1783170000&signature=Zk3vX0cQ1y8mS2nB7hT4wJ6rL9pA5dGfE0uKiOoPqRs"

_SUMMARY: dict[str, Any] = {
    "id": "019a2f5e-9b02-7d6e-a1f7-4c8e2d5b7f90",
    "model_version": "gpt-5.4-mini",
    "processing_time": 2.31,
    "created_at": "2026-07-04T12:30:02.120000Z",
    "completed_at": "2026-07-04T12:30:04.430000Z",
}

_TEXTS: dict[str, Any] = {
    "alt_text": "A red bicycle leaning against a whitewashed wall",
    "description": "A red city bicycle leans against a whitewashed wall in the evening sun.",
    "tags": ["bicycle", "wall", "evening"],
    "visible_text": None,
    "decorative": False,
    "language": "en",
}

_IMAGE: dict[str, Any] = {
    "id": EXAMPLE_ID,
    "filename": "IMG_2041.jpg",
    "mime_type": "image/jpeg",
    "file_size": 2_184_113,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "width": 4032,
    "height": 3024,
    "uploaded_at": "2026-07-04T12:30:01.804512Z",
    "status": "completed",
    "waiting_reason": None,
    **_TEXTS,
    "written_by": {"alt_text": "person", "description": "model", "tags": "model"},
    "facts": {"camera": "FUJIFILM X100V"},
    "analysis": _SUMMARY,
    "error": None,
    "urls": {name: f"{_LINK}/{name}?{_SIGNED}" for name in ("thumbnail", "preview", "original")},
    "duplicate": None,
}

_ANALYSIS: dict[str, Any] = {
    **_SUMMARY,
    **_TEXTS,
    "prompt_version": "2",
    "input_tokens": 912,
    "output_tokens": 143,
    "cost": None,
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "ImagePublic": _IMAGE,
    "ImagePage": {
        "items": [_IMAGE],
        "next_cursor": "AAZWZ0mKQkABmi9efEF7HJ1TLwpuG4xEo1V8Yt0pJb2n9Qw3rS6mdA",
        "total": 1204,
    },
    "ImageStatus": {
        "id": EXAMPLE_ID,
        "status": "pending",
        "waiting_reason": None,
        "attempts": 1,
        "error": None,
        "queued_at": "2026-07-04T12:30:01.804512Z",
        "started_at": "2026-07-04T12:30:02.120000Z",
        "completed_at": None,
    },
    "AnalysisPublic": _ANALYSIS,
    "AnalysesPage": {"items": [_ANALYSIS], "next_cursor": None},
    "Problem": {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "Not found",
        "instance": f"/api/images/{EXAMPLE_ID}",
        "code": "not_found",
    },
}

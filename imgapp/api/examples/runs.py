"""Runs and suggestions, as examples."""

from __future__ import annotations

from typing import Any

from imgapp.api.examples.images import EXAMPLE_ID
from imgapp.api.examples.spending import ESTIMATE

_FILTER: dict[str, Any] = {
    "status": None,
    "q": None,
    "tag": None,
    "batch": None,
    "language": None,
    "state": None,
    "model_version": "basic-1",
    "error": None,
}
_RUN: dict[str, Any] = {
    "id": "019a2f60-0a11-7c3d-8e2f-9d0c1b2a3f44",
    "filter": _FILTER,
    "model": "gpt-5.4-mini",
    "language": None,
    "detail": "detailed",
    "made_from": None,
    "use": None,
    "reuse": True,
    "total": 340,
    "pictures": {
        "waiting": 0,
        "queued": 212,
        "completed": 126,
        "reused": 1,
        "failed": 1,
        "skipped": 0,
        "cancelled": 0,
    },
    "created_at": "2026-07-04T12:40:00.113000Z",
    "cancelled_at": None,
    "finished_at": None,
}
_ITEM: dict[str, Any] = {
    "image_id": EXAMPLE_ID,
    "outcome": "completed",
    "finished_at": "2026-07-04T12:40:07.120000Z",
}

RUNS: dict[str, dict[str, Any]] = {
    "RunPublic": _RUN,
    "RunPage": {"items": [_RUN], "next_cursor": None},
    "RunItemPage": {"items": [_ITEM], "next_cursor": None},
    "RunPreview": {"total": 340, "estimate": ESTIMATE},
    "VisionModels": {
        "default": "gpt-5.4-mini",
        "models": ["gpt-5.4-mini", "gpt-5.4", "basic-1"],
        "configured": True,
    },
    "Suggestions": {
        "items": [
            {
                "field": "alt_text",
                "written": "My bike",
                "suggested": "A red bicycle leaning against a whitewashed wall",
                "analysis_id": "019a2f5e-9b02-7d6e-a1f7-4c8e2d5b7f90",
                "model_version": "gpt-5.4-mini",
                "language": "en",
                "kept": False,
            }
        ]
    },
}

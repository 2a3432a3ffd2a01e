"""Batches and their files, as examples."""

from __future__ import annotations

from typing import Any

from imgapp.api.examples.images import EXAMPLE_ID

_SUMMARY: dict[str, Any] = {
    "id": "019a2f5e-9d10-7a44-8a0b-6a1f0c2e9b31",
    "name": "Spring catalogue",
    "context": "Product pages of a shoe shop",
    "created_at": "2026-07-04T12:30:00Z",
    "updated_at": "2026-07-04T12:31:12Z",
    "cancelled_at": None,
    "files": {
        "waiting": 120,
        "fetching": 2,
        "added": 874,
        "duplicate": 3,
        "refused": 1,
        "cancelled": 0,
    },
}
_REFUSED: dict[str, Any] = {
    "id": "019a2f5e-9d11-7f01-b1c2-1d0e9f8a7b6c",
    "filename": None,
    "url": "https://pictures.example.org/gone.jpg",
    "outcome": "refused",
    "image_id": None,
    "code": "http_error",
    "detail": "The server answered 404.",
    "created_at": "2026-07-04T12:30:00Z",
    "finished_at": "2026-07-04T12:30:02Z",
}

BATCHES: dict[str, dict[str, Any]] = {
    "BatchPublic": {
        **_SUMMARY,
        "pictures": {"pending": 860, "in_progress": 4, "completed": 12, "failed": 1},
        "finished_at": None,
    },
    "BatchPage": {"items": [_SUMMARY], "next_cursor": None},
    "BatchFilePage": {
        "items": [
            _REFUSED,
            {
                **_REFUSED,
                "id": "019a2f5e-9d12-7c22-8d3e-2e1f0a9b8c7d",
                "filename": "harbour.jpg",
                "url": "https://pictures.example.org/harbour.jpg",
                "outcome": "added",
                "image_id": EXAMPLE_ID,
                "code": None,
                "detail": None,
            },
        ],
        "next_cursor": None,
    },
}

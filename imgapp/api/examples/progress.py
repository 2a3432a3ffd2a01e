"""Progress, failures and the queue, as examples."""

from __future__ import annotations

from typing import Any

from imgapp.api.examples.images import EXAMPLE_ID

_DOWN = "The vision model server failed (HTTP 503)"
_FAILURE: dict[str, Any] = {
    "id": EXAMPLE_ID,
    "filename": "bicycle.jpg",
    "error": {
        "code": "model_timeout",
        "message": "The vision model did not answer in time. imgapp tried 5 times.",
    },
    "attempts": 5,
    "lost_attempts": 0,
    "queued_at": "2026-07-04T12:29:00Z",
    "failed_at": "2026-07-04T12:30:00Z",
    "thumbnail": f"/api/files/019a2f5d-11aa-7e02-8c11-5b6d0f3c9a10/{EXAMPLE_ID}/thumbnail"
    "?expires=1783170000&signature=qZ3vJm0",
}

PROGRESS: dict[str, dict[str, Any]] = {
    "ProgressPublic": {
        "since": "2026-07-04T12:29:00Z",
        "total": 40,
        "done": 3,
        "waiting": 36,
        "in_progress": 1,
        "ahead": 2,
        "seconds_each": None,
        "waiting_for": [
            {
                "reason": "provider_down",
                "message": _DOWN,
                "since": "2026-07-04T12:29:30Z",
                "images": 36,
            }
        ],
        "failed": 1,
        "failures": [{"code": "model_timeout", "images": 1}],
    },
    "FailurePage": {"items": [_FAILURE], "next_cursor": None},
    "Queued": {"queued": 12},
    "QueuePublic": {
        "at": "2026-07-04T12:30:02Z",
        "paused": False,
        "paused_at": None,
        "max_in_flight": 8,
        "requests_per_minute": 500,
        "tokens_per_minute": None,
        "workers": 2,
        "waiting": 1240,
        "in_flight": 8,
        "oldest_in_flight_at": "2026-07-04T12:29:58Z",
        "lanes": [
            {
                "priority": "interactive",
                "waiting": 40,
                "delayed": 1,
                "people": 2,
                "oldest_at": "2026-07-04T12:29:00Z",
            },
            {
                "priority": "bulk",
                "waiting": 1200,
                "delayed": 0,
                "people": 1,
                "oldest_at": "2026-07-04T11:10:00Z",
            },
        ],
        "waiting_for": [{"reason": "budget", "images": 700, "people": 1}],
        "troubles": [
            {
                "model": "gpt-5.4-mini",
                "code": "model_unavailable",
                "message": _DOWN,
                "since": "2026-07-04T12:29:30Z",
                "until": "2026-07-04T12:30:10Z",
            }
        ],
        "throughput": {
            "completed_last_minute": 96,
            "failed_last_minute": 1,
            "completed_last_5_minutes": 480,
            "failed_last_5_minutes": 2,
        },
        "failed": 14,
        "failures": [
            {
                "code": "model_timeout",
                "images": 14,
                "people": 3,
                "latest_at": "2026-07-04T12:30:00Z",
            }
        ],
    },
}

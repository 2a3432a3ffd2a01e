"""Pictures that are queued again: a fresh start for one that was described, or has failed."""

from __future__ import annotations

from typing import Any

from imgapp.models import AnalysisStatus, Image, Priority, now


def queue_again(image: Image, priority: Priority) -> None:
    """Let a picture wait for an analysis as if it were new."""
    for name, value in waiting_anew(priority).items():
        setattr(image, name, value)


def waiting_anew(priority: Priority) -> dict[str, Any]:
    """The columns of a picture that waits for an analysis as if it were new."""
    at = now()
    return {
        "analysis_status": AnalysisStatus.PENDING,
        "priority": priority,
        "queued_at": at,
        "due_at": at,
        # Told of all the same, where nothing is changed that a page shows.
        "updated_at": at,
        "started_at": None,
        "completed_at": None,
        "attempts": 0,
        "lost_attempts": 0,
        "error_code": None,
        "error_message": None,
    }

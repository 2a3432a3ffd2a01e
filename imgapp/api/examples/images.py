"""Pictures, their analyses and what comes in, as examples."""

from __future__ import annotations

from typing import Any

EXAMPLE_ID = "019a2f5e-7c41-7b1c-9d53-2f0a6e1b8c44"
_LINK = f"/api/files/019a2f5d-11aa-7e02-8c11-5b6d0f3c9a10/{EXAMPLE_ID}"
_SIGNED = "expires=1783170000&signature=Zk3vX0cQ1y8mS2nB7hT4wJ6rL9pA5dGfE0uKiOoPqRs"
_UPLOAD_ID = "019a2f5e-8c13-7a55-9b20-5e1d4c3b2a19"
_PART = "https://pictures.s3.eu-central-1.amazonaws.com/incoming/019a2f5d/019a2f5e"

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

_GERMAN: dict[str, Any] = {
    "alt_text": "Ein rotes Fahrrad lehnt an einer weißen Wand",
    "description": None,
    "tags": ["Fahrrad", "Wand"],
    "decorative": False,
}

TEXT: dict[str, Any] = {
    "language": "de",
    **_GERMAN,
    "written_by": {"alt_text": "person", "tags": "model"},
    "model_version": "gpt-5.4-mini",
    "prompt_version": "2",
    "made_from": "en",
    "state": "approved",
    "state_at": "2026-07-06T09:12:44.310000Z",
    "state_by": "019a2f5d-11aa-7e02-8c11-5b6d0f3c9a10",
    "note": None,
    "approved": _GERMAN,
    "approved_at": "2026-07-06T09:12:44.310000Z",
    "doubts": [],
    "changed_at": "2026-07-06T09:12:44.310000Z",
}

_CHOSEN: dict[str, Any] = {"language": "de", "state": "approved", **_GERMAN}

_FOR_USE: dict[str, Any] = {
    "role": "functional",
    "alt_text": "Zum roten Fahrrad",
    "description": None,
}

_USE: dict[str, Any] = {
    "id": "019a2f61-0a11-7c3b-9d22-7b1f6c4e8a90",
    "name": "https://shop.example/bicycles/7",
    **_FOR_USE,
    "context": "Leads to the page of the bicycle",
    "language": "de",
    "written_by": {"alt_text": "person"},
    "state": "approved",
    "state_at": "2026-07-06T09:14:10.120000Z",
    "state_by": "019a2f5d-11aa-7e02-8c11-5b6d0f3c9a10",
    "note": None,
    "approved": _FOR_USE,
    "doubts": [],
    "holds": _CHOSEN | {"alt_text": "Zum roten Fahrrad", "tags": None},
    "created_at": "2026-07-06T09:14:02.800000Z",
    "changed_at": "2026-07-06T09:14:10.120000Z",
}

IMAGE: dict[str, Any] = {
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
    "restored_from": {},
    "texts": {"de": TEXT},
    "text": None,
    "context": "Product pages of a bicycle shop",
    "never_cloud": False,
    "facts": {"camera": "FUJIFILM X100V"},
    "placeholder": "AkqNvKPK2oFlTHBRNg8=",
    "analysis": _SUMMARY,
    "error": None,
    "urls": {name: f"{_LINK}/{name}?{_SIGNED}" for name in ("thumbnail", "preview", "original")},
    "duplicate": None,
}

_TO_REVIEW: dict[str, Any] = {
    "image_id": EXAMPLE_ID,
    "language": "de",
    "place": f"0-{EXAMPLE_ID}",
    "etag": "644b1f2e9c3a0",
    "second": False,
    "blind": False,
    "image": IMAGE,
}

_ANALYSIS: dict[str, Any] = {
    **_SUMMARY,
    **_TEXTS,
    "prompt_version": "2",
    "input_tokens": 912,
    "output_tokens": 143,
    "cost": None,
    "detail": "standard",
    "reused_from": None,
    "run_id": None,
    "differs": ["alt_text"],
}

PICTURES: dict[str, dict[str, Any]] = {
    "ImagePublic": IMAGE,
    "TextPublic": TEXT,
    "Coverage": {
        "language": "de",
        "counted_at": "2026-07-06T09:20:00Z",
        "pictures": 1204,
        "missing": 310,
        "draft": 402,
        "returned": 12,
        "approved": 480,
        "decorative": 31,
        "stale": 7,
        "by_model": 388,
        "oldest_waiting": "2026-06-28T07:45:12.120000Z",
        "doubts": [{"rule": "unsourced_name", "texts": 41}],
        "reviewers": [
            {
                "user_id": "019a2f5d-11aa-7e02-8c11-5b6d0f3c9a10",
                "email": "you@example.org",
                "texts": 480,
            }
        ],
        "course": [{"day": "2026-07-06", "approved": 212, "returned": 12}],
    },
    "TextRules": {
        "items": [
            {
                "id": "hedge",
                "sentence": "It is not sure of what it says.",
                "source": "W3C, Images Tutorial: https://www.w3.org/WAI/tutorials/images/",
            }
        ],
        "next_cursor": None,
    },
    "UsePublic": _USE,
    "UsesPublic": {"items": [_USE], "next_cursor": None, "text": _CHOSEN},
    "TextChangesPage": {
        "items": [
            {
                "id": "019a2f60-1b02-7d6e-a1f7-4c8e2d5b7f11",
                "kind": "approved",
                "at": "2026-07-06T09:12:44.310000Z",
                "actor_id": "019a2f5d-11aa-7e02-8c11-5b6d0f3c9a10",
                "words": _GERMAN,
                "written_by": {"alt_text": "person", "tags": "model"},
                "made_from": "en",
                "note": None,
            }
        ],
        "next_cursor": None,
    },
    "ReviewQueue": {
        "items": [_TO_REVIEW],
        "total": 340,
        "leased_seconds": 90,
        "leased_until": "2026-07-06T09:14:14.310000Z",
    },
    "ReviewedText": {"etag": "644b1f2e9c3a0", "text": TEXT},
    "Agreement": {"looked_at": 42, "agreed": 37, "waiting": 5},
    "ImagePage": {
        "items": [IMAGE],
        "next_cursor": "AAZWZ0mKQkABmi9efEF7HJ1TLwpuG4xEo1V8Yt0pJb2n9Qw3rS6mdA",
        "total": 1204,
    },
    "TimelineAnswer": {
        "total": 3,
        "days": [{"date": "2026-07-05", "count": 2}, {"date": "2026-07-04", "count": 1}],
        "ratios": "mlq0",
    },
    "ImageStatus": {
        "id": EXAMPLE_ID,
        "status": "pending",
        "waiting_reason": "provider_down",
        "waiting": {
            "reason": "provider_down",
            "message": "The vision model server failed (HTTP 503)",
            "since": "2026-07-04T12:30:04.518800Z",
        },
        "attempts": 1,
        "error": None,
        "queued_at": "2026-07-04T12:30:01.804512Z",
        "started_at": "2026-07-04T12:30:02.120000Z",
        "completed_at": None,
    },
    "AnalysisPublic": _ANALYSIS,
    "AnalysesPage": {"items": [_ANALYSIS], "next_cursor": None},
    "UploadResponse": {
        "images": [IMAGE],
        "rejected": [
            {
                "filename": "notes.txt",
                "code": "not_an_image",
                "detail": "The file is not an image.",
            }
        ],
    },
    "HashMatches": {
        "items": [IMAGE],
        "missing": ["2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"],
    },
    "UploadRequests": {
        "id": _UPLOAD_ID,
        "method": "PUT",
        "url": None,
        "headers": {},
        "part_size": 8_388_608,
        "parts": [
            {"number": 1, "size": 8_388_608, "url": f"{_PART}?partNumber=1&X-Amz-Signature=0c1d…"},
            {"number": 2, "size": 8_388_608, "url": f"{_PART}?partNumber=2&X-Amz-Signature=7e2f…"},
            {"number": 3, "size": 3_222_784, "url": f"{_PART}?partNumber=3&X-Amz-Signature=a98b…"},
        ],
        "urls_expire_at": "2026-07-04T13:30:00Z",
        "expires_at": "2026-07-05T12:30:00Z",
    },
    "UploadStatus": {
        "id": _UPLOAD_ID,
        "state": "open",
        "filename": "panorama.tif",
        "size": 20_000_000,
        "sha256": None,
        "part_size": 8_388_608,
        "parts": [
            {"number": 1, "size": 8_388_608, "arrived": True},
            {"number": 2, "size": 8_388_608, "arrived": True},
            {"number": 3, "size": 3_222_784, "arrived": False},
        ],
        "created_at": "2026-07-04T12:30:00Z",
        "expires_at": "2026-07-05T12:30:00Z",
        "image_id": None,
        "error": None,
    },
}

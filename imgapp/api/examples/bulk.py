"""Many pictures at once, and the trash, as examples."""

from __future__ import annotations

from typing import Any

from imgapp.api.examples.images import EXAMPLE_ID, IMAGE

BULK: dict[str, dict[str, Any]] = {
    "BulkActionResult": {
        "action": "add_tags",
        "asked": 40,
        "changed": 38,
        "left": 0,
        "run_id": None,
    },
    "ImageIds": {"ids": [EXAMPLE_ID]},
    "TrashPage": {
        "items": [
            {
                "image": IMAGE,
                "deleted_at": "2026-07-05T08:00:00.120000Z",
                "purged_at": "2026-08-04T08:00:00.120000Z",
            }
        ],
        "next_cursor": None,
        "total": 1,
    },
}

"""The examples in the OpenAPI document, by the name of their schema."""

from __future__ import annotations

from typing import Any

from imgapp import __version__
from imgapp.api.examples.batches import BATCHES
from imgapp.api.examples.bulk import BULK
from imgapp.api.examples.descriptions import DESCRIPTIONS
from imgapp.api.examples.images import EXAMPLE_ID, PICTURES
from imgapp.api.examples.models import MODELS
from imgapp.api.examples.people import PEOPLE
from imgapp.api.examples.progress import PROGRESS
from imgapp.api.examples.runs import RUNS
from imgapp.api.examples.spending import SPENDING
from imgapp.api.examples.webhooks import WEBHOOKS

EXAMPLES: dict[str, dict[str, Any]] = {
    **PICTURES,
    **BATCHES,
    **BULK,
    **RUNS,
    **MODELS,
    **PROGRESS,
    **DESCRIPTIONS,
    **WEBHOOKS,
    **PEOPLE,
    **SPENDING,
    "Health": {
        "status": "ok",
        "version": __version__,
        "checks": {"database": "ok", "redis": "ok", "store": "ok"},
        "workers": 1,
    },
    "Problem": {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "Not found",
        "instance": f"/api/images/{EXAMPLE_ID}",
        "code": "not_found",
    },
}

__all__ = ["EXAMPLES", "EXAMPLE_ID"]

"""Preferences, prompts and their trials, as examples."""

from __future__ import annotations

from typing import Any

from imgapp.api.examples.images import EXAMPLE_ID

_TEMPLATE = "Describe the picture in {language}: {detail}. {context} {glossary} {vocabulary}"
_BUILT_IN = "You write the texts of a picture library: …"
_VERSION: dict[str, Any] = {
    "number": 3,
    "version": "own-3",
    "template": _TEMPLATE,
    "author": None,
    "created_at": "2026-07-04T12:30:00Z",
}
_ANSWER: dict[str, Any] = {
    "state": "answered",
    "prompt_version": "tried",
    "alt_text": "Red city bicycle, 28 inch, with a basket",
    "description": "A red city bicycle with a wicker basket leans against a whitewashed wall.",
    "tags": ["bicycle", "basket"],
    "visible_text": None,
    "decorative": False,
    "language": "en",
    "model_version": "gpt-5.4-mini",
    "processing_time": 2.4,
    "input_tokens": 1180,
    "output_tokens": 131,
    "cost": None,
    "made_at": None,
    "error": None,
}
_PRESENT: dict[str, Any] = {
    **_ANSWER,
    "prompt_version": "2",
    "alt_text": "A red bicycle leaning against a whitewashed wall",
    "made_at": "2026-07-04T12:30:04.430000Z",
    "input_tokens": None,
    "output_tokens": None,
}

DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "PreferencesPublic": {
        "language": "de",
        "context": "Product pages of a shoe shop",
        "glossary": "Derby: a shoe with open lacing",
        "glossaries": {"de": "Derby: Schnürschuh mit offener Schnürung"},
        "further_languages": ["en"],
        "approve_own": False,
        "rules_off": [],
        "review_blind_share": 0,
        "review_second_share": 10,
        "vocabulary": ["sandal", "boot"],
        "never_cloud": False,
        "paused": False,
        "paused_at": None,
        "updated_at": "2026-07-04T12:30:00Z",
    },
    "PromptPublic": {
        "version": "own-3",
        "template": _TEMPLATE,
        "changed": True,
        "default_version": "2",
        "default": _BUILT_IN,
        "built_in_version": "2",
        "built_in": _BUILT_IN,
        "variables": {"language": "the language to write in, such as “Portuguese (Brazil)”"},
        "updated_at": "2026-07-04T12:30:00Z",
    },
    "PromptVersions": {"items": [_VERSION], "next_cursor": None},
    "TrialPublic": {
        "id": "019a2f5e-a013-7b66-9c21-6f2e5d4c3b2a",
        "created_at": "2026-07-04T12:31:00Z",
        "finished": True,
        "pictures": [{"image_id": EXAMPLE_ID, "now": _PRESENT, "new": _ANSWER}],
    },
}

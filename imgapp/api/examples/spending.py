"""Examples of spending: tokens, dollars, budgets (OpenAPI)."""

from __future__ import annotations

from typing import Any

_SPENT: dict[str, Any] = {
    "answers": 1200,
    "failures": 3,
    "unpriced": 0,
    "input_tokens": 1_094_400,
    "output_tokens": 171_600,
    "cost": 1.593,
}
_MONTH: dict[str, Any] = {
    **_SPENT,
    "month": "2026-07",
    "models": [{**_SPENT, "model": "gpt-5.4-mini"}],
}
_PERSON: dict[str, Any] = {
    **_SPENT,
    "id": "019a2f5d-11aa-7e02-8c11-5b6d0f3c9a10",
    "email": "carol@example.org",
    "own_budget": None,
    "budget": 5.0,
}

ESTIMATE: dict[str, Any] = {
    "pictures": 1000,
    "model": "gpt-5.4-mini",
    "basis": "own",
    "input_tokens": 912_000,
    "output_tokens": 143_000,
    "cost": 1.3275,
    "left": 3.407,
    "fits": 1000,
    "enough": True,
}

SPENDING: dict[str, dict[str, Any]] = {
    "SpendingPublic": {
        "budget": {
            "limit": 5.0,
            "spent": 1.593,
            "reserved": 0.0106,
            "left": 3.407,
            "used_up": False,
            "everybody_used_up": False,
            "resets_at": "2026-08-01T00:00:00Z",
        },
        "months": [_MONTH],
    },
    "EverybodysSpending": {"months": [_MONTH]},
    "PeopleSpent": {"month": "2026-07", "items": [_PERSON], "next_cursor": None},
    "PersonSpent": _PERSON,
    "Estimate": ESTIMATE,
}

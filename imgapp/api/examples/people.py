"""Accounts, sessions, tokens and the audit trail, as examples."""

from __future__ import annotations

from typing import Any

_USER_ID = "019a2f5d-11aa-7e02-8c11-5b6d0f3c9a10"

_TOKEN: dict[str, Any] = {
    "id": "019a2f61-3d4e-7f50-a162-7c8d9e0f1021",
    "name": "laptop",
    "hint": "imgapp_8Qz4",
    "scopes": ["read"],
    "created_at": "2026-07-04T12:00:00Z",
    "expires_at": None,
    "last_used_at": "2026-07-04T12:30:00Z",
}
_SESSION: dict[str, Any] = {
    "id": "019a2f61-4e5f-7061-b273-8d9e0f102132",
    "device": "Firefox on Linux",
    "address": "203.0.113.9",
    "auth_method": "password",
    "created_at": "2026-07-01T08:00:00Z",
    "last_seen_at": "2026-07-04T12:30:00Z",
    "current": True,
}
_PERSON: dict[str, Any] = {
    "id": _USER_ID,
    "email": "carol@example.org",
    "is_admin": False,
    "created_at": "2026-07-01T08:00:00Z",
    "disabled_at": None,
    "deleting_at": None,
    "last_seen_at": "2026-07-04T12:30:00Z",
    "has_password": True,
    "has_identity": False,
    "images": 1204,
    "bytes": 2_629_672_052,
    "quota_images": None,
    "quota_bytes": 10_000_000_000,
}
_EVENT: dict[str, Any] = {
    "id": "019a2f61-5f60-7172-8384-9e0f10213243",
    "at": "2026-07-04T12:30:00Z",
    "kind": "signed_in",
    "user_id": _USER_ID,
    "email": "carol@example.org",
    "address": "203.0.113.9",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "details": {},
}

_INSTALLATION = {
    "paused": False,
    "paused_at": None,
    "max_in_flight": 8,
    "requests_per_minute": 500,
    "tokens_per_minute": 200_000,
    "models": ["gpt-5.4"],
    "prices": {"gpt-5.4-mini": {"input": 0.75, "output": 4.5}},
    "budget": 50.0,
    "person_budget": None,
    "updated_at": "2026-07-04T12:30:02.120000Z",
}

PEOPLE: dict[str, dict[str, Any]] = {
    "Account": {
        "id": _USER_ID,
        "email": "carol@example.org",
        "is_admin": False,
        "created_at": "2026-07-01T08:00:00Z",
        "has_password": True,
        "password_is_temporary": False,
        "password_changed_at": None,
        "linked": [],
        "usage": {
            "images": 1204,
            "bytes": 2_629_672_052,
            "quota_images": None,
            "quota_bytes": 10_000_000_000,
        },
    },
    "SessionPublic": _SESSION,
    "SessionList": {"items": [_SESSION], "next_cursor": None},
    "TokenPublic": _TOKEN,
    "TokenList": {"items": [_TOKEN], "next_cursor": None},
    "NewToken": {**_TOKEN, "token": "imgapp_8Qz4mZ0sV2dT7kYpXnR5cLwBqJ1hGfEa"},
    "PersonPublic": _PERSON,
    "PeoplePage": {"items": [_PERSON], "next_cursor": None},
    "NewPerson": {**_PERSON, "images": 0, "bytes": 0, "password": "vague-otter-kettle-42"},
    "OneTimePassword": {"password": "vague-otter-kettle-42"},
    "InstallationPublic": _INSTALLATION,
    "AuditPage": {"items": [_EVENT], "next_cursor": None},
}

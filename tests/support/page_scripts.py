"""The JavaScript that each page of the build loads by itself, and the most that it may be."""

from __future__ import annotations

import re
from pathlib import Path

from imgapp.adapters import frontend

LIMITS = {
    "/": 341_000,
    "/failures": 256_000,
    "/trash": 253_000,
    "/account": 258_000,
    "/descriptions": 262_000,
    "/usage": 259_000,
    "/webhooks": 257_000,
    "/help": 253_000,
    "/models": 260_000,
    "/queue": 257_000,
    "/people": 255_000,
    "/audit": 255_000,
    "/sign-in": 245_000,
}
"""Bytes before compression, by page: half of what they were with React, its router and Emotion."""


def scripts_of(route: str) -> list[Path]:
    """The files that the page of a route names, and with them all that they import."""
    page = frontend.CLIENT / route.strip("/") / "index.html"
    named = set(re.findall(r'"(/[^"]+\.js)"', page.read_text()))
    return [frontend.CLIENT / name.lstrip("/") for name in sorted(named)]

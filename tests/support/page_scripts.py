"""The JavaScript that each page of the build loads by itself, and the most that it may be."""

from __future__ import annotations

import re
from pathlib import Path

from imgapp.adapters import frontend

LIMITS = {"/": 300_000, "/review": 200_000} | dict.fromkeys(
    [
        *("/coverage", "/failures", "/trash", "/account", "/descriptions", "/usage"),
        *("/webhooks", "/help", "/models", "/queue", "/people", "/audit", "/sign-in"),
    ],
    190_000,
)
"""Bytes before compression, by page. With React, its router and Emotion it was 682,000 in the
gallery, and from 495,000 to 525,000 elsewhere."""


def scripts_of(route: str) -> list[Path]:
    """The files that the page of a route names, and with them all that they import."""
    page = frontend.CLIENT / route.strip("/") / "index.html"
    named = set(re.findall(r'"(/[^"]+\.js)"', page.read_text()))
    return [frontend.CLIENT / name.lstrip("/") for name in sorted(named)]

"""The JavaScript that each page of the build loads before it is live, and the most it may be."""

from __future__ import annotations

import re

from imgapp.adapters import frontend

_SCRIPT = re.compile(r'(?:rel="modulepreload" href|<script src|href|from|import)="?\s*"?(/[^"]+\.js)"')

LIMITS: dict[str, int] = dict.fromkeys(
    ["/", "/failures", "/trash", "/account", "/descriptions", "/usage", "/webhooks", "/help",
     "/models", "/queue", "/people", "/audit", "/sign-in"], 400_000)
"""Bytes of each page, before compression."""

"""User agents: name a browser in words, such as "Firefox on Windows"."""

from __future__ import annotations

import re

# In this order: each of them also claims to be those that come after it.
_BROWSERS = {
    "Edge": r"Edg(e|A|iOS)?/",
    "Opera": r"OPR/|OPiOS/",
    "Samsung Internet": r"SamsungBrowser/",
    "Vivaldi": r"Vivaldi/",
    "Firefox": r"Firefox/|FxiOS/",
    "Chrome": r"Chrome/|CriOS/|Chromium/",
    "Safari": r"Safari/",
    "curl": r"^curl/",
    "A Python program": r"^python-|^Python/",
}
_SYSTEMS = {
    "Windows": r"Windows NT",
    "Android": r"Android",
    "iPhone": r"iPhone",
    "iPad": r"iPad",
    "ChromeOS": r"CrOS",
    "macOS": r"Macintosh|Mac OS X",
    "Linux": r"Linux|X11",
}


def device_of(user_agent: str) -> str:
    """Browser and system in words, as far as the user agent tells them."""
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown browser"


def _first(names: dict[str, str], user_agent: str) -> str | None:
    return next((name for name, sign in names.items() if re.search(sign, user_agent)), None)

"""Contrast of the page's colours in every state, light and dark (WCAG 2.2, 1.4.3).

What a text may stand on is not guessed from what a test happens to show: every ink is held against
every ground, and every rule that has both against itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.support.node import ASSETS

Colour = tuple[float, float, float]

LEAST = 4.5
MODES = ("light", "dark")
INKS = {"ink", "ink-soft", "ink-quiet", "accent", "accent-hover", "bad", "warn"}
"""What texts are written in, wherever they stand."""
GROUNDS = {
    *("paper", "raised", "well", "well-bright", "stage"),
    *("accent-soft", "bad-soft", "warn-soft"),
}
"""What any text may stand on."""
OVER_PICTURES = {"badge", "veil"}
"""Grounds that let something through."""
ON_SOLID = {"on-accent", "on-bad", "paper"}
"""Inks of rules that bring a ground of their own with them."""
MARKS = {"found"}
"""Grounds that bring their ink with them."""
CHECKS = {"check", "check-bright"}
"""The squares under a picture that is partly transparent."""
LINES = {"line", "line-strong"}
FADED = {
    # WCAG asks nothing of what cannot be used, and of what is there for an instant.
    ".button:disabled",
    '.viewer-step[aria-disabled="true"]',
    '.viewer[aria-busy="true"] .viewer-panel',
    # No texts: pictures, bars of light, lines.
    *(".offer", ".offer:hover", ".scrubber-month"),
    '.card[data-status="in_progress"] .picture::before',
}
BLACK, WHITE = (0.0, 0.0, 0.0), (255.0, 255.0, 255.0)

STYLES = {path.name: path.read_text() for path in sorted((ASSETS / "styles").glob("*.css"))}


def rules() -> Iterator[tuple[str, dict[str, str]]]:
    """Every rule with declarations, by its selector; those for printing and for colours of the
    system's own choosing are left out."""
    for text in STYLES.values():
        plain = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        for left_out in (r"@media (?:print|\(forced-colors)[^{]*", r"@keyframes [\w-]+ "):
            plain = re.sub(left_out + r"\{(?:[^{}]*\{[^{}]*\})*\s*\}", "", plain)
        for selector, body in re.findall(r"([^{};]+)\{([^{}]*)\}", plain):
            pairs = (line.partition(":") for line in re.split(r";\s*", body) if ":" in line)
            yield selector.strip(), {name.strip(): value.strip() for name, _, value in pairs}


def tokens(mode: str) -> dict[str, str]:
    found = {}
    for name, value in re.findall(r"--([\w-]+): ([^;]+);", STYLES["tokens.css"]):
        if "light-dark" in value:
            light, dark = re.split(r",\s*(?![^(]*\))", value[len("light-dark(") : -1])
            found[name] = light if mode == "light" else dark
        elif value.startswith(("rgb", "#")):
            found[name] = value
    return found


def layers(value: str, mode: str) -> list[Colour]:
    """A colour as it can come out: one that lets something through, over black and over white."""
    if name := re.fullmatch(r"var\(--([\w-]+)\)", value):
        return layers(tokens(mode)[name[1]], mode)
    if mixed := re.fullmatch(r"color-mix\(in srgb, (.+) (\d+)%, transparent\)", value):
        (colour,), share = layers(mixed[1], mode), int(mixed[2]) / 100
    elif seen := re.fullmatch(r"rgb\((\d+) (\d+) (\d+) / (\d+)%\)", value):
        red, green, blue, percent = map(float, seen.groups())
        colour, share = (red, green, blue), percent / 100
    else:
        digits = value.removeprefix("#")
        assert re.fullmatch(r"[0-9a-f]{6}", digits), value
        red, green, blue = (float(int(digits[at : at + 2], 16)) for at in (0, 2, 4))
        return [(red, green, blue)]
    return [
        tuple(share * own + (1 - share) * below for own, below in zip(colour, under, strict=True))  # type: ignore[misc]
        for under in (BLACK, WHITE)
    ]


def luminance(colour: Colour) -> float:
    """Relative luminance, as WCAG defines it."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (one / 255 for one in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Colour, other: Colour) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def least(ink: str, ground: str, mode: str) -> float:
    return min(contrast(one, other) for one in layers(ink, mode) for other in layers(ground, mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ink", sorted(INKS))
def test_every_ink_is_read_on_every_ground(ink: str, mode: str) -> None:
    found = {
        ground: round(least(f"var(--{ink})", f"var(--{ground})", mode), 2)
        for ground in GROUNDS | {"badge"}
    }
    assert {ground: ratio for ground, ratio in found.items() if ratio < LEAST} == {}


@pytest.mark.parametrize("mode", MODES)
def test_every_rule_that_has_ink_and_ground_is_read(mode: str) -> None:
    found = {}
    for selector, rule in rules():
        ink = rule.get("color", "")
        ground = rule.get("background", rule.get("background-color", ""))
        if ink.startswith("var(") and re.match(r"(var|color-mix|rgb)\(", ground):
            found[selector] = round(least(ink, ground, mode), 2)
    assert {".button.primary", "::highlight(found)", ".notice"} <= found.keys()
    assert {selector: ratio for selector, ratio in found.items() if ratio < LEAST} == {}


def test_a_message_is_read_where_its_button_is_lit() -> None:
    # `color-mix(in srgb, currentcolor 18%, transparent)` over the ground of the message.
    for mode in MODES:
        (ink,), (ground,) = layers("var(--paper)", mode), layers("var(--ink)", mode)
        lit = tuple(0.18 * one + 0.82 * other for one, other in zip(ink, ground, strict=True))
        assert contrast(ink, lit) >= LEAST  # type: ignore[arg-type]


def test_whatever_is_seen_of_a_transparent_picture_stands_out_from_its_ground() -> None:
    dark, bright = (layers(f"var(--{name})", "light")[0] for name in ("check", "check-bright"))
    for extreme in (BLACK, WHITE):
        # What a sign that is no text needs (WCAG 2.2, 1.4.11).
        assert min(contrast(extreme, dark), contrast(extreme, bright)) >= 3
    for level in range(256):
        grey = (float(level),) * 3
        assert max(contrast(grey, dark), contrast(grey, bright)) >= 1.3


def test_every_colour_is_known_here_and_no_text_has_one_of_its_own() -> None:
    known = INKS | GROUNDS | OVER_PICTURES | ON_SOLID | MARKS | CHECKS | LINES
    assert tokens("light").keys() <= known
    for selector, rule in rules():
        ink = rule.get("color")
        if ink is None or ink in ("inherit", "currentcolor", "transparent"):
            continue
        name = ink.removeprefix("var(--").removesuffix(")")
        assert name in INKS | ON_SOLID, f"{selector} {{ color: {ink} }}"
        if name in ON_SOLID:
            assert rule.get("background", "").startswith("var("), f"{selector} has no ground"


def test_no_text_is_faded() -> None:
    faded = {
        selector
        for selector, rule in rules()
        if 0 < float(rule.get("opacity", "1")) < 1 and selector not in FADED
    }
    assert faded == set()

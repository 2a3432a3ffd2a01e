"""The parts of the viewer's modules that need no browser."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote

import pytest

from tests.support.node import ASSETS, run

NASTY = (
    '"><script>alert(1)</script>',
    "' onerror='alert(1)",
    "Tom & Jerry &lt; &amp; &#34;",
    "two\nlines\r\n\tand a tab",
    "\u2028 \u202e right to left",
    "日本語 and 🦊",
    "",
)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("text", NASTY)
def test_an_img_tag_is_one_tag_whatever_the_text_and_the_file_name(text: str) -> None:
    filename = f"{text} (1).jpg".replace("\n", " ")
    written = run(
        "viewer/viewer-copies.js", f"return it.imgTag({json.dumps(text)}, {json.dumps(filename)})"
    )
    tags = Tags()
    tags.feed(written)
    ((name, attributes),) = tags.found
    assert name == "img"
    assert list(attributes) == ["src", "alt"]
    assert unquote(attributes["src"] or "") == filename
    assert attributes["alt"] == " ".join(text.split())


def test_a_source_is_a_name_beside_the_page_and_never_another_address() -> None:
    names = [
        "a b.jpg",
        "javascript:alert(1)",
        "../up.jpg",
        "//evil.example/x.jpg",
        "50%.jpg",
        "a?b#c",
    ]
    sources = run("viewer/viewer-copies.js", f"return {json.dumps(names)}.map(it.source)")
    assert [unquote(source) for source in sources] == names
    for source in sources:
        assert not set(source) & set(":/?#()'\" ")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("A red bicycle", "![A red bicycle](a%20%281%29.jpg)"),
        ("x](evil) ![", r"![x\](evil) !\[](a%20%281%29.jpg)"),
        ("*two*\n_lines_ `<b>`", r"![\*two\* \_lines\_ \`\<b\>\`](a%20%281%29.jpg)"),
        ("back\\slash &copy;", r"![back\\slash \&copy;](a%20%281%29.jpg)"),
    ],
)
def test_markdown_says_what_the_alt_text_says(text: str, written: str) -> None:
    call = f"return it.markdown({json.dumps(text)}, 'a (1).jpg')"
    assert run("viewer/viewer-copies.js", call) == written


def test_advice_for_an_alt_text_names_what_the_craft_advises_against() -> None:
    texts = [
        "A red bicycle leans on a wall",
        "  ",
        "IMG_1234.jpg",
        "A photo of a bicycle",
        "An image showing a chart",
        "Images of the past fade",
        "word " * 40,
    ]
    said = run("viewer/alt-advice.js", f"return {json.dumps(texts)}.map(it.advice)")
    assert [bool(sentence) for sentence in said] == [False, True, True, True, True, False, True]


def test_an_alt_text_is_as_long_as_people_count() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert run("viewer/alt-advice.js", f"return it.lengthOf({json.dumps(f' {family}ab ')})") == 3


def test_an_original_is_loaded_where_it_shows_more_and_can_be_shown() -> None:
    jpeg = {"width": 4000, "height": 3000, "mime_type": "image/jpeg", "file_size": 3_000_000}
    pictures = {
        "camera": jpeg,
        "small": {**jpeg, "width": 1440, "height": 900},
        "moving": {**jpeg, "width": 200, "height": 100, "animated": True, "mime_type": "image/gif"},
        "heavy": {**jpeg, "file_size": 40_000_000},
        "heic": {**jpeg, "mime_type": "image/heic", "format": "HEIC"},
        "unknown": {"id": "x"},
    }
    judge = f"return Object.values({json.dumps(pictures)}).map((one) => [it.bigger(one),"
    found = run("viewer/viewer-original.js", judge + " it.loadsByItself(one), it.notShown(one)]);")
    bigger, by_itself, not_shown = zip(*found, strict=True)
    assert bigger == (1440, 0, 200, 1440, 1440, 0)
    assert by_itself == (True, False, True, False, False, False)
    assert "HEIC" in not_shown[4]
    assert not_shown[0] == ""


def test_every_key_of_the_sheet_has_its_button() -> None:
    names = {"→": "ArrowRight", "←": "ArrowLeft", "Esc": "Escape", "+": "Plus", "-": "Minus"}
    shortcuts = run("viewer/viewer-keys.js", "return it.VIEWER_SHORTCUTS")
    page = ASSETS.parent / "imgapp" / "ui" / "viewer"
    code = "".join(path.read_text() for path in [*ASSETS.rglob("*.jsx"), *page.glob("*.py")])
    for shortcut in shortcuts:
        assert shortcut["text"]
        for key in shortcut["keys"]:
            assert names.get(key, key) in code, key


@pytest.mark.parametrize(
    ("size", "place", "density"),
    [
        # A screenshot of a whole page, drawn 35 pixels wide.
        ((800, 16_000), 35.2, 1),
        ((800, 16_000), 12.5, 3),
        ((16_000, 800), 760, 2),
        ((6_000, 4_000), 760, 1),
        ((800, 600), 752, 1),
        ((640, 480), 640, 1),
        ((300, 200), 300, 2),
    ],
)
def test_every_picture_can_be_seen_in_its_own_size(
    size: tuple[int, int], place: float, density: int
) -> None:
    full, most, steps = run(
        "viewer/viewer-scales.js",
        f"const full = it.fullScale({{ width: {size[0]} }}, {place}, {density});"
        "const most = it.mostScale(full); const steps = [1];"
        "while (steps.length < 40 && steps.at(-1) < most)"
        " steps.push(Math.min(most, steps.at(-1) + it.stepIn(steps.at(-1), full)));"
        "while (steps.length < 80 && steps.at(-1) > 1)"
        " steps.push(Math.max(1, steps.at(-1) - it.stepOut(steps.at(-1), full)));"
        "return [full, most, steps];",
    )
    assert most >= full
    assert len(steps) < 40
    assert steps[-1] == 1
    # Each is seen; the last before an end may be a small one.
    changes = [max(a, b) / min(a, b) for a, b in pairwise(steps) if b not in (1, most)]
    assert all(1.2 < change < 1.9 for change in changes)
    if full >= 1:
        assert any(place * step * density == pytest.approx(size[0]) for step in steps)


def test_a_picture_whose_place_is_not_known_yet_is_zoomed_all_the_same() -> None:
    assert run("viewer/viewer-scales.js", "return it.mostScale(it.fullScale({}, 0, 1));") == 6

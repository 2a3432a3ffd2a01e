"""What is written in a picture is read, and nothing else; a reader that fails costs nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image, ImageDraw, ImageFont

from imgapp.adapters import reading
from imgapp.adapters.imaging.long_pictures import OVERLAP, STEP
from imgapp.adapters.imaging.pool import DecoderPool
from imgapp.adapters.reading import READER, ReadText, read_text
from tests.support.written import LETTER, east_asian, jpeg, many_scripts, page, photo

SetEnv = Callable[..., None]


@pytest.fixture(autouse=True)
def _on(set_env: SetEnv) -> None:
    set_env(IMGAPP_READING="on")


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`use(code)`: a reader that does something else with its job."""
    made: list[DecoderPool] = []

    def script(code: str) -> None:
        command = (sys.executable, "-c", f"import os, sys; {code}")
        made.append(DecoderPool(1, command, name="reader"))
        monkeypatch.setattr(reading, "_pool", made[-1])

    yield script
    for pool in made:
        pool.shutdown()


def read(image: Image.Image) -> ReadText:
    found = read_text(jpeg(image))
    assert found is not None
    return found


def words(found: ReadText) -> str:
    return " ".join(" ".join(found.lines).split())


def test_latin_letters_are_read_with_their_accents() -> None:
    found = read(page("Übergrößen für 25 Straßenräder\nNiño, café, façade", font=many_scripts(40)))
    assert words(found) == "Übergrößen für 25 Straßenräder Niño, café, façade"
    assert 0.05 < found.share < 0.3
    assert found.legible == 1


def test_a_page_is_read_in_its_order_and_its_language_is_told() -> None:
    found = read(page(LETTER))
    assert words(found) == " ".join(LETTER.split())
    assert found.language == "en"


@pytest.mark.parametrize(
    "text", ["今天天气很好\n臺灣繁體中文測試", "こんにちは世界\n東京タワー"], ids=["zh", "ja"]
)
def test_chinese_and_japanese_are_read(text: str) -> None:
    assert read(page(text, font=east_asian(48))).lines == text.splitlines()


@pytest.mark.parametrize("degrees", [180, 8])
def test_a_page_that_lies_otherwise_is_read(degrees: int) -> None:
    turned = page("Seven bicycles for sale").rotate(degrees, fillcolor="white")
    assert words(read(turned)) == "Seven bicycles for sale"


@pytest.mark.parametrize(
    "text",
    [
        "Привет мир\nМосква сегодня\nДобрый день друзья\nКОМА РОТА МОРЕ ТЕМА",
        "Καλημέρα κόσμε\nΕλληνικά γράμματα\nΑΘΗΝΑ 2024",
        "שלום עולם\nמה שלומך היום",
    ],
    ids=["Cyrillic", "Greek", "Hebrew"],
)
def test_a_script_that_it_does_not_know_is_not_read_as_another(text: str) -> None:
    assert read(page(text, font=many_scripts(40))).lines == []


def test_large_shapes_do_not_make_a_small_title_illegible() -> None:
    image = Image.new("RGB", (1000, 800), "#ffe9c7")
    draw = ImageDraw.Draw(image)
    draw.ellipse((60, 80, 560, 520), "#a23b2b", "#222", 4)
    draw.polygon((600, 620, 960, 600, 760, 180), "#2b5a8a", "#222", 4)
    draw.text((20, 700), "Figure 12", "black", ImageFont.load_default(60))
    assert read(image).lines == ["Figure 12"]


def test_nothing_is_read_where_nothing_is_written() -> None:
    dice = np.random.default_rng(3)
    noise = Image.fromarray(dice.integers(0, 255, (600, 800, 3), dtype=np.uint8))
    for image in (noise, photo(), Image.new("RGB", (500, 400), "teal")):
        assert read(image).lines == []


@pytest.mark.parametrize("size", [(1, 1), (1, 1024), (1024, 1), (16, 1024), (1024, 15)])
def test_extreme_shapes_hold_no_lines_and_do_no_harm(size: tuple[int, int]) -> None:
    assert read(Image.new("RGB", size, "blue")).lines == []


def test_a_long_screenshot_is_read_in_parts_and_each_line_once() -> None:
    image = Image.new("RGB", (512, 3 * STEP + OVERLAP), "white")
    draw, said = ImageDraw.Draw(image), []
    # One of them lies across each cut.
    for number, top in enumerate(range(10, image.height - 60, 190)):
        said.append(f"Message number {number + 100}")
        draw.text((30, top), said[-1], "black", ImageFont.load_default(34))
    assert read(image).lines == said


def test_no_network_is_needed(use: Callable[..., None]) -> None:
    use(
        "import socket\n"
        "def refuse(*_, **__): raise SystemExit(9)\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from imgapp.adapters.reading.child import main; main()"
    )
    assert words(read(page("Seven bicycles for sale"))) == "Seven bicycles for sale"


@pytest.mark.parametrize(
    "code",
    [
        "sys.stdin.readline(); sys.stdin.read()",
        "sys.stdin.readline(); os.abort()",
        "os.kill(os.getpid(), 9)",
        "from imgapp.adapters.imaging.child_loop import serve\n"
        "def spin(_):\n while True: pass\n"
        "serve(spin)",
        "sys.stdin.readline(); print('x' * 2_000_000)",
        'sys.stdin.readline(); print(\'{"done": {"lines": 5}}\', flush=True)',
    ],
    ids=["hangs", "crashes", "is killed", "reckons too long", "floods", "answers nonsense"],
)
def test_a_reader_that_fails_costs_nothing(
    use: Callable[..., None], monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    use(code)
    monkeypatch.setattr(reading, "CPU_SECONDS", 0.2)
    before = {child.pid for child in psutil.Process().children()}
    seconds = 0.5 if "stdin.read()" in code else 60
    assert read_text(jpeg(page("Hello World")), seconds=seconds) is None
    reading.shutdown()
    assert {child.pid for child in psutil.Process().children()} <= before


def test_what_is_no_picture_is_not_read() -> None:
    assert read_text(b"not a picture") is None


def test_it_can_be_switched_off(set_env: SetEnv, use: Callable[..., None]) -> None:
    set_env(IMGAPP_READING="off")
    use("raise SystemExit('asked')")
    assert read_text(jpeg(page("Hello World"))) is None


def test_the_reader_is_limited_and_knows_no_secrets(
    set_env: SetEnv, data_dir_of_tests: Path
) -> None:
    set_env(AWS_SECRET_ACCESS_KEY="hush")
    before = {child.pid for child in psutil.Process().children()}
    reading.shutdown()
    read(page("Hello World"))
    [reader] = [
        child
        for child in psutil.Process().children()
        if child.cmdline()[-1] == READER[-1] and child.pid not in before
    ]
    assert "hush" not in str(reader.environ())
    assert reader.nice() == os.nice(0)
    assert reader.memory_info().rss < 700e6
    if hasattr(reader, "rlimit"):
        assert reader.rlimit(psutil.RLIMIT_AS)[0] == 2 * 1024**3
    assert list((data_dir_of_tests / "spool").iterdir()) == []

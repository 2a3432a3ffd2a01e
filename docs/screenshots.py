"""Makes the screenshots of the README from a real imgapp: `python -m docs.screenshots`.

The pictures are drawn here, so that nobody's photos are published, and their texts say what was
drawn.
"""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import chromium
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.running import App, running_app, wait_for_all_described

OUT = Path(__file__).parent / "screenshots"
Color = tuple[int, int, int]


@dataclass(frozen=True)
class Scene:
    """Ridges before a sky with a sun or moon in it."""

    name: str
    alt_text: str
    description: str
    tags: tuple[str, ...]
    sky: tuple[Color, Color]
    near: Color
    disc: tuple[float, float, float, Color]  # x, y and radius as shares of the height
    ridges: int = 5
    rough: float = 1.0
    size: tuple[int, int] = (1500, 1000)


SCENES = (
    Scene(
        "ridge-sunset.jpg",
        "Blue mountain ridges fade into an orange sunset",
        "Five mountain ridges stand one behind the other, each paler than the one before it. The "
        "sun is just above the last.",
        ("mountain", "sunset", "ridge", "haze"),
        ((58, 84, 138), (255, 178, 107)),
        (28, 36, 66),
        (0.9, 0.52, 0.07, (255, 236, 190)),
    ),
    Scene(
        "moon-dunes.jpg",
        "A full moon over dark red dunes",
        "Smooth dunes in dark red lie under a deep blue night sky with a full moon.",
        ("dune", "moon", "night", "desert"),
        ((15, 18, 48), (92, 52, 84)),
        (72, 26, 30),
        (1.1, 0.25, 0.09, (244, 240, 222)),
        ridges=4,
        rough=0.25,
    ),
    Scene(
        "green-hills.jpg",
        "Green hills under a pale morning sky",
        "Rolling green hills reach to the horizon under a clear, pale sky in the morning.",
        ("hill", "morning", "field"),
        ((188, 220, 238), (250, 246, 226)),
        (46, 98, 62),
        (0.35, 0.3, 0.06, (255, 252, 236)),
        ridges=5,
        rough=0.4,
        size=(1000, 1250),
    ),
    Scene(
        "winter-peaks.jpg",
        "Jagged blue peaks in cold winter light",
        "Jagged peaks in shades of ice blue fill the picture from side to side. The sun is a pale "
        "disc behind haze.",
        ("peak", "winter", "ice"),
        ((196, 214, 232), (238, 243, 248)),
        (58, 88, 122),
        (0.7, 0.22, 0.05, (255, 255, 255)),
        rough=2.2,
    ),
    Scene(
        "violet-evening.jpg",
        "A violet evening sky above a black forest edge",
        "The last light turns the sky from violet to rose above the black edge of a forest.",
        ("evening", "forest", "sky"),
        ((60, 44, 110), (242, 152, 166)),
        (18, 16, 32),
        (1.2, 0.62, 0.05, (255, 214, 196)),
        ridges=3,
        rough=3.4,
        size=(1600, 900),
    ),
    Scene(
        "turquoise-bay.jpg",
        "Turquoise headlands around a bright bay",
        "Headlands in turquoise and teal step down towards a bay that shines under a high sun.",
        ("bay", "coast", "sea"),
        ((120, 200, 214), (232, 250, 242)),
        (12, 84, 96),
        (0.5, 0.18, 0.05, (255, 255, 240)),
        rough=0.7,
        size=(1100, 1100),
    ),
    Scene(
        "copper-canyon.jpg",
        "Copper canyon walls in evening sun",
        "The walls of a canyon stand in rows of copper and brown. A large, low sun lights them "
        "from the left.",
        ("canyon", "rock", "evening"),
        ((236, 170, 110), (255, 226, 172)),
        (104, 48, 30),
        (0.25, 0.42, 0.1, (255, 244, 214)),
        rough=1.6,
    ),
    Scene(
        "grey-fells.jpg",
        "Grey fells in rain, one behind the other",
        "Fells in many greys disappear into rain. There is no sun and no colour.",
        ("fell", "rain", "fog"),
        ((168, 176, 182), (206, 210, 212)),
        (66, 74, 80),
        (2.0, 2.0, 0.01, (206, 210, 212)),
        ridges=6,
        rough=0.8,
        size=(1000, 1300),
    ),
)


def draw(scene: Scene, seed: int) -> Image.Image:
    """The scene at its size."""
    rng = random.Random(seed)
    width, height = scene.size
    shade = Image.linear_gradient("L").resize(scene.size)
    top, bottom = (Image.new("RGB", scene.size, color) for color in scene.sky)
    image = Image.composite(bottom, top, shade)
    x, y, radius, color = scene.disc
    glow = Image.new("L", scene.size, 0)
    for grown, light in ((3.0, 70), (1.0, 255)):
        r = radius * grown * height
        box = (x * height - r, y * height - r, x * height + r, y * height + r)
        ImageDraw.Draw(glow).ellipse(box, fill=light)
        if grown > 1:
            glow = glow.filter(ImageFilter.GaussianBlur(r / 2))
    image.paste(Image.new("RGB", scene.size, color), mask=glow)
    for number in range(scene.ridges):
        near = (number + 1) / scene.ridges
        tone = tuple(
            round(far + (close - far) * near**1.3)
            for far, close in zip(scene.sky[1], scene.near, strict=True)
        )
        base = height * (0.48 + 0.44 * number / scene.ridges)
        points = list(_ridge(rng, width, base, height * 0.09 * (1.2 - near / 2), scene.rough))
        ImageDraw.Draw(image).polygon([(0, height), *points, (width, height)], fill=tone)
    return image


def _ridge(
    rng: random.Random, width: int, base: float, swing: float, rough: float
) -> Iterable[tuple[float, float]]:
    waves = [
        (swing / (1 + k * 0.9) * (rough if k > 2 else 1), (k + 0.6) * 1.7, rng.uniform(0, 7))
        for k in range(7)
    ]
    for x in range(0, width + 4, 4):
        turn = x / width * math.pi
        yield x, base + sum(a * math.sin(turn * f + p) for a, f, p in waves) * 0.6


def fill(app: App, model: OpenAIServer, folder: Path) -> None:
    """Upload the scenes twice over, and let the model say what they show."""
    with app.client() as client:
        for round_ in (1, 0):
            for seed, scene in enumerate(reversed(SCENES)):
                path = folder / scene.name
                picture = draw(scene, seed + 100 * round_)
                if round_:
                    picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
                picture.save(path, quality=90)
                said = {
                    "alt_text": scene.alt_text,
                    "description": scene.description,
                    "tags": list(scene.tags),
                }
                model.default = Reply(answer=said)
                with path.open("rb") as file:
                    client.post("/api/upload", files={"files": (scene.name, file)})
                wait_for_all_described(app)


def _picture(page: Page) -> None:
    page.get_by_test_id("card").nth(2).get_by_role("button").first.click()
    page.get_by_role("dialog").wait_for()


def _select(page: Page) -> None:
    for at in (0, 2, 3):
        page.get_by_test_id("card").nth(at).hover()
        page.get_by_test_id("card").nth(at).locator(".select-box").click()


@dataclass(frozen=True)
class Shot:
    """A page, and what is opened on it; to show more of imgapp, add a line to `SHOTS`."""

    name: str
    path: str = "/"
    open: Callable[[Page], None] | None = None


SHOTS = (
    Shot("gallery"),
    Shot("viewer", open=_picture),
    Shot("search", path="/?q=mountain&orientation=landscape"),
    Shot("selection", open=_select),
)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
DEVICES = {"": (1280, 860), "-phone": (390, 844)}


def shoot(app: App, browser: Browser) -> None:
    """Each of the shots, light and dark, on a desktop and on a phone."""
    OUT.mkdir(exist_ok=True)
    for scheme in SCHEMES:
        for device, (width, height) in DEVICES.items():
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                device_scale_factor=2 if device else 1,
            )
            cookies = app.session_cookie().items()
            context.add_cookies([{"name": k, "value": v, "url": app.url} for k, v in cookies])
            for shot in SHOTS:
                page = context.new_page()
                page.goto(app.url + shot.path)
                page.wait_for_load_state("networkidle")
                page.wait_for_function("() => !document.querySelector('.rows-loading, .skeleton')")
                if shot.open:
                    shot.open(page)
                page.wait_for_load_state("networkidle")
                page.wait_for_timeout(500)
                page.screenshot(path=OUT / f"{shot.name}-{scheme}{device}.png")
                page.close()
            context.close()


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="imgapp-scenes-") as folder,
        OpenAIServer() as model,
        running_app(OPENAI_BASE_URL=model.url, OPENAI_API_KEY="screenshots") as app,
        sync_playwright() as playwright,
    ):
        fill(app, model, Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        shoot(app, browser)
        browser.close()


if __name__ == "__main__":
    main()

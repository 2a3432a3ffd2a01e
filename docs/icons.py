"""Makes the icons of the page from `assets/icon.svg`: `python -m docs.icons`.

Browsers show the SVG; phones, task bars and old browsers want squares of pixels. Those that a
system cuts to a shape of its own (`maskable`, Apple's) are filled to the edge, and what is drawn
stays inside of the circle that is never cut (80 %, https://www.w3.org/TR/appmanifest/#icon-masks).
"""

from __future__ import annotations

import io
from pathlib import Path

import pyvips
from PIL import Image

ASSETS = Path(__file__).parents[1] / "assets"
BACKGROUND = (224, 241, 237)
SAFE = 0.78
"""How much of a filled icon the drawing takes."""
ICO = 32


def draw(size: int) -> Image.Image:
    """The icon as it is, so many pixels wide."""
    svg = pyvips.Image.thumbnail(str(ASSETS / "icon.svg"), size)
    return Image.open(io.BytesIO(svg.write_to_buffer(".png"))).convert("RGBA")


def filled(size: int) -> Image.Image:
    """The drawing on its colour up to the edges."""
    icon = Image.new("RGBA", (size, size), (*BACKGROUND, 255))
    inner = draw(round(size * SAFE))
    at = (size - inner.width) // 2
    icon.alpha_composite(inner, (at, at))
    return icon.convert("RGB")


def main() -> None:
    folder = ASSETS / "icons"
    folder.mkdir(exist_ok=True)
    for size in (192, 512):
        draw(size).save(folder / f"icon-{size}.png", optimize=True)
    filled(512).save(folder / "maskable-512.png", optimize=True)
    filled(180).save(folder / "apple-touch-icon.png", optimize=True)
    draw(ICO).save(ASSETS / "favicon.ico", sizes=[(ICO, ICO)])


if __name__ == "__main__":
    main()

"""Makes the font of the page smaller: `python -m docs.font`, after `imgapp build`.

Of Inter's Latin letters, all stay, in the weights that the styles use and with kerning, figures of
one width and the marks that letters take. Fontsource's files serve all other scripts as they are.
"""

from __future__ import annotations

from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / ".web" / "node_modules" / "@fontsource-variable" / "inter"
TARGET = ROOT / "assets" / "fonts"
WEIGHTS = (400, 700)
FEATURES = ["calt", "ccmp", "kern", "locl", "mark", "mkmk", "tnum"]


def main() -> None:
    font = TTFont(SOURCE / "files" / "inter-latin-wght-normal.woff2")
    options = subset.Options(layout_features=FEATURES, hinting=False, name_IDs=["*"])
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=list(font.getBestCmap()))
    subsetter.subset(font)
    smaller = instancer.instantiateVariableFont(font, {"wght": WEIGHTS})
    smaller.flavor = "woff2"
    TARGET.mkdir(exist_ok=True)
    smaller.save(TARGET / "inter-latin.woff2")
    (TARGET / "OFL.txt").write_bytes((SOURCE / "LICENSE").read_bytes())


if __name__ == "__main__":
    main()

#!/bin/sh
# Chromium 156.0.8078.108: the mask (alpha) of an AVIF is taken for video levels, 16 to 235.
#
# Expected: a white AVIF with an alpha of 41 of 255, on black, is painted as grey 41, as the PNG of the
# same pixels is. Seen: the PNG is 41, the AVIF about 29, which is (41 - 16) * 255 / 219. The mask is
# written with full range, and libavif and libheif read 41.
set -eu
: "${CHROMIUM:=chromium}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 playwright==1.65.2
cat >look.py <<'END'
import base64
import io
import sys

from PIL import Image
from playwright.sync_api import sync_playwright

picture = Image.new("RGBA", (64, 64), (255, 255, 255, 41))
seen = {}
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=sys.argv[1], args=["--no-sandbox"])
    for kind in ("png", "avif"):
        file = io.BytesIO()
        picture.save(file, kind)
        assert abs(Image.open(file).getpixel((32, 32))[3] - 41) <= 1
        url = f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
        page = browser.new_page()
        page.set_content(f"<body style='margin:0;background:#000'><img src='{url}'>")
        page.evaluate("document.images[0].decode()")
        shot = io.BytesIO(page.locator("img").screenshot())
        seen[kind] = Image.open(shot).convert("L").getpixel((32, 32))
    browser.close()
print(seen)
sys.exit(not (abs(seen["png"] - 41) <= 1 and seen["avif"] <= 33))
END
if venv/bin/python look.py "$(command -v "$CHROMIUM")"; then
    echo "still so"
else
    echo "mended, or something else"
    exit 1
fi

"""What exiftool, exiv2 and ImageMagick write into pictures is read, as Debian has them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from imgapp.adapters import imaging
from imgapp.adapters.imaging import EmbeddedCaptions

pytestmark = pytest.mark.long

Read = Callable[[Path], EmbeddedCaptions]
ALT_TEXT = "-XMP-iptcCore:AltTextAccessibility"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def run(path: Path) -> EmbeddedCaptions:
        out_dir = tmp_path / f"out-{path.name}"
        out_dir.mkdir()
        return imaging.decode(path, out_dir).carried

    return run


def tool(name: str, *arguments: str | Path) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"needs {name} (Debian: libimage-exiftool-perl, exiv2, imagemagick)")
    subprocess.run([name, *arguments], check=True, capture_output=True, timeout=60)


def exiftool(path: Path, *arguments: str) -> None:
    tool("exiftool", "-q", "-m", "-overwrite_original", *arguments, path)


def make(path: Path, frames: int = 1) -> Path:
    images = [Image.new("RGB", (64, 48), (190, 80, n)) for n in range(frames)]
    more = {"save_all": True, "append_images": images[1:]} if frames > 1 else {}
    images[0].save(path, **more)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.tif", "a.avif"])
def test_alt_text_in_a_language_by_exiftool(read: Read, tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name)
    exiftool(path, f"{ALT_TEXT}-de=Ein Hafen", "-XMP-dc:Subject=sea")
    carried = read(path)
    assert (carried.alt_text, carried.language, carried.tags) == ("Ein Hafen", "de", ["sea"])


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.avif"])
def test_words_of_moving_pictures_by_exiftool(read: Read, tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, frames=3)
    exiftool(path, "-XMP-dc:Description=A harbour")
    assert read(path).description == "A harbour"


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
@pytest.mark.parametrize("order", ["II", "MM"])
def test_iptc_and_exif_by_exiftool(read: Read, tmp_path: Path, name: str, order: str) -> None:
    path = make(tmp_path / name)
    exiftool(
        path,
        f"-ExifByteOrder={order}",
        "-IPTC:Keywords=Größe",
        "-codedcharacterset=utf8",
        "-EXIF:UserComment=Ein großer Hafen",
        "-EXIF:XPKeywords=日本;sea",
    )
    assert read(path) == EmbeddedCaptions(
        description="Ein großer Hafen", tags=["Größe", "日本", "sea"]
    )


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_alt_text_by_exiv2(read: Read, tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name)
    for command in (
        "set Xmp.iptc.AltTextAccessibility lang=x-default A harbour",
        "set Iptc.Application2.Caption String Hafen",
        "add Iptc.Application2.Keywords String sea",
    ):
        tool("exiv2", f"-M{command}", path)
    carried = read(path)
    assert (carried.alt_text, carried.description) == ("A harbour", "Hafen")
    assert carried.tags == ["sea"]


def test_what_imagemagick_carries_over_into_png(read: Read, tmp_path: Path) -> None:
    path = make(tmp_path / "a.jpg")
    exiftool(path, f"{ALT_TEXT}-de=Ein Hafen", "-IPTC:Keywords=sea", "-EXIF:ImageDescription=Kiel")
    tool("convert", path, tmp_path / "a.png")
    carried = read(tmp_path / "a.png")
    assert (carried.alt_text, carried.language) == ("Ein Hafen", "de")
    assert (carried.description, carried.tags) == ("Kiel", ["sea"])

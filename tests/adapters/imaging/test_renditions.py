"""Whatever way a picture stores its pixels, its renditions look right."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pyvips
from PIL import Image, ImageOps

from imgapp.adapters import imaging
from imgapp.adapters.imaging import DecodedImage
from imgapp.errors import DamagedImage, EmptyFile, NotAnImage, TooManyPixels
from tests.support.pictures import every_format, picture

BRICK = (190, 80, 60)
WHITE = (255, 255, 255)

Decode = Callable[[Path], DecodedImage]


@pytest.fixture
def decode(tmp_path: Path) -> Decode:
    def run(path: Path) -> DecodedImage:
        out_dir = tmp_path / f"out-{path.name}"
        out_dir.mkdir()
        return imaging.decode(path, out_dir)

    return run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return every_format(tmp_path_factory.mktemp("every-format"))


def color(path: Path, x: float = 0.5, y: float = 0.5) -> tuple[int, ...]:
    with Image.open(path) as image:
        at = int(x * (image.width - 1)), int(y * (image.height - 1))
        return tuple(image.convert("RGBA" if "A" in image.getbands() else "RGB").getpixel(at))


def near(left: tuple[int, ...], right: tuple[int, ...], by: int = 8) -> bool:
    return all(abs(a - b) <= by for a, b in zip(left, right, strict=True))


def plain(size: tuple[int, int] = (160, 120)) -> pyvips.Image:
    """A picture of one colour, in sRGB."""
    black = pyvips.Image.black(*size, bands=3)
    return (black + list(BRICK)).cast("uchar").copy(interpretation="srgb")


def test_every_format_gives_two_webp_renditions(decode: Decode, pictures: list[Path]) -> None:
    for path in pictures:
        decoded = decode(path)
        assert (decoded.width, decoded.height) == (800, 600), path.name
        for rendition, size in ((decoded.preview, (800, 600)), (decoded.thumbnail, (512, 384))):
            with Image.open(rendition) as image:
                assert (image.format, image.size) == ("WEBP", size), path.name


@pytest.mark.parametrize(
    ("size", "preview", "thumbnail"),
    [
        ((3000, 1000), (1440, 480), (512, 171)),
        ((1000, 3000), (480, 1440), (171, 512)),
        ((300, 200), (300, 200), (300, 200)),
        ((5000, 1), (1440, 1), (512, 1)),
        ((1, 1), (1, 1), (1, 1)),
    ],
)
def test_renditions_have_a_long_side_and_are_never_enlarged(
    decode: Decode,
    picture_file: Callable[..., Path],
    size: tuple[int, int],
    preview: tuple[int, int],
    thumbnail: tuple[int, int],
) -> None:
    decoded = decode(picture_file("a.png", size=size))
    assert (decoded.width, decoded.height) == size
    with Image.open(decoded.preview) as large, Image.open(decoded.thumbnail) as small:
        assert (large.size, small.size) == (preview, thumbnail)


@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "tiff", "heic", "avif"])
@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
def test_pictures_are_turned_upright(
    decode: Decode, picture_file: Callable[..., Path], extension: str, orientation: int
) -> None:
    path = picture_file(f"turned.{extension}", size=(120, 80), orientation=orientation)
    decoded = decode(path)
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    assert (decoded.width, decoded.height) == upright.size
    assert (upright.width > upright.height) == (orientation < 5)
    corners = [(0.05, 0.05), (0.95, 0.05), (0.05, 0.95), (0.95, 0.95)]
    for x, y in corners:
        expected = upright.getpixel((int(x * (upright.width - 1)), int(y * (upright.height - 1))))
        assert near(color(decoded.preview, x, y), expected, by=25)


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tif"])
def test_an_embedded_profile_becomes_srgb(decode: Decode, tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"p3.{extension}"
    wide = plain().icc_transform("p3", input_profile="srgb")
    assert not near(tuple(round(v) for v in wide(5, 5)), BRICK), "the profile makes no difference"
    wide.write_to_file(str(path))
    decoded = decode(path)
    assert near(color(decoded.preview), BRICK)
    assert near(color(decoded.thumbnail), BRICK)
    assert "P3" in decoded.facts["color_space"]


@pytest.mark.parametrize("extension", ["jpg", "tif"])
@pytest.mark.parametrize("keep", ["icc", "none"])
def test_cmyk_comes_out_right_with_and_without_its_profile(
    decode: Decode, tmp_path: Path, extension: str, keep: str
) -> None:
    path = tmp_path / f"cmyk.{extension}"
    plain().icc_transform("cmyk", input_profile="srgb").write_to_file(str(path), keep=keep)
    decoded = decode(path)
    assert near(color(decoded.preview), BRICK, by=20)
    assert decoded.facts["color_space"] == "CMYK"


@pytest.mark.parametrize("extension", ["png", "tif"])
def test_sixteen_bits_are_reduced_to_eight(decode: Decode, tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"deep.{extension}"
    (plain().cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16").write_to_file(
        str(path)
    )
    assert near(color(decode(path).preview), BRICK)


@pytest.mark.parametrize("space", ["lab", "labs", "scrgb", "grey16", "b-w"])
def test_unusual_colour_spaces_of_tiff(decode: Decode, tmp_path: Path, space: str) -> None:
    path = tmp_path / "unusual.tif"
    plain().colourspace(space).write_to_file(str(path))
    expected = BRICK if space in ("lab", "labs", "scrgb") else (110, 110, 110)
    assert near(color(decode(path).preview), expected, by=12)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("p.png", "P"), ("p.gif", "P"), ("p.bmp", "P"), ("l.png", "L"), ("l.jpg", "L")],
)
def test_palettes_and_greys(
    decode: Decode, picture_file: Callable[..., Path], name: str, mode: str
) -> None:
    path = picture_file(name, mode=mode, color=BRICK)
    expected = BRICK if mode == "P" else (110, 110, 110)
    assert near(color(decode(path).preview), expected, by=12)


def test_one_bit_pages(decode: Decode, picture_file: Callable[..., Path]) -> None:
    decoded = decode(picture_file("fax.tiff", mode="1", color=(0, 0, 0), compression="group4"))
    assert near(color(decoded.preview, 0.9, 0.9), (0, 0, 0))
    assert near(color(decoded.preview, 0, 0), WHITE)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tiff", "a.gif", "a.avif", "a.heic"])
def test_transparency_is_kept(decode: Decode, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    image = Image.new("RGBA", (160, 120), (*BRICK, 255))
    image.paste((0, 0, 0, 0), (0, 0, 80, 120))
    if name.endswith("heic"):
        from pillow_heif import from_pillow

        from_pillow(image).save(path, quality=95)
    else:
        image.save(path)
    decoded = decode(path)
    assert decoded.facts["has_alpha"] is True
    for rendition in (decoded.preview, decoded.thumbnail):
        assert color(rendition, 0.1)[3] == 0
        assert near(color(rendition, 0.9), (*BRICK, 255), by=10)
    assert near(color(decoded.model, 0.1), WHITE, by=10)


def test_an_alpha_channel_that_hides_nothing_is_dropped(
    decode: Decode, picture_file: Callable[..., Path]
) -> None:
    decoded = decode(picture_file("a.png", mode="RGBA"))
    assert decoded.facts["has_alpha"] is False
    with Image.open(decoded.preview) as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize("extension", ["gif", "webp", "avif", "png"])
def test_of_an_animation_the_first_frame_is_shown(
    decode: Decode, tmp_path: Path, extension: str
) -> None:
    path = tmp_path / f"moving.{extension}"
    frames = [Image.new("RGB", (160, 120), shade) for shade in (BRICK, (0, 0, 255), (0, 255, 0))]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    decoded = decode(path)
    assert near(color(decoded.preview), BRICK, by=12)
    assert (decoded.width, decoded.height) == (160, 120)
    if extension != "png":
        assert (decoded.facts["animated"], decoded.facts["pages"]) == (True, 3)


def test_of_many_pages_the_first_is_shown(decode: Decode, tmp_path: Path) -> None:
    path = tmp_path / "pages.tiff"
    pages = [Image.new("RGB", (160, 120), shade) for shade in (BRICK, (0, 0, 255))]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    decoded = decode(path)
    assert near(color(decoded.preview), BRICK)
    assert (decoded.facts["animated"], decoded.facts["pages"]) == (False, 2)


@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "tif"])
def test_renditions_carry_no_metadata(decode: Decode, tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"told.{extension}"
    image = plain().icc_transform("p3", input_profile="srgb").copy()
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Make", "Secret Camera")
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd3-GPSLatitude", "52/1 31/1 12/1")
    image.set_type(pyvips.GValue.blob_type, "xmp-data", b"<x:xmpmeta>Secret place</x:xmpmeta>")
    image.write_to_file(str(path))
    assert b"Secret" in path.read_bytes()
    decoded = decode(path)
    for rendition in (decoded.preview, decoded.thumbnail, decoded.model):
        fields = pyvips.Image.new_from_file(str(rendition)).get_fields()
        assert not [name for name in fields if name.startswith(("exif", "xmp", "icc", "iptc"))]
        assert b"Secret" not in rendition.read_bytes()


def test_facts_never_say_where(decode: Decode, picture_file: Callable[..., Path]) -> None:
    decoded = decode(picture_file("here.jpg", gps=True))
    assert decoded.facts["format"] == "JPEG"
    assert not [name for name in decoded.facts if "gps" in name.lower() or "tude" in name]
    assert "52" not in str(decoded.facts)


@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "gif", "avif", "heic", "tiff", "bmp"])
def test_a_file_that_ends_early_is_damaged(decode: Decode, tmp_path: Path, extension: str) -> None:
    path = next(p for p in every_format(tmp_path) if p.suffix == f".{extension}")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(DamagedImage):
        decode(path)


def test_what_comes_after_the_picture_does_no_harm(decode: Decode, tmp_path: Path) -> None:
    path = tmp_path / "tail.jpg"
    picture(1).save(path)
    with path.open("ab") as file:
        file.write(b"PK\3\4 and more" * 100)
    assert decode(path).mime_type == "image/jpeg"


def test_too_many_pixels_are_refused_before_they_are_decoded(
    decode: Decode, picture_file: Callable[..., Path], set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_MAX_PIXELS="10000")
    for name in ("a.png", "a.jpg", "a.bmp", "a.heic", "a.gif", "a.webp", "a.avif", "a.tiff"):
        assert decode(picture_file(f"ok-{name}", size=(100, 100))).width == 100
        with pytest.raises(TooManyPixels, match="101 x 100"):
            decode(picture_file(f"big-{name}", size=(101, 100)))


@pytest.mark.parametrize(("data", "error"), [(b"", EmptyFile), (b"text", NotAnImage)])
def test_what_is_no_picture_is_refused(
    decode: Decode, tmp_path: Path, data: bytes, error: type[Exception]
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(error):
        decode(path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_the_copy_for_the_model_is_a_small_jpeg(
    decode: Decode, picture_file: Callable[..., Path], mode: str
) -> None:
    decoded = decode(picture_file("a.png", size=(2000, 1000), mode=mode))
    made_later = decoded.preview.with_name("copy.jpg")
    made_later.write_bytes(imaging.model_copy(decoded.preview.read_bytes()))
    for path in (decoded.model, made_later):
        with Image.open(path) as image:
            info: dict[str, Any] = image.info
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (1024, 512))
            assert not {"exif", "icc_profile", "xmp"} & set(info)


def test_a_picture_has_a_placeholder_of_a_few_of_its_pixels(
    picture_file: Callable[..., Path], decode: Decode
) -> None:
    wide = picture_file("wide.png", size=(600, 200), color=(200, 20, 30))
    made = base64.urlsafe_b64decode(decode(wide).placeholder)
    width, pixels = made[0], made[1:]
    assert (width, len(pixels)) == (6, 6 * 2 * 3)
    # The right of the picture is red; its upper left corner is white.
    assert all(abs(a - b) < 12 for a, b in zip(pixels[-3:], (200, 20, 30), strict=True))
    assert min(pixels[:3]) > 120


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "1"])
def test_every_kind_of_picture_has_a_placeholder_in_colours(
    picture_file: Callable[..., Path], decode: Decode, mode: str
) -> None:
    made = base64.urlsafe_b64decode(decode(picture_file("p.png", mode=mode)).placeholder)
    assert (len(made) - 1) % (3 * made[0]) == 0


@pytest.mark.parametrize("size", [(3001, 2000), (6000, 4001), (12001, 90), (3100, 1)])
@pytest.mark.parametrize("orientation", [1, 6, 7])
def test_a_large_jpeg_is_decoded_small_and_looks_the_same(
    decode: Decode, tmp_path: Path, size: tuple[int, int], orientation: int
) -> None:
    path = tmp_path / "large.jpg"
    wide, high = size
    ramp = pyvips.Image.identity().resize(wide / 256, vscale=high, kernel="nearest")
    picture = ramp.crop(0, 0, wide, high).bandjoin([255 - ramp.crop(0, 0, wide, high), 90])
    upright = picture.copy(interpretation="srgb")
    upright.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    upright.jpegsave(str(path), Q=95)
    whole = pyvips.Image.new_from_file(str(path)).autorot()

    decoded = decode(path)

    assert (decoded.width, decoded.height) == (whole.width, whole.height)
    longest = pyvips.Image.new_from_file(str(decoded.preview))
    expected = whole.thumbnail_image(1440, height=1440, size="down")
    assert abs(longest.width - expected.width) <= 1
    assert abs(longest.height - expected.height) <= 1
    for x, y in [(0.05, 0.5), (0.95, 0.5), (0.5, 0.05), (0.5, 0.95)]:
        at = int(x * (expected.width - 1)), int(y * (expected.height - 1))
        assert near(color(decoded.preview, x, y), tuple(expected(*at)), by=12)


def test_a_large_jpeg_that_is_cut_off_is_refused_however_small_it_is_decoded(
    decode: Decode, picture_file: Callable[..., Path]
) -> None:
    path = picture_file("cut.jpg", size=(4000, 3000))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(DamagedImage):
        decode(path)


def test_a_large_jpeg_without_its_end_marker_is_a_picture(
    decode: Decode, picture_file: Callable[..., Path]
) -> None:
    path = picture_file("unended.jpg", size=(4000, 3000))
    path.write_bytes(path.read_bytes().removesuffix(b"\xff\xd9"))
    decoded = decode(path)
    assert (decoded.width, decoded.height) == (4000, 3000)
    with Image.open(decoded.preview) as preview:
        assert preview.size == (1440, 1080)


@pytest.mark.parametrize("extension", ["jpg", "png"])
def test_an_embedded_profile_of_a_large_picture_becomes_srgb(
    decode: Decode, tmp_path: Path, extension: str
) -> None:
    path = tmp_path / f"wide.{extension}"
    wide = plain((4000, 3000)).icc_transform("p3", input_profile="srgb")
    wide.write_to_file(str(path))
    decoded = decode(path)
    assert near(color(decoded.preview), BRICK)
    assert near(color(decoded.thumbnail), BRICK)

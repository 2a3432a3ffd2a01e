"""What a `meta` box says is read; what is damaged says nothing and ends soon."""

from __future__ import annotations

import io
import random
import struct
from dataclasses import replace

import pytest

from imgapp.adapters.imaging.colour_coding import from_cicp
from imgapp.adapters.imaging.heif_items import HeifItems, read_items
from tests.support.heif_files import Item, avif, box, full_box, grid, nclx

P3 = from_cicp(12, 13)


def item(*properties: bytes, **references: tuple[int, ...]) -> Item:
    return Item(b"pixels", properties, references={k.encode(): v for k, v in references.items()})


def read(*items: Item) -> HeifItems:
    return read_items(io.BytesIO(avif(*items)))


def test_the_coding_is_that_of_the_primary_picture() -> None:
    found = read(item(nclx(12, 13)), item(nclx(9, 16)))
    assert found == HeifItems(P3, premultiplied=False, pictures=2)


def test_a_profile_goes_before_code_points() -> None:
    assert read(item(nclx(12, 13), box(b"colr", b"prof", b"icc"))).coding is None


@pytest.mark.parametrize(("primaries", "transfer"), [(1, 13), (1, 1), (2, 2), (0, 0), (77, 99)])
def test_srgb_and_what_says_nothing_need_no_work(primaries: int, transfer: int) -> None:
    assert read(item(nclx(primaries, transfer))).coding is None


def test_the_brightest_pixel_goes_before_the_brightest_display() -> None:
    display = box(b"mdcv", bytes(16), struct.pack(">II", 4000_0000, 50))
    light = box(b"clli", struct.pack(">HH", 600, 100))
    assert read(item(nclx(9, 16), display, light)).coding == from_cicp(9, 16, peak=600)
    assert read(item(nclx(9, 16), display)).coding == from_cicp(9, 16, peak=4000)
    nothing = box(b"clli", bytes(4))
    assert read(item(nclx(9, 16), nothing)).coding == from_cicp(9, 16, peak=1000)


def test_tiles_masks_thumbnails_and_gain_maps_are_no_pictures() -> None:
    tile = item(nclx(12, 13))
    assert read(grid(2, 1, (64, 32)), tile, tile) == HeifItems(P3, pictures=1)
    assert read(item(prem=(2,)), item(auxl=(1,))) == HeifItems(None, premultiplied=True)
    assert read(item(), item(thmb=(1,))).pictures == 1
    gain_map = replace(item(dimg=(1, 3)), kind=b"tmap")
    assert read(item(), gain_map, item()).pictures == 1


def test_a_file_that_says_nothing_has_one_picture_in_srgb() -> None:
    assert read_items(io.BytesIO(b"")) == HeifItems()
    assert read_items(io.BytesIO(box(b"ftyp", b"avif") + full_box(b"meta"))) == HeifItems()


@pytest.mark.parametrize("seed", range(30))
def test_damaged_boxes_raise_nothing(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(avif(grid(2, 1, (64, 32)), item(nclx(12, 13)), item(auxl=(1,))))
    for _ in range(chance.randrange(1, 12)):
        data[chance.randrange(len(data))] = chance.choice((0, 1, 255, chance.randrange(256)))
    found = read_items(io.BytesIO(bytes(data[: chance.randrange(len(data))])))
    assert found.pictures >= 1


@pytest.mark.parametrize(
    "data",
    [
        box(b"free") * 100_000,
        struct.pack(">I4s", 0, b"meta"),
        struct.pack(">I4sQ", 1, b"skip", 2**64 - 1),
        struct.pack(">I4sQ", 1, b"meta", 2**63),
        full_box(b"meta", box(b"iprp", box(b"ipco", box(b"free") * 200_000))),
        full_box(b"meta", box(b"iprp", full_box(b"ipma", b"\xff" * 1_000_000))),
        full_box(b"meta", full_box(b"iref", box(b"dimg", b"\0\1\xff\xff" + bytes(9)) * 50_000)),
    ],
)
def test_boxes_without_end_are_left_alone(data: bytes) -> None:
    assert read_items(io.BytesIO(data)).pictures == 1

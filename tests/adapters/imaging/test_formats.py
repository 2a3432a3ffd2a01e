"""Formats are recognised by content."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from imgapp.adapters.imaging.formats import recognise
from imgapp.errors import EmptyFile, NotAnImage, UnsupportedFormat
from tests.support.pictures import every_format


def test_each_accepted_format_is_recognised_without_its_name(tmp_path: Path) -> None:
    found = {
        path.suffix: recognise(io.BytesIO(path.read_bytes())).mime_type
        for path in every_format(tmp_path)
    }
    assert found == {
        ".jpg": "image/jpeg",
        ".png": "image/png",
        ".webp": "image/webp",
        ".gif": "image/gif",
        ".avif": "image/avif",
        ".heic": "image/heic",
        ".tiff": "image/tiff",
        ".bmp": "image/bmp",
    }


@pytest.mark.parametrize(
    ("head", "named"),
    [
        (b"8BPS\0\1", "PSD"),
        (b"\0\0\1\0\1\0", "ICO"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "EPS"),
        (b"%PDF-1.7", "PDF"),
        (b"\xff\x0a\xfa", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "CR3"),
        (b"\0\0\0\x18ftypisom\0\0\2\0", "Videos"),
        (b"II*\0\x10\0\0\0CR\2\0", "Raw"),
        (b"FUJIFILMCCD-RAW 0201", "RAF"),
        (b"P6 64 64 255\n", "Netpbm"),
        (b'<svg xmlns="http://www.w3.org/2000/svg">', "SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- -->\n<svg>', "SVG"),
        ('<?xml version="1.0" encoding="utf-16"?><svg>'.encode("utf-16"), "SVG"),
    ],
)
def test_a_picture_of_another_format_is_refused_by_name(head: bytes, named: str) -> None:
    with pytest.raises(UnsupportedFormat, match=named):
        recognise(io.BytesIO(head))


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_that_starts_with_a_small_preview_is_a_raw_file(order: str) -> None:
    magic = b"II*\0" if order == "<" else b"MM\0*"
    entries = [(254, 4, 1, 1), (256, 4, 1, 160), (330, 4, 1, 4000)]
    directory = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    head = magic + struct.pack(f"{order}IH", 8, len(entries)) + directory
    with pytest.raises(UnsupportedFormat, match="Raw"):
        recognise(io.BytesIO(head))


@pytest.mark.parametrize(
    "head", [b"x", b"hello, world", b"PK\3\4", b"\x1f\x8b\x08", b"BM", b"RIFF"]
)
def test_what_is_no_picture_is_refused(head: bytes) -> None:
    with pytest.raises(NotAnImage):
        recognise(io.BytesIO(head))


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(EmptyFile):
        recognise(io.BytesIO())

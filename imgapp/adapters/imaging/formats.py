"""File formats: detects what a file is by its first bytes, never by its name (magic numbers)."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from imgapp.adapters.imaging.tiff_variants import SIGNATURES as TIFF_SIGNATURES
from imgapp.adapters.imaging.tiff_variants import is_raw, read_directory
from imgapp.errors import EmptyFile, NotAnImage, UnsupportedFormat

_HEAD_BYTES = 4096


@dataclass(frozen=True)
class FileFormat:
    """A format that can be stored; `loader` is the library that decodes it."""

    name: str
    mime_type: str
    loader: str = "vips"


JPEG = FileFormat("JPEG", "image/jpeg")
PNG = FileFormat("PNG", "image/png")
WEBP = FileFormat("WebP", "image/webp")
GIF = FileFormat("GIF", "image/gif")
TIFF = FileFormat("TIFF", "image/tiff")
AVIF = FileFormat("AVIF", "image/avif")
AVIF_SEQUENCE = FileFormat("AVIF", "image/avif", "pillow")
HEIC = FileFormat("HEIC", "image/heic", "heif")
HEIF = FileFormat("HEIF", "image/heif", "heif")
BMP = FileFormat("BMP", "image/bmp", "pillow")

_SUPPORTED = "JPEG, PNG, WebP, GIF, AVIF, HEIC, TIFF and BMP"

_SIGNATURES: list[tuple[bytes, FileFormat]] = [
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
]

_BMP_HEADER_SIZES = {12, 16, 40, 52, 56, 64, 108, 124}
_HEVC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"mif1", b"msf1", b"mif2"}

_UNSUPPORTED: list[tuple[bytes, str]] = [
    (b"8BPS", "Photoshop documents (PSD)"),
    (b"\x00\x00\x01\x00", "Icons (ICO)"),
    (b"\x00\x00\x02\x00", "Cursors (CUR)"),
    (b"icns", "Icons (ICNS)"),
    (b"%!PS", "PostScript and EPS files"),
    (b"\xc5\xd0\xd3\xc6", "EPS files"),
    (b"%PDF", "PDF documents"),
    (b"\xff\x0a", "JPEG XL pictures"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL pictures"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000 pictures"),
    (b"\xff\x4f\xff\x51", "JPEG 2000 pictures"),
    (b"II\xbc", "JPEG XR pictures"),
    (b"IIRO", "Raw camera files (ORF)"),
    (b"IIRS", "Raw camera files (ORF)"),
    (b"MMOR", "Raw camera files (ORF)"),
    (b"IIU\0", "Raw camera files (RW2)"),
    (b"FUJIFILMCCD-RAW", "Raw camera files (RAF)"),
    (b"FOVb", "Raw camera files (X3F)"),
    (b"\x00MRM", "Raw camera files (MRW)"),
    (b"gimp xcf", "GIMP documents (XCF)"),
    (b"v/1\x01", "OpenEXR pictures"),
    (b"#?RADIANCE", "Radiance HDR pictures"),
    (b"#?RGBE", "Radiance HDR pictures"),
    (b"DDS ", "DirectDraw surfaces (DDS)"),
    (b"qoif", "QOI pictures"),
    (b"FLIF", "FLIF pictures"),
    (b"BPG\xfb", "BPG pictures"),
    (b"SIMPLE  =", "FITS files"),
    (b"\x01\xda", "SGI pictures"),
    (b"BLP1", "BLP textures"),
    (b"BLP2", "BLP textures"),
    (b"\xd7\xcd\xc6\x9a", "Windows metafiles (WMF)"),
    (b"\x01\x00\x00\x00\x6c\x00\x00\x00", "Windows metafiles (EMF)"),
]


def recognise(file: BinaryIO) -> FileFormat:
    """Name the format of a file by its start, and of a TIFF by its first directory.

    Raises EmptyFile, UnsupportedFormat (a picture, or nearly, in a format that is not accepted)
    or NotAnImage.
    """
    head = file.read(_HEAD_BYTES)
    if not head:
        raise EmptyFile("The file is empty.")
    found = _supported(head)
    if found is TIFF and (head[8:10] == b"CR" or is_raw(read_directory(file))):
        raise UnsupportedFormat(f"Raw camera files are not supported; {_SUPPORTED} are.")
    if found is not None:
        return found
    other = _unsupported(head)
    if other is not None:
        raise UnsupportedFormat(f"{other} are not supported; {_SUPPORTED} are.")
    raise NotAnImage(f"The file is not an image. {_SUPPORTED} are accepted.")


def _supported(head: bytes) -> FileFormat | None:
    for signature, form in _SIGNATURES:
        if head.startswith(signature):
            return form
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[:2] == b"BM" and len(head) >= 18:
        return BMP if struct.unpack_from("<I", head, 14)[0] in _BMP_HEADER_SIZES else None
    if head[:4] in TIFF_SIGNATURES:
        return TIFF
    return _iso_media(head)


def _iso_media(head: bytes) -> FileFormat | None:
    brands = _brands(head)
    if head[8:12] == b"mif3":
        # The minor version holds the brand that says what is inside (ISO/IEC 23008-12, annex).
        name = {b"avif": "AVIF", b"heic": "HEIC"}.get(head[12:16], "HEIF")
        raise UnsupportedFormat(
            f"{name} files with the short header (a mini box) are not supported yet; save the "
            f"picture as an ordinary {name}, or as JPEG or PNG."
        )
    if brands & _AVIF_BRANDS:
        return AVIF if head[8:12] in (b"avif", b"mif1") else AVIF_SEQUENCE
    if brands & _HEVC_BRANDS:
        return HEIC
    return HEIF if brands & _HEIF_BRANDS else None


def _brands(head: bytes) -> set[bytes]:
    """The brands of an ISO base media file (ISO/IEC 14496-12, `ftyp`)."""
    if head[4:8] != b"ftyp":
        return set()
    size = min(struct.unpack_from(">I", head)[0], len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))}


def _unsupported(head: bytes) -> str | None:
    for signature, name in _UNSUPPORTED:
        if head.startswith(signature):
            return name
    if head[4:8] == b"ftyp":
        return "Raw camera files (CR3)" if head[8:12] == b"crx " else "Videos"
    if head[128:132] == b"DICM":
        return "DICOM files"
    if re.match(rb"P[1-7]\s", head):
        return "Netpbm pictures"
    return "SVG drawings" if _is_svg(head) else None


def _is_svg(head: bytes) -> bool:
    text = head.replace(b"\0", b"").lower()
    return b"<svg" in text and text.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:1] == b"<"

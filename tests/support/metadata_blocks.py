"""Metadata blocks and the files that carry them, made byte by byte."""

from __future__ import annotations

import struct
import zlib


def xmp(body: str, attributes: str = "") -> bytes:
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
    <x:xmpmeta xmlns:x="adobe:ns:meta/"
        xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        xmlns:dc="http://purl.org/dc/elements/1.1/"
        xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/">
      <rdf:RDF><rdf:Description rdf:about="" {attributes}>{body}</rdf:Description></rdf:RDF>
    </x:xmpmeta><?xpacket end="w"?>""".encode()


def alternative(name: str, **texts: str) -> str:
    items = "".join(
        f'<rdf:li xml:lang="{language.replace("_", "-")}">{text}</rdf:li>'
        for language, text in texts.items()
    )
    return f"<{name}><rdf:Alt>{items}</rdf:Alt></{name}>"


def iptc(*datasets: tuple[int, int, bytes]) -> bytes:
    return b"".join(
        struct.pack(">BBBH", 0x1C, record, number, len(value)) + value
        for record, number, value in datasets
    )


def photoshop(iptc_block: bytes, number: int = 0x0404) -> bytes:
    """Photoshop's image resources: another one, and the one of IPTC."""
    other = b"8BIM" + struct.pack(">H", 0x03ED) + b"\3abc" + struct.pack(">I", 3) + b"xyz\0"
    found = b"8BIM" + struct.pack(">H", number) + b"\0\0" + struct.pack(">I", len(iptc_block))
    return other + found + iptc_block + b"\0" * (len(iptc_block) % 2)


def with_jpeg_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with one more segment at its start."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + jpeg[2:]


def with_png_chunks(png: bytes, *chunks: tuple[bytes, bytes], after_pixels: bool = False) -> bytes:
    """A PNG with more chunks, before its pixels or after them."""
    made = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    at = png.index(b"IEND" if after_pixels else b"IDAT") - 4
    return png[:at] + made + png[at:]


def raw_profile(name: str, block: bytes, *, packed: bool = True) -> tuple[bytes, bytes]:
    """A chunk as exiftool, exiv2 and ImageMagick write metadata into a PNG."""
    digits = block.hex()
    lines = [digits[at : at + 72] for at in range(0, len(digits), 72)]
    text = "\n".join(["", name, f"{len(block):8}", *lines, ""]).encode()
    keyword = f"Raw profile type {name}".encode() + b"\0"
    return (b"zTXt", keyword + b"\0" + zlib.compress(text)) if packed else (b"tEXt", keyword + text)


def with_webp_chunk(webp: bytes, kind: bytes, body: bytes) -> bytes:
    """A WebP with one more chunk, that no flag announces."""
    made = webp + kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return made[:4] + struct.pack("<I", len(made) - 8) + made[8:]


def with_gif_xmp(gif: bytes, packet: bytes) -> bytes:
    """A GIF with XMP before its pictures."""
    at = 13 + 3 * 2 ** ((gif[10] & 7) + 1) * bool(gif[10] & 0x80)
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    return gif[:at] + b"\x21\xff\x0bXMP DataXMP" + packet + trailer + gif[at:]


def with_xmp_box(iso_media: bytes, packet: bytes) -> bytes:
    """A moving AVIF with XMP where exiftool puts it: the offsets of what is before stay right."""
    body = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + packet
    return iso_media + struct.pack(">I4s", len(body) + 8, b"uuid") + body


def tiff(order: str, *tags: tuple[int, int, bytes]) -> bytes:
    """A TIFF of 8 x 8 pixels with more tags: number, type (1 byte, 2 text, 4 whole number, 7
    undefined) and bytes as they stand in the file."""
    sizes = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}
    pixels = bytes([190, 80, 60]) * 64
    short, long = (lambda n: struct.pack(f"{order}H", n)), (lambda n: struct.pack(f"{order}I", n))
    entries = [
        *((number, 3, short(value)) for number, value in ((256, 8), (257, 8), (259, 1), (262, 2))),
        (258, 3, short(8) * 3),
        (273, 4, long(8)),
        (277, 3, short(3)),
        (278, 3, short(8)),
        (279, 4, long(len(pixels))),
        *tags,
    ]
    at = 8 + len(pixels)
    values, directory = b"", b""
    data_at = at + 2 + 12 * len(entries) + 4
    for number, kind, value in sorted(entries):
        directory += struct.pack(f"{order}HHI", number, kind, len(value) // sizes[kind])
        if len(value) > 4:
            directory += long(data_at + len(values))
            values += value + b"\0" * (len(value) % 2)
        else:
            directory += value.ljust(4, b"\0")
    magic = b"II*\0" if order == "<" else b"MM\0*"
    head = magic + long(at) + pixels
    return head + short(len(entries)) + directory + long(0) + values


def with_thumbnail(jpeg: bytes, thumbnail: bytes, *, turn: int = 1, order: str = "<") -> bytes:
    """A JPEG with another one embedded, as cameras do it (Exif 2.32, 4.6.9: the first IFD says how
    the picture is turned, the second where the thumbnail lies)."""

    def directory(entries: list[tuple[int, int, int]], after: int) -> bytes:
        parts = [struct.pack(f"{order}H", len(entries))]
        for tag, kind, value in entries:
            said = struct.pack(f"{order}H2x" if kind == 3 else f"{order}I", value)
            parts.append(struct.pack(f"{order}HHI", tag, kind, 1) + said)
        return b"".join([*parts, struct.pack(f"{order}I", after)])

    second = 8 + 2 + 12 + 4
    start = second + 2 + 3 * 12 + 4
    tiff = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    tiff += directory([(0x0112, 3, turn)], second)
    tiff += directory([(0x0103, 3, 6), (0x0201, 4, start), (0x0202, 4, len(thumbnail))], 0)
    block = b"Exif\0\0" + tiff + thumbnail
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]

"""XMP: reads alt text, descriptions and keywords in every language (ISO 16684-1, IPTC Core)."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from imgapp.adapters.imaging.carried_words import DEFAULT, CarriedWords, Texts, language_tag

MAX_XMP = 2_000_000

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_IPTC_CORE = "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# exiv2 before 0.28 does not know that these texts have languages, and writes its own notation.
_LANGUAGE_IN_TEXT = re.compile(r'\s*lang="?([A-Za-z0-9-]{2,35})"?\s+(.*)', re.DOTALL)


def read_xmp(data: bytes) -> CarriedWords:
    """Read a packet. Raises ValueError or ElementTree.ParseError."""
    root = _parse_xml(data)
    return CarriedWords(
        alt_text=_texts(root, f"{_IPTC_CORE}AltTextAccessibility"),
        captions=[
            _texts(root, f"{_IPTC_CORE}ExtDescrAccessibility"),
            _texts(root, f"{_DC}description"),
        ],
        keywords=[item.text or "" for item in root.iterfind(f".//{_DC}subject//{_RDF}li")],
    )


def _parse_xml(data: bytes) -> ElementTree.Element:
    """Parse a packet that declares nothing: no document type, hence no entities to expand."""
    if len(data) > MAX_XMP:
        raise ValueError("XMP packet too long")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = data.decode(encoding, errors="replace").strip("\0 \t\r\n\ufeff")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("XMP packet with a document type")
    text = re.sub(r"^<\?xml[^>]*\?>", "", text)
    return ElementTree.fromstring(text)  # noqa: S314


def _texts(root: ElementTree.Element, name: str) -> Texts:
    """A text in its languages: the items of an `rdf:Alt`, a plain element or an attribute."""
    texts: Texts = {}
    for element in root.iter(f"{_RDF}Description"):
        _add(texts, "", element.get(name))
    for element in root.iter(name):
        own = element.get(_LANG, "")
        _add(texts, own, element.text)
        for item in element.iter(f"{_RDF}li"):
            _add(texts, item.get(_LANG, own), item.text)
    return texts


def _add(texts: Texts, language: str, text: str | None) -> None:
    tag = language_tag(language)
    noted = _LANGUAGE_IN_TEXT.fullmatch(text or "")
    if noted is not None and tag == DEFAULT:
        known = language_tag(noted[1])
        if known != DEFAULT or noted[1].lower() == DEFAULT:
            tag, text = known, noted[2]
    if text and text.strip():
        texts.setdefault(tag, text)

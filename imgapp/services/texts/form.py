"""Form of a text: what no text should have, in whatever language (lint rules).

Each finder gives what raised its doubt, "" if that is the whole text, and None for no doubt.
"""

from __future__ import annotations

import html
import re

from imgapp.services.texts.phrases import words
from imgapp.services.texts.written_text import UPPER, WrittenText, squeezed

_PICTURE_FILE = re.compile(
    r"(?<=\w)\.(?:jpe?g|png|gif|webp|avif|hei[cf]|tiff?|bmp|svg|psd|dng|nef|cr2|arw)(?!\w)", re.I
)
_NUMBERED = re.compile(
    r"(?:img|dscn?|dscf|dcim|pict|pxl|mvimg|pano|cimg|sam|gopr|dji|fb_img|p|screen ?shot|"
    r"bildschirmfoto|capture d['’]écran|captura de (?:pantalla|ecrã)|schermafbeelding|"
    r"whatsapp (?:image|bild|foto)|signal|scan)"
    r"[\W_]*\d{2}(?:[\d\W_]|at|um|às|à|wa|am|pm|copy|kopie|edited|hdr|mp)*",
    re.I,
)
_MACHINE_MADE = re.compile(
    r"(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-)?[0-9a-f]{12,64}|\d[\d_-]{9,}", re.I
)
_LONGEST_NAME = 120

_PLACEHOLDERS = words(
    """
    image img picture pic photo photograph graphic icon logo thumbnail banner spacer blank
    placeholder untitled unnamed null none undefined nan na tbd todo fixme alt alttext
    alternativetext alttexthere imagedescription description caption noalt nodescription
    noimage test asdf loremipsum bild foto grafik symbol platzhalter ohnetitel alternativtext
    bildbeschreibung imageicone icone texte textealternatif sanstitre imagen
    fotografia grafico icono sintitulo textoalternativo descripcion immagine senzatitolo
    testoalternativo descrizione imagem semtitulo descricao afbeelding plaatje naamloos
    alttekst bilden fotografi namnlos billede billedtekst unavngivet bilde utennavn zdjecie
    obraz obrazek beznazwy tekstalternatywny fotografie beznazvu popisek изображение картинка
    фото фотография рисунок безназвания gorsel resim fotograf adsız altmetin 画像 写真 イメージ 図
    代替テキスト 图片 圖片 照片 图像 圖像 图 替代文字 替代文本
    """
)
_NUMBERS = re.compile(r"\d+")
_UNFINISHED = re.compile(
    r"\A\W{0,9}(?:todo|tbd|fixme|xxx)\b|\blorem ipsum\b"
    r"|[\[<{](?:insert|add|enter|describe|your)\b[^\]>}]{0,60}[\]>}]"
    r"|\b(?:alt(?:ernative)? text|description) (?:goes )?here\b",
    re.I,
)

_ADDRESS = re.compile(r"(?:https?://|www\.|data:image/)[^\s<>\"”]{1,300}", re.I)

_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|code|div|em|figcaption|figure|font|h[1-6]|hr|i|img|li|mark|ol|p|"
    r"picture|pre|q|s|script|small|span|strike|strong|style|sub|sup|svg|table|td|th|tr|u|ul)"
    r"(?:\s[^<>]{0,300})?/?>",
    re.I,
)
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_MARKDOWN = re.compile(
    r"(?<!\*)\*\*(?=[^\s*])[^*\n]{1,300}\*\*(?!\*)"
    r"|(?<!\w)__(?=[^\s_])[^_\n]{1,300}__(?!\w)"
    r"|^[ \t]{0,3}#{1,6} \S"
    r"|^[ \t]{0,3}\* \S"
    r"|!?\[[^\]\n]{1,300}\]\([^)\s]{1,300}\)"
    r"|```"
    r"|\[/?(?:b|i|u|url|img|quote)\]"
    r"|\\u[0-9a-fA-F]{4}|(?<=[.!?:,;])\\n",
    re.M,
)

_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u231a\u231b\u23e9-\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693"
    "\u26a1\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705"
    "\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757\u2764\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50"
    "\u2b55]|[\u203c-\u3299]\ufe0f"
)

_CAPITALS = re.compile(rf"(?<!\w)[{UPPER}]+(?:[\s:!&'’.-]+[{UPPER}]+)+(?!\w)")
_ENOUGH_CAPITALS = 12
"""Letters: fewer are an acronym, or a short heading."""


def file_name(text: WrittenText) -> str | None:
    """The alt text is, or has, the name of a file."""
    if match := _PICTURE_FILE.search(text.alt):
        start = max(text.alt.rfind(space, 0, match.start()) for space in ' \n\t"“„«(')
        name = text.alt[start + 1 : match.end()]
        return None if text.shows(name) else name
    alt = text.alt
    if not alt or len(alt) > _LONGEST_NAME or text.shows(alt):
        return None
    if _NUMBERED.fullmatch(alt) or _MACHINE_MADE.fullmatch(alt):
        return ""
    stem = text.filename.rpartition(".")[0] or text.filename
    joined = "_" in alt or alt.count("-") > 1 or bool(re.search(r"\d{3}", alt))
    return "" if joined and " " not in alt and alt.casefold() == stem.casefold() else None


def placeholder_text(text: WrittenText) -> str | None:
    """The alt text says no more than that there is a picture, or that a text is still to come."""
    if not text.alt or text.unadorned:
        return None
    if match := _UNFINISHED.search(text.alt):
        return None if text.shows(match[0]) else match[0]
    if len(text.alt) > 40:
        return None
    word = _NUMBERS.sub("", squeezed(text.alt))
    empty = word in _PLACEHOLDERS or not (word or squeezed(text.alt))
    return "" if empty and not text.shows(text.alt) else None


def address(text: WrittenText) -> str | None:
    """The alt text has an address of the web that the picture does not show."""
    match = _ADDRESS.search(text.alt)
    return match[0] if match and not text.shows(match[0]) else None


def markup(text: WrittenText) -> str | None:
    """HTML, an entity of it, or Markdown that the picture does not show."""
    for part in (text.alt, text.long, *text.tags):
        for pattern in (_TAG, _ENTITY, _MARKDOWN):
            match = pattern.search(part)
            if match and match[0] not in text.shown and _is_markup(match[0]):
                return match[0]
    return None


def _is_markup(found: str) -> bool:
    return not found.startswith("&") or html.unescape(found) != found


def emoji(text: WrittenText) -> str | None:
    """A small picture among the letters, that the picture does not show itself."""
    for part in (text.alt, text.long, *text.tags):
        for match in _EMOJI.finditer(part):
            if match[0] not in text.shown:
                return match[0]
    return None


def all_capitals(text: WrittenText) -> str | None:
    """Words in capitals, that the picture does not show."""
    for run in _CAPITALS.finditer(text.alt):
        enough = sum(char.isupper() for char in run[0]) >= _ENOUGH_CAPITALS
        if enough and not text.shows(run[0]):
            return run[0]
    return None

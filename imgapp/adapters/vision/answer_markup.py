"""Answer markup: take off what models put around their texts (Markdown, labels, escapes).

Pure functions. What is left stays text, and is shown as text.
"""

from __future__ import annotations

import html
import re

_ESCAPED = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_LINE_END = re.compile(r"(?:(?<=[.!?…:;,\s])|(?<=\\n))\\n|\\n(?=\\n)")
_SOURCE_CODE = re.compile(r"</?[a-zA-Z!]")

_STRONG = re.compile(r"(?<!\*)\*\*(?=[^\s*])(.+?)(?<=[^\s*])\*\*(?!\*)", re.S)
_FENCE = re.compile(r"\A```\w*[ \t]*\n|\n?```\Z")
_MARKDOWN = (
    _STRONG,
    re.compile(r"(?<!\w)__(?=[^\s_])(.+?)(?<=[^\s_])__(?!\w)", re.S),
    re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])"),
    re.compile(r"(?<!\w)_(?=[^\s_])([^_\n]+?)(?<=[^\s_])_(?!\w)"),
    re.compile(r"(?<!`)`([^`\n]+)`(?!`)"),
    re.compile(r"!?\[([^\]\n]+)\]\(https?:[^)\s]+\)"),
    re.compile(r"^[ \t]*(?:#{1,6}|[-*•])[ \t]+(?=\S)()", re.M),
)
_LABEL = re.compile(
    r"\A\s*(?:(?:alt|alternative)[ _-]?text|(?:(?:image|picture|photo|long|detailed)[ _-])?"
    r"(?:description|caption)|visible[ _-]text|alternativtext|alt-text|bildbeschreibung|"
    r"beschreibung|sichtbarer text|texte alternatif|descripción|texto alternativo|descrizione|"
    r"testo alternativo|descrição|beschrijving)\s*[:：]\s*(?=\S)",
    re.I,
)
_NO_TEXT = re.compile(
    r"none|null|nil|nothing|empty|n/?a|not applicable"
    r"|(?:there (?:is|are) |i see )?(?:none|nothing|no(?: (?:visible|readable|legible|discernible|"
    r"recogni[sz]able|clear|other))* (?:text|words?|writing|lettering|letters)(?: or words?)?)"
    r"(?: (?:is|are|can be|was))?"
    r"(?: (?:visible|readable|legible|present|found|detected|shown|seen|(?:in|on) (?:the|this) "
    r"(?:image|picture|photo|photograph)))*"
    r"|(?:es (?:ist|gibt) )?keine?[rn]?(?: (?:sichtbare[rn]?|lesbare[rn]?|erkennbare[rn]?))?"
    r" (?:text|schrift|wörter)(?: (?:sichtbar|vorhanden|erkennbar|lesbar|im bild))*"
    r"|keiner(?: sichtbar)?|nichts"
    r"|aucun(?:e)?(?: texte)?(?: (?:visible|lisible))?|pas de texte(?: (?:visible|lisible))?"
    r"|ning[uú]n(?:o| texto)(?: (?:visible|legible))?|(?:sin|no hay) texto(?: visible)?"
    r"|nessun(?:o| testo)(?: (?:visibile|leggibile))?|nenhum(?: texto)?(?: visível)?|sem texto"
    r"|geen(?: (?:zichtbare|leesbare))?(?: tekst)?(?: zichtbaar)?"
    r"|нет(?: видимого)? текста|(?:文字|テキスト)?(?:は)?(?:なし|ありません)"
    r"|(?:没有|沒有|无|無)(?:可见|可見)?(?:的)?(?:文字|文本)?"
)


def without_markup(text: str) -> str:
    """A description or alt text without Markdown, label, HTML entities and JSON escapes."""
    text = _LINE_END.sub("\n", _unescaped(text))
    text = html.unescape(text) if _ENTITY.search(text) else text
    text = _FENCE.sub("", text.strip())
    for markdown in _MARKDOWN:
        text = markdown.sub(r"\1", text)
    return _LABEL.sub("", text)


def verbatim_text(text: str) -> str:
    """What a picture shows, without what only the model put around it; "" if it says: nothing."""
    text = _FENCE.sub("", _unescaped(text).strip())
    if not _SOURCE_CODE.search(text):
        text = _STRONG.sub(r"\1", html.unescape(text) if _ENTITY.search(text) else text)
    text = _LABEL.sub("", text)
    plain = " ".join(text.casefold().strip(" .!。…\"'“”()[]{}<>*_-").split())
    return "" if not plain or (len(plain) < 80 and _NO_TEXT.fullmatch(plain)) else text


def _unescaped(text: str) -> str:
    r"""With `\u00e9`, which was escaped twice, as the character that it stands for."""
    return _ESCAPED.sub(lambda match: _characters(match[0]), text)


def _characters(escapes: str) -> str:
    units = bytes.fromhex(escapes.replace("\\u", ""))
    # Half a surrogate pair, or a control character, is what it looks like: text.
    text = units.decode("utf-16-be", "replace")
    return text if text.isprintable() and "�" not in text else escapes

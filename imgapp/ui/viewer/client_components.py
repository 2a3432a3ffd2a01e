"""Client components of the viewer: wrap our ES modules of `assets/` as Reflex components."""

from __future__ import annotations

from typing import Any

import reflex as rx

from imgapp.ui.shell.reflex_types import Fires
from imgapp.ui.viewer.details import Details, Neighbour

ZOOM = "react-zoom-pan-pinch@4.2.0"


class ViewerDialog(rx.Component):
    """A modal dialog for the picture that the address names, with its neighbours and keys."""

    library = "$/public/viewer/viewer.jsx"
    tag = "ViewerDialog"
    lib_dependencies: list[str] = [ZOOM]
    live: rx.Var[bool]
    panel: rx.Var[Any]
    """Fetches the component that shows what is known of the picture."""
    image: rx.Var[Details]
    previous: rx.Var[Neighbour]
    next: rx.Var[Neighbour]
    missing: rx.Var[str]
    patch: rx.Var[dict[str, Any]]
    trash_failed: rx.Var[dict[str, Any]]
    on_show: Fires[str, str]
    on_change: Fires[()]
    on_look_around: Fires[str]
    on_trash: Fires[str]
    on_close: Fires[()]


class EditableText(rx.Component):
    """A text of a picture, edited in its place; its children stand beside the pencil."""

    library = "$/public/viewer/editable-text.jsx"
    tag = "EditableText"
    image_id: rx.Var[str]
    field: rx.Var[str]
    title: rx.Var[str]
    value: rx.Var[str]
    language: rx.Var[str]
    """Of the text (BCP 47); none for the words in the picture, which may be in any."""
    version: rx.Var[str]
    """The version that is shown."""
    nothing: rx.Var[str]
    """Said where there is no text."""
    beside: rx.Var[str]
    """What the picture's own text says, where another language is shown."""
    beside_language: rx.Var[str]
    beside_name: rx.Var[str]
    most: rx.Var[int]
    """Characters."""
    long: rx.Var[bool]
    """Whether it may have several lines: then Ctrl+Enter saves."""
    counts: rx.Var[bool]
    """Whether it is an alt text: its length and its words are looked at."""
    shown_as: rx.Var[str]
    keys: rx.Var[str]


class EditableTags(rx.Component):
    """The tags of a picture, to take away and to add to."""

    library = "$/public/viewer/editable-tags.jsx"
    tag = "EditableTags"
    image_id: rx.Var[str]
    language: rx.Var[str]
    version: rx.Var[str]
    value: rx.Var[list[str]]


class TextLanguage(rx.Component):
    """The language of a picture's texts, to choose."""

    library = "$/public/viewer/text-language.jsx"
    tag = "TextLanguage"
    image_id: rx.Var[str]
    value: rx.Var[str]
    languages: rx.Var[list[list[str]]]
    """Tags (BCP 47) and names."""


class DecorativeSwitch(rx.Component):
    """Says that a picture is decorative; its alt text comes back when it is not."""

    library = "$/public/viewer/decorative.jsx"
    tag = "DecorativeSwitch"
    image_id: rx.Var[str]
    language: rx.Var[str]
    version: rx.Var[str]
    value: rx.Var[bool]
    alt_text: rx.Var[str]


class CopyWays(rx.Component):
    """Copies the alt text, an HTML tag or Markdown."""

    library = "$/public/viewer/viewer-copy.jsx"
    tag = "CopyWays"
    alt_text: rx.Var[str]
    decorative: rx.Var[bool]
    filename: rx.Var[str]


class TakesFocus(rx.Component):
    """Gives the focus to the first field in it when it appears, and back when it goes."""

    library = "$/public/viewer/takes-focus.jsx"
    tag = "TakesFocus"


def swatch(code: str) -> rx.Component:
    """A colour, seen."""
    return rx.el.span(
        class_name="swatch", custom_attrs={"style": {"background": code}}, aria_hidden="true"
    )

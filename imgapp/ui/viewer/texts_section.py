"""Sections of the viewer with a picture's texts, each edited in its place."""

from __future__ import annotations

from typing import Any

import reflex as rx

from imgapp.models import AnalysisStatus
from imgapp.services.analysis import preferences
from imgapp.ui.shell.reflex_types import Action, either
from imgapp.ui.viewer.client_components import (
    CopyWays,
    DecorativeSwitch,
    EditableTags,
    EditableText,
    TextLanguage,
)
from imgapp.ui.viewer.details import Details
from imgapp.ui.viewer.history import TextHistory
from imgapp.ui.viewer.history_sections import suggestion, text_owner
from imgapp.ui.viewer.history_words import TITLES
from imgapp.ui.viewer.text_states import TextStates


class ViewerTexts(TextStates, TextHistory, mixin=True):
    """What of the viewer's state the texts are shown from."""

    image: Details = Details()


def texts_section(state: type[ViewerTexts], image: Details, *, on_add_read: Action) -> rx.Component:
    """Alt text, description, tags and visible text, with who wrote each."""
    said = state.said
    return rx.el.div(
        _section(
            state,
            "alt_text",
            _text(
                state,
                image,
                "alt_text",
                said.alt_text,
                nothing=either(
                    said.decorative,
                    "Decorative: screen readers skip it.",
                    either(
                        image.status == AnalysisStatus.COMPLETED.value,
                        "Needs a text.",
                        "Nothing yet.",
                    ),
                ),
                most=2_000,
                counts=True,
                keys="e",
                beside=said.beside,
            ),
            CopyWays.create(
                alt_text=said.alt_text, decorative=said.decorative, filename=image.filename
            ),
            DecorativeSwitch.create(
                image_id=image.id,
                language=said.language,
                version=said.version,
                value=said.decorative,
                alt_text=said.alt_text,
                key=f"{image.id}-{said.language}-decorative",
            ),
        ),
        _section(
            state,
            "description",
            _text(
                state,
                image,
                "description",
                said.description,
                nothing="Nothing yet.",
                most=20_000,
                long=True,
                shown_as="lines",
                beside=said.beside_description,
            ),
        ),
        _section(
            state,
            "tags",
            rx.el.div(*_named(state, "tags", said.tags_by), class_name="viewer-text-head"),
            EditableTags.create(
                image_id=image.id,
                language=said.language,
                version=said.version,
                value=said.tags,
                key=f"{image.id}-{said.language}-tags",
            ),
        ),
        _section(
            state,
            "visible_text",
            EditableText.create(
                *_named(state, "visible_text", image.visible_text_by),
                image_id=image.id,
                field="visible_text",
                title=TITLES["visible_text"],
                value=image.visible_text,
                nothing="None.",
                most=50_000,
                long=True,
                shown_as="viewer-visible-text",
                key=f"{image.id}-visible_text",
            ),
            _also_read(image, on_add_read),
        ),
        rx.cond(
            said.is_own,
            rx.el.section(
                TextLanguage.create(
                    image_id=image.id,
                    value=image.language,
                    languages=[list(one) for one in preferences.languages()],
                    key=f"{image.id}-language",
                ),
            ),
        ),
        class_name="viewer-texts",
    )


def _also_read(image: Details, on_add: Action) -> rx.Component:
    """A hint, apart from the texts: a model that saw more, or less, has the word."""
    return rx.cond(
        image.also_read != "",
        rx.el.div(
            rx.el.p("Also read in the picture", class_name="byline"),
            rx.el.p(image.also_read, class_name="said lines", dir="auto"),
            rx.el.button(
                "Add to the visible text", type="button", class_name="button small", on_click=on_add
            ),
            class_name="suggestion",
            role="group",
            aria_label="Also read in the picture",
        ),
    )


def _section(state: type[ViewerTexts], name: str, *content: rx.Component) -> rx.Component:
    shown = suggestion(state, name, TITLES[name])
    if name != "visible_text":  # which is as it is read, whatever the language
        shown = rx.cond(state.said.is_own, shown)
    return rx.el.section(*content, shown)


def _text(
    state: type[ViewerTexts], image: Details, name: str, value: str, **how: Any
) -> rx.Component:
    said = state.said
    return EditableText.create(
        *_named(state, name, getattr(said, f"{name}_by")),
        image_id=image.id,
        field=name,
        title=TITLES[name],
        value=value,
        language=said.language,
        version=said.version,
        beside_language=said.beside_language,
        beside_name=said.beside_name,
        key=f"{image.id}-{said.language}-{name}",
        **how,
    )


def _named(state: type[ViewerTexts], name: str, by: str) -> list[rx.Component]:
    """The title of a text, who wrote it, and the way to let models write it again."""
    written = state.image.written if name == "visible_text" else state.said.written
    return [
        rx.el.h3(TITLES[name]),
        rx.cond(by != "", rx.el.span(by, class_name="byline")),
        text_owner(state, name, written),
    ]

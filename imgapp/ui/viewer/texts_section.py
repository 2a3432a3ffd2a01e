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


def texts_section(state: type[TextHistory], image: Details, *, on_add_read: Action) -> rx.Component:
    """Alt text, description, tags and visible text, with who wrote each."""
    return rx.el.div(
        _section(
            state,
            "alt_text",
            _text(
                state,
                image,
                "alt_text",
                image.alt_text,
                nothing=either(
                    image.decorative,
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
            ),
            CopyWays.create(
                alt_text=image.alt_text, decorative=image.decorative, filename=image.filename
            ),
            DecorativeSwitch.create(
                image_id=image.id,
                value=image.decorative,
                alt_text=image.alt_text,
                key=f"{image.id}-decorative",
            ),
        ),
        _section(
            state,
            "description",
            _text(
                state,
                image,
                "description",
                image.description,
                nothing="Nothing yet.",
                most=20_000,
                long=True,
                shown_as="lines",
            ),
        ),
        _section(
            state,
            "tags",
            _head(state, image, "tags"),
            EditableTags.create(
                image_id=image.id, value=image.tags, lang=image.language, key=f"{image.id}-tags"
            ),
        ),
        _section(
            state,
            "visible_text",
            _text(
                state,
                image,
                "visible_text",
                image.visible_text,
                nothing="None.",
                most=50_000,
                long=True,
                shown_as="viewer-visible-text",
            ),
            _also_read(image, on_add_read),
        ),
        rx.el.section(
            TextLanguage.create(
                image_id=image.id,
                value=image.language,
                languages=[list(one) for one in preferences.languages()],
                key=f"{image.id}-language",
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


def _section(state: type[TextHistory], name: str, *content: rx.Component) -> rx.Component:
    return rx.el.section(*content, suggestion(state, name, TITLES[name]))


def _text(
    state: type[TextHistory], image: Details, name: str, value: str, **how: Any
) -> rx.Component:
    # Words that are in the picture may be in any language.
    lang = "" if name == "visible_text" else image.language
    return EditableText.create(
        *_named(state, image, name),
        image_id=image.id,
        field=name,
        title=TITLES[name],
        value=value,
        lang=lang,
        key=f"{image.id}-{name}",
        **how,
    )


def _head(state: type[TextHistory], image: Details, name: str) -> rx.Component:
    return rx.el.div(*_named(state, image, name), class_name="viewer-text-head")


def _named(state: type[TextHistory], image: Details, name: str) -> list[rx.Component]:
    """The title of a text, who wrote it, and the way to let models write it again."""
    by = getattr(image, f"{name}_by")
    return [
        rx.el.h3(TITLES[name]),
        rx.cond(by != "", rx.el.span(by, class_name="byline")),
        text_owner(state, name, image.written),
    ]

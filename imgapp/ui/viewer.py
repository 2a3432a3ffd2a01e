"""The viewer: one picture over the gallery, with all that is known of it."""

from __future__ import annotations

import reflex as rx
from reflex.vars.base import Var

from imgapp.models import AnalysisStatus
from imgapp.services import analysis, images
from imgapp.services.pools import in_db
from imgapp.ui.browser import CopyButton, PlainLink, ViewerDialog, local_time
from imgapp.ui.cards import Card
from imgapp.ui.describing import Describing
from imgapp.ui.describing_section import describing_section
from imgapp.ui.details import Details, details_of
from imgapp.ui.history import TextHistory
from imgapp.ui.history_sections import history_section, suggestion, text_owner
from imgapp.ui.history_words import TITLES
from imgapp.ui.notices import failures_shown, id_of, notice, say
from imgapp.ui.session import current_viewer
from imgapp.ui.status import status_badge


class ViewerState(TextHistory, Describing, rx.State):
    """The picture that is open, if any."""

    image: Details = Details()

    @rx.event
    async def show(self, image_id: str):
        user = current_viewer().user_id
        async with failures_shown(self):
            image = await in_db(images.get_image, user, id_of(image_id))
            self.image = details_of(image)
            await self._follow(user, image.id)

    @rx.event
    async def read_again(self):
        current_viewer()
        await self._look_again()

    @rx.event
    async def close(self):
        current_viewer()
        self.image = Details()
        self.describing_open = False
        self._forget()

    @rx.event
    async def try_again(self, image_id: str):
        user = current_viewer().user_id
        async with failures_shown(self):
            await in_db(analysis.request_analysis, user, id_of(image_id))

    @rx.event
    async def move_to_trash(self):
        user, image = current_viewer().user_id, self.image
        async with failures_shown(self):
            await in_db(images.delete_image, user, id_of(image.id))
            await self.close()
            await say(self, f"{image.filename} is in the trash", undo_id=image.id)

    async def _look_again(self) -> None:
        if self.image.id:
            await self.show(self.image.id)

    def _shown_id(self) -> str:
        return self.image.id


def viewer(cards: Var[list[Card]]) -> rx.Component:
    """The dialog. `cards` are the pictures that next and previous go through."""
    image = ViewerState.image
    return ViewerDialog.create(
        _stage(image),
        rx.el.div(
            _head(image),
            _state(image),
            _texts(image),
            _facts(image),
            describing_section(ViewerState, image),
            history_section(ViewerState),
            _actions(image),
            class_name="viewer-panel",
        ),
        # What is outside of an open dialog is neither seen nor heard.
        notice(),
        cards=cards,
        image_id=image.id,
        on_show=ViewerState.show,
        on_change=ViewerState.read_again,
        on_close=ViewerState.close,
    )


def _stage(image: Details) -> rx.Component:
    return rx.el.div(
        rx.cond(
            image.id != "",
            rx.el.img(
                src=image.preview,
                alt=image.alt_text,
                key=image.id,
            ),
        ),
        class_name="viewer-stage",
    )


def _head(image: Details) -> rx.Component:
    return rx.el.div(
        rx.el.h2(image.filename, id="viewer-title"),
        rx.el.button(
            rx.icon("x", size=20),
            type="button",
            class_name="button ghost icon",
            aria_label="Close the picture",
            on_click=ViewerState.close,
        ),
        class_name="viewer-head",
    )


def _state(image: Details) -> rx.Component:
    return rx.cond(
        image.status == AnalysisStatus.COMPLETED.value,
        rx.fragment(),
        rx.el.div(
            status_badge(image.status),
            rx.cond(image.note != "", rx.el.p(image.note, class_name="viewer-note")),
            rx.cond(
                image.status == AnalysisStatus.FAILED.value,
                _again(image, "Try again"),
            ),
            class_name="viewer-state",
            data_status=image.status,
            role="status",
        ),
    )


def _again(image: Details, label: str) -> rx.Component:
    return rx.el.button(
        rx.icon("rotate-cw", size=15, aria_hidden="true"),
        label,
        type="button",
        class_name="button small",
        on_click=ViewerState.try_again(image.id),
    )


def _texts(image: Details) -> rx.Component:
    alt_text = rx.cond(
        image.decorative,
        rx.el.p("Decorative: nothing to say to a screen reader.", class_name="quiet"),
        _said(image.alt_text, lang=image.language),
    )
    return rx.el.div(
        _text(
            "alt_text",
            image.alt_text_by,
            alt_text,
            rx.cond(image.alt_text != "", CopyButton.create(text=image.alt_text, label="Copy")),
        ),
        _text("description", image.description_by, _said(image.description, lang=image.language)),
        _text("tags", image.tags_by, _tags(image)),
        rx.cond(
            image.visible_text != "",
            _text(
                "visible_text",
                image.visible_text_by,
                rx.el.p(image.visible_text, class_name="viewer-visible-text"),
            ),
        ),
        class_name="viewer-texts",
    )


def _text(name: str, by: Var[str], *content: rx.Component) -> rx.Component:
    title = TITLES[name]
    return rx.el.section(
        rx.el.div(
            rx.el.h3(title),
            rx.cond(by != "", rx.el.span(by, class_name="byline")),
            text_owner(ViewerState, name, ViewerState.image.written),
            class_name="viewer-text-head",
        ),
        *content,
        suggestion(ViewerState, name, title),
    )


def _said(text: Var[str], *, lang: Var[str]) -> rx.Component:
    return rx.cond(
        text != "",
        rx.el.p(text, lang=lang),
        rx.el.p("Nothing yet.", class_name="quiet"),
    )


def _tags(image: Details) -> rx.Component:
    return rx.cond(
        image.tags.length() > 0,
        rx.el.ul(
            rx.foreach(image.tags, lambda tag: rx.el.li(tag, class_name="tag", key=tag)),
            class_name="tags all",
        ),
        rx.el.p("None yet.", class_name="quiet"),
    )


def _facts(image: Details) -> rx.Component:
    return rx.el.section(
        rx.el.h3("Details"),
        rx.el.dl(
            rx.foreach(
                image.facts,
                lambda fact: rx.fragment(
                    rx.el.dt(fact.label),
                    rx.el.dd(rx.cond(fact.time != "", local_time(fact.time), fact.value)),
                    key=fact.label,
                ),
            ),
            class_name="facts",
        ),
    )


def _actions(image: Details) -> rx.Component:
    return rx.el.div(
        PlainLink.create(
            rx.icon("download", size=16, aria_hidden="true"),
            "Original",
            href=image.original,
            download=image.filename,
            class_name="button",
        ),
        rx.cond(
            image.status == AnalysisStatus.COMPLETED.value,
            rx.el.button(
                rx.icon("rotate-cw", size=16, aria_hidden="true"),
                "Describe again",
                type="button",
                class_name="button",
                on_click=ViewerState.try_again(image.id),
            ),
        ),
        rx.el.button(
            rx.icon("trash-2", size=16, aria_hidden="true"),
            "Delete",
            type="button",
            class_name="button danger",
            on_click=ViewerState.move_to_trash,
        ),
        class_name="viewer-actions",
    )

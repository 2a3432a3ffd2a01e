"""The viewer: one picture over the gallery, with all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import reflex as rx
from reflex.vars.base import Var

from imgapp.errors import NotFound
from imgapp.models import AnalysisStatus, ImagePublic
from imgapp.services import analysis, images
from imgapp.services.pools import in_db
from imgapp.ui.browser import CopyButton, PlainLink, ViewerDialog, local_time
from imgapp.ui.cards import Card, status_note
from imgapp.ui.facts import Fact, facts_of, writer
from imgapp.ui.notices import failures_shown, say
from imgapp.ui.session import current_viewer
from imgapp.ui.status import status_badge


@dataclass
class Details:
    """Everything the viewer shows of one picture."""

    id: str = ""
    filename: str = ""
    status: str = ""
    note: str = ""
    preview: str = ""
    original: str = ""
    width: int = 0
    height: int = 0
    alt_text: str = ""
    alt_text_by: str = ""
    description: str = ""
    description_by: str = ""
    tags: list[str] = field(default_factory=list)
    tags_by: str = ""
    visible_text: str = ""
    visible_text_by: str = ""
    decorative: bool = False
    language: str = ""
    facts: list[Fact] = field(default_factory=list)


def details_of(image: ImagePublic) -> Details:
    """What the viewer shows of a picture."""
    return Details(
        id=str(image.id),
        filename=image.filename,
        status=image.status.value,
        note=status_note(image),
        preview=image.urls.preview,
        original=image.urls.original,
        width=image.width,
        height=image.height,
        alt_text=image.alt_text or "",
        alt_text_by=writer(image, "alt_text") or writer(image, "decorative"),
        description=image.description or "",
        description_by=writer(image, "description"),
        tags=image.tags or [],
        tags_by=writer(image, "tags"),
        visible_text=image.visible_text or "",
        visible_text_by=writer(image, "visible_text"),
        decorative=bool(image.decorative),
        language=image.language or "",
        facts=facts_of(image),
    )


class ViewerState(rx.State):
    """The picture that is open, if any."""

    image: Details = Details()
    asking: bool = False
    """Whether the question before moving to the trash is shown."""

    @rx.event
    async def show(self, image_id: str):
        user = current_viewer().user_id
        self.asking = False
        async with failures_shown(self):
            self.image = details_of(await in_db(images.get_image, user, _id(image_id)))

    @rx.event
    async def read_again(self):
        if self.image.id:
            await self.show(self.image.id)

    @rx.event
    async def close(self):
        current_viewer()
        self.image = Details()
        self.asking = False

    @rx.event
    async def try_again(self, image_id: str):
        user = current_viewer().user_id
        async with failures_shown(self):
            await in_db(analysis.request_analysis, user, _id(image_id))

    @rx.event
    async def ask(self, asking: bool):
        current_viewer()
        self.asking = asking

    @rx.event
    async def move_to_trash(self):
        user, image = current_viewer().user_id, self.image
        async with failures_shown(self):
            await in_db(images.delete_image, user, _id(image.id))
            await self.close()
            await say(self, f"{image.filename} is in the trash")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


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
            _actions(image),
            class_name="viewer-panel",
        ),
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
                width=image.width,
                height=image.height,
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
            "Alt text",
            image.alt_text_by,
            alt_text,
            rx.cond(image.alt_text != "", CopyButton.create(text=image.alt_text, label="Copy")),
        ),
        _text("Description", image.description_by, _said(image.description, lang=image.language)),
        _text("Tags", image.tags_by, _tags(image)),
        rx.cond(
            image.visible_text != "",
            _text(
                "Text in the picture",
                image.visible_text_by,
                rx.el.p(image.visible_text, class_name="viewer-visible-text"),
            ),
        ),
        class_name="viewer-texts",
    )


def _text(title: str, by: Var[str], *content: rx.Component) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.h3(title),
            rx.cond(by != "", rx.el.span(by, class_name="byline")),
            class_name="viewer-text-head",
        ),
        *content,
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
        rx.cond(ViewerState.asking, _question(), _buttons(image)),
        class_name="viewer-actions",
    )


def _buttons(image: Details) -> rx.Component:
    return rx.fragment(
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
            on_click=ViewerState.ask(True),
        ),
    )


def _question() -> rx.Component:
    return rx.fragment(
        rx.el.p("Move this picture to the trash?", class_name="viewer-question", role="alert"),
        rx.el.button(
            "Move to trash",
            type="button",
            class_name="button danger solid",
            auto_focus=True,
            on_click=ViewerState.move_to_trash,
        ),
        rx.el.button("Keep", type="button", class_name="button", on_click=ViewerState.ask(False)),
    )

"""The settings layout: links, sections, fields and messages that the settings pages share."""

from __future__ import annotations

from typing import Any

import reflex as rx

from imgapp.ui.shell.client_components import Moment, PlainLink
from imgapp.ui.shell.frame import frame
from imgapp.ui.shell.reflex_types import Action

_PAGES = {
    "/account": "Account",
    "/descriptions": "Descriptions",
    "/usage": "Usage",
    "/webhooks": "Webhooks",
}
_ADMINISTRATION = {
    "/models": "Models",
    "/queue": "Queue",
    "/people": "People",
    "/audit": "Audit trail",
}
_LAST = {"/help": "Help"}


def settings_page(
    title: str, *content: rx.Component, here: str, email: str, is_admin: bool
) -> rx.Component:
    """A page of settings. Administrators see the way to the pages that are theirs alone."""
    return frame(
        rx.el.div(
            rx.el.nav(
                *_links(_PAGES, here),
                rx.cond(is_admin, rx.fragment(*_links(_ADMINISTRATION, here))),
                *_links(_LAST, here),
                class_name="tabs",
                aria_label="Settings",
            ),
            rx.el.h1(title),
            *content,
            class_name="settings",
        ),
        email=email,
        here=here,
    )


def section(title: str, intro: str, *content: rx.Component, **looks: Any) -> rx.Component:
    """One matter of a page: what it is about on the left, what can be done on the right."""
    return rx.el.section(
        rx.el.div(rx.el.h2(title), rx.el.p(intro, class_name="quiet")),
        rx.el.div(*content, class_name="section-body"),
        class_name=looks.pop("class_name", "section"),
        **looks,
    )


def message(name: str, text: str, *, good: bool = False) -> rx.Component:
    """Shown by the browser itself when the page's address ends with `#name`."""
    return rx.el.p(
        text,
        id=name,
        role="status" if good else "alert",
        class_name="sheet-message good" if good else "sheet-message",
    )


def field(label: str, name: str, **attributes: Any) -> rx.Component:
    """A labelled input."""
    attributes = {"id": name, "type": "text", "class_name": "input"} | attributes
    return rx.el.div(
        rx.el.label(label, html_for=attributes["id"]),
        rx.el.input(name=name, **attributes),
        class_name="field",
    )


def choice(label: str, name: str, options: dict[str, str], **attributes: Any) -> rx.Component:
    """A labelled choice; `options` are what is sent, by what they are called."""
    attributes = {"id": name, "class_name": "input"} | attributes
    return rx.el.div(
        rx.el.label(label, html_for=attributes["id"]),
        rx.el.select(
            *(rx.el.option(text, value=value) for text, value in options.items()),
            name=name,
            **attributes,
        ),
        class_name="field",
    )


def long_field(
    label: str, name: str, hint: str = "", *, rows: int = 3, **attributes: Any
) -> rx.Component:
    """A labelled input of several lines, with what belongs there below it."""
    attributes = {"id": name, "class_name": "input long", "rows": str(rows)} | attributes
    if hint:
        attributes["aria_describedby"] = f"{name}-hint"
    return rx.el.div(
        rx.el.label(label, html_for=attributes["id"]),
        rx.el.textarea(name=name, **attributes),
        rx.el.p(hint, id=f"{name}-hint", class_name="field-hint") if hint else None,
        class_name="field",
    )


def moment(iso: str, *, ago: bool = True) -> rx.Component:
    """A time, in words or in full; the full time is in its tooltip."""
    return Moment.create(iso=iso, ago=ago)


def confirmed(
    word: str, question: str, button: str, action: Action, *, danger: bool = True
) -> rx.Component:
    """A button that asks first. Opened and closed by the browser itself."""
    return rx.el.details(
        rx.el.summary(word, class_name=f"button small{' danger' if danger else ''}"),
        rx.el.div(
            rx.el.p(question),
            rx.el.button(
                button,
                type="button",
                class_name=f"button small{' danger solid' if danger else ' primary'}",
                on_click=action,
            ),
            class_name="confirm-box",
        ),
        class_name="confirm",
    )


def badge(text: str, kind: str = "") -> rx.Component:
    """A word about somebody or something."""
    return rx.el.span(text, class_name=f"badge {kind}".strip())


def loading() -> rx.Component:
    """While nothing is known yet: rows without words."""
    row = rx.el.div(rx.el.span(), rx.el.span(), class_name="coming")
    return rx.el.div(row, row, row, class_name="rows rows-loading", aria_hidden="true")


def not_there() -> rx.Component:
    """What those see for whom a page is not there."""
    return rx.el.div(
        rx.el.h2("There is no such page"),
        PlainLink.create("To the pictures", href="/", class_name="button primary"),
        class_name="nothing",
    )


def _links(pages: dict[str, str], here: str) -> list[rx.Component]:
    return [
        PlainLink.create(
            name, href=path, custom_attrs={"aria-current": "page"} if path == here else {}
        )
        for path, name in pages.items()
    ]

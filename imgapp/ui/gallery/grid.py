"""The grid: shows pictures grouped by the day of upload (virtualised)."""

from __future__ import annotations

from typing import Any, cast

import reflex as rx
from reflex.vars import VarData
from reflex.vars.base import Var

from imgapp.models import AnalysisStatus
from imgapp.ui.gallery.first_window import SKELETON
from imgapp.ui.gallery.live_window import LiveWindow
from imgapp.ui.gallery.selection import select_box
from imgapp.ui.shell.cards import SEE_THROUGH, Card
from imgapp.ui.shell.reflex_types import Fires, Unbound, as_value, either, length
from imgapp.ui.shell.status_badge import status_badge
from imgapp.ui.viewer.dialog import ViewerState

VIRTUAL = "@tanstack/react-virtual@3.14.26"


class PictureGrid(rx.Component):
    """All pictures of a list, of which those near the screen are mounted."""

    library = "$/public/gallery/grid.jsx"
    tag = "PictureGrid"
    lib_dependencies: list[str] = [VIRTUAL]
    shown: rx.Var[dict[str, Any]]
    patch: rx.Var[dict[str, Any]]
    total: rx.Var[int]
    card: rx.Var[Any]
    """The component that draws one card."""
    on_look: Fires[int, int]
    """The window of so many cards from a position on is wanted."""
    on_stale: Fires[()]
    """The list is to be read again."""


def grid(
    state: type[LiveWindow],
    *,
    empty: rx.Component,
    on_look: Unbound[int, int],
    on_stale: Unbound[[]],
) -> rx.Component:
    """The pictures that are looked for, a section for each day; `empty` where there are none."""
    return PictureGrid.create(
        empty,
        shown=state.shown,
        patch=state.patch,
        total=state.total,
        card=_component(picture_card),
        on_look=on_look,
        on_stale=on_stale,
    )


def _component(memo: Any) -> Var[Any]:
    """A component of ours as a value that a component in JavaScript draws."""
    drawn = memo(
        card=Var("card").to(cast("Any", Card)),
        eager=Var("eager").to(bool),
        tab=Var("tab").to(int),
        selected=Var("selected").to(bool),
    )
    return Var(drawn.tag, _var_data=VarData(imports=drawn._get_all_imports()))


def skeleton() -> rx.Component:
    """What is shown before the list is there. With the page, pictures take its place."""
    return rx.el.div(
        rx.html(SKELETON),
        rx.el.p("Loading your pictures", class_name="sr-only", role="status"),
    )


@rx.memo
def picture_card(
    card: rx.Var[Card],
    eager: rx.Var[bool],
    tab: rx.Var[int],
    selected: rx.Var[bool],
    rest: rx.RestProp,
) -> rx.Component:
    """One picture. Drawn again only when it changes itself. `tab` is its place in the order of the
    Tab key: of all cards, one takes part in it."""
    shown = as_value(card)
    return rx.el.li(
        rx.el.button(
            rx.el.img(
                src=shown.thumb,
                alt=either(
                    shown.alt_text != "",
                    shown.alt_text,
                    either(shown.decorative, "", f"Not described yet: {shown.filename}"),
                ),
                loading=either(as_value(eager), "eager", "lazy"),
                lang=either(shown.alt_text != "", shown.language, ""),
                class_name=either(shown.transparent, SEE_THROUGH, ""),
                custom_attrs={"decoding": "async"},
            ),
            rx.cond(shown.decorative, rx.el.span(shown.filename, class_name="sr-only")),
            type="button",
            class_name="picture",
            data_open=shown.id,
            tab_index=tab,
        ),
        select_box(shown.filename, as_value(selected), as_value(tab)),
        status_badge(shown.status),
        _text(shown),
        rest,
        class_name="card",
        data_testid="card",
        data_image_id=shown.id,
        data_status=shown.status,
    )


def _text(card: Card) -> rx.Component:
    return rx.el.div(
        rx.cond(
            card.status == AnalysisStatus.FAILED.value,
            _problem(card),
            rx.cond(
                (card.alt_text != "") | (card.description != "") | card.decorative,
                _said(card),
                _not_yet(card),
            ),
        ),
        class_name="card-text",
    )


def _said(card: Card) -> rx.Component:
    return rx.el.div(
        rx.cond(card.mark != "", _mark(card)),
        rx.cond(
            card.decorative & (card.alt_text == ""),
            rx.el.p("Decorative", class_name="card-alt quiet"),
            rx.cond(card.alt_text != "", _words(card, card.alt_text, "card-alt")),
        ),
        rx.cond(card.description != "", _words(card, card.description, "card-description")),
        rx.cond(
            length(card.tags) > 0,
            rx.el.ul(
                rx.foreach(
                    card.tags, lambda tag: rx.el.li(tag, class_name="tag", key=tag, dir="auto")
                ),
                class_name="tags",
                aria_label="Tags",
                lang=card.language,
            ),
        ),
        class_name="arriving",
    )


_MARKS = {
    "a": "Approved",
    "r": "Returned",
    "d": "Doubtful",
    "ad": "Approved, and doubtful",
    "rd": "Returned, and doubtful",
}


def _mark(card: Card) -> rx.Component:
    words = cast("Any", rx.match(card.mark, *_MARKS.items(), ""))
    return rx.el.span(
        rx.el.span(words, class_name="sr-only"),
        class_name="card-mark",
        data_mark=card.mark,
        title=words,
    )


def _words(card: Card, text: str, class_name: str) -> rx.Component:
    return rx.el.p(text, class_name=class_name, lang=card.language, dir="auto")


def _not_yet(card: Card) -> rx.Component:
    return rx.fragment(
        rx.el.p(card.filename, class_name="card-name"),
        rx.cond(card.note != "", rx.el.p(card.note, class_name="card-description")),
        rx.cond(
            card.status == AnalysisStatus.COMPLETED.value,
            rx.el.p("Needs a text", class_name="card-alt quiet"),
        ),
        rx.cond(
            card.status == AnalysisStatus.IN_PROGRESS.value,
            rx.el.div(rx.el.span(), rx.el.span(), class_name="coming", aria_hidden="true"),
        ),
    )


def _problem(card: Card) -> rx.Component:
    return rx.el.div(
        rx.el.p(card.note, class_name="card-problem"),
        rx.el.button(
            rx.icon("rotate-cw", size=14, aria_hidden="true"),
            "Try again",
            type="button",
            class_name="button small",
            on_click=ViewerState.try_again(card.id),
        ),
        class_name="arriving",
    )

"""The grid of pictures, grouped by the day of upload."""

from __future__ import annotations

import reflex as rx
from reflex.vars.base import Var

from imgapp.models import AnalysisStatus
from imgapp.ui.browser import Day, days_of
from imgapp.ui.cards import Card
from imgapp.ui.status import status_badge
from imgapp.ui.viewer import ViewerState

FIRST_SCREEN = 16
"""Pictures fetched before the browser has laid out the page."""


def grid(cards: Var[list[Card]]) -> rx.Component:
    """All cards, newest first, a section for each day."""
    return rx.el.div(rx.foreach(days_of(cards), _day), class_name="days")


def skeleton() -> rx.Component:
    """What is shown before the first pictures are there."""
    tile = rx.el.li(
        rx.el.div(class_name="picture"),
        rx.el.div(rx.el.span(), rx.el.span(), class_name="coming"),
        class_name="card",
    )
    return rx.el.div(
        rx.el.ul(*([tile] * 12), class_name="grid skeleton", aria_hidden="true"),
        rx.el.p("Loading your pictures", class_name="sr-only", role="status"),
    )


def _day(day: Var[Day]) -> rx.Component:
    return rx.el.section(
        rx.el.h2(
            day.label,
            rx.el.span(day.cards.length(), class_name="day-count", aria_hidden="true"),
            class_name="day",
        ),
        rx.el.ul(
            rx.foreach(
                day.cards,
                lambda card, at: picture_card(
                    card=card, eager=day.before + at < FIRST_SCREEN, key=card.id
                ),
            ),
            class_name="grid",
        ),
        key=day.key,
        aria_label=day.label,
    )


@rx.memo
def picture_card(card: rx.Var[Card], eager: rx.Var[bool], rest: rx.RestProp) -> rx.Component:
    """One picture. Drawn again only when it changes itself."""
    return rx.el.li(
        rx.el.button(
            rx.el.img(
                src=card.thumb,
                alt=rx.cond(
                    card.alt_text != "",
                    card.alt_text,
                    rx.cond(card.decorative, "", f"Not described yet: {card.filename}"),
                ),
                loading=rx.cond(eager, "eager", "lazy"),
                custom_attrs={"decoding": "async"},
            ),
            rx.cond(card.decorative, rx.el.span(card.filename, class_name="sr-only")),
            type="button",
            class_name="picture",
            data_open=card.id,
        ),
        status_badge(card.status),
        _text(card),
        rest,
        class_name="card",
        custom_attrs={"style": {"--width": card.width, "--height": card.height}},
        data_testid="card",
        data_image_id=card.id,
        data_status=card.status,
    )


def _text(card: Var[Card]) -> rx.Component:
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


def _said(card: Var[Card]) -> rx.Component:
    return rx.el.div(
        rx.cond(
            card.decorative & (card.alt_text == ""),
            rx.el.p("Decorative", class_name="card-alt quiet"),
            rx.cond(card.alt_text != "", rx.el.p(card.alt_text, class_name="card-alt")),
        ),
        rx.cond(card.description != "", rx.el.p(card.description, class_name="card-description")),
        rx.cond(
            card.tags.length() > 0,
            rx.el.ul(
                rx.foreach(card.tags, lambda tag: rx.el.li(tag, class_name="tag", key=tag)),
                class_name="tags",
                aria_label="Tags",
            ),
        ),
        class_name="arriving",
    )


def _not_yet(card: Var[Card]) -> rx.Component:
    return rx.fragment(
        rx.el.p(card.filename, class_name="card-name"),
        rx.cond(card.note != "", rx.el.p(card.note, class_name="card-description")),
        rx.cond(
            card.status == AnalysisStatus.IN_PROGRESS.value,
            rx.el.div(rx.el.span(), rx.el.span(), class_name="coming", aria_hidden="true"),
        ),
    )


def _problem(card: Var[Card]) -> rx.Component:
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

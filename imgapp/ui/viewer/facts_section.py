"""Sections of the viewer on a picture's file: format, camera, colours."""

from __future__ import annotations

import reflex as rx

from imgapp.ui.shell.client_components import local_time
from imgapp.ui.shell.reflex_types import length
from imgapp.ui.viewer.client_components import swatch
from imgapp.ui.viewer.details import Details


def facts_section(image: Details) -> rx.Component:
    """Colours, and a list of facts."""
    return rx.fragment(
        rx.cond(length(image.colours) > 0, _colours(image)),
        rx.el.section(
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
        ),
    )


def _colours(image: Details) -> rx.Component:
    return rx.el.section(
        rx.el.h3("Colours"),
        rx.el.ul(
            rx.foreach(
                image.colours,
                lambda colour: rx.el.li(
                    swatch(colour.code), colour.name, title=colour.code, key=colour.name
                ),
            ),
            class_name="colours",
        ),
    )

"""Section of the viewer on how a picture is described."""

from __future__ import annotations

import reflex as rx

from imgapp.ui.shell.reflex_types import either, negated
from imgapp.ui.viewer.describing import Describing, DescribingOption
from imgapp.ui.viewer.details import Details

_DETAILS = {
    "": "As always",
    "brief": "Brief: one sentence",
    "standard": "Standard: a few sentences",
    "detailed": "Detailed: from the whole to the details",
}


def describing_section(state: type[Describing], image: Details) -> rx.Component:
    """Behind one button: what is here is done rarely and on purpose."""
    return rx.el.section(
        rx.el.button(
            rx.icon("sliders-horizontal", size=15, aria_hidden="true"),
            "How it is described",
            rx.icon("chevron-down", size=15, aria_hidden="true", class_name="turns"),
            type="button",
            class_name="button small",
            aria_expanded=either(state.describing_open, "true", "false"),
            on_click=state.toggle_describing,
        ),
        rx.cond(
            state.describing_open,
            rx.el.div(
                _context(state, image),
                _never_cloud(state, image),
                _again(state),
                key=image.id,
                class_name="how-described",
            ),
        ),
        aria_label="How it is described",
    )


def _context(state: type[Describing], image: Details) -> rx.Component:
    return rx.el.form(
        rx.el.div(
            rx.el.label("What this picture is for", html_for="picture_context"),
            rx.el.textarea(
                name="context",
                id="picture_context",
                default_value=image.context,
                placeholder="Such as: shows where the filter is changed",
                rows=2,
                max_length=2_000,
                class_name="input long",
            ),
            class_name="field",
        ),
        rx.el.button("Save", type="submit", class_name="button small"),
        on_submit=state.save_context,
    )


def _never_cloud(state: type[Describing], image: Details) -> rx.Component:
    return rx.el.button(
        rx.el.span(class_name="switch-track", aria_hidden="true"),
        rx.el.span(
            "Never send it to a model elsewhere",
            rx.el.small("It is then described by what imgapp measures itself."),
        ),
        type="button",
        role="switch",
        class_name="toggle",
        aria_checked=either(image.never_cloud, "true", "false"),
        on_click=state.set_never_cloud(negated(image.never_cloud)),
    )


def _again(state: type[Describing]) -> rx.Component:
    return rx.el.form(
        _choice("Model", "model", _options(state.models)),
        _choice("Language", "language", _options(state.languages)),
        _choice(
            "Detail",
            "detail",
            [rx.el.option(name, value=value) for value, name in _DETAILS.items()],
        ),
        rx.el.button("Describe it like this", type="submit", class_name="button small primary"),
        on_submit=state.describe_like_this,
        custom_attrs={"aria-label": "Describe again"},
    )


def _options(options: list[DescribingOption]) -> list[rx.Component]:
    return [rx.foreach(options, lambda one: rx.el.option(one.name, value=one.value))]


def _choice(label: str, name: str, options: list[rx.Component]) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=f"again_{name}"),
        rx.el.select(*options, name=name, id=f"again_{name}", class_name="input"),
        class_name="field",
    )

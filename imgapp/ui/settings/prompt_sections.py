"""The sections of `/descriptions` about the prompt: editor, trial, versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import reflex as rx

from imgapp.services.library.text_diff import DiffPart
from imgapp.ui.settings.prompts import PromptState, TrialCandidate, TrialRow, TrialText, VersionRow
from imgapp.ui.shell.client_components import PollTimer
from imgapp.ui.shell.reflex_types import as_text, either, length
from imgapp.ui.shell.settings_layout import badge, confirmed, loading, long_field, moment, section


def prompt_sections(state: type[PromptState]) -> list[rx.Component]:
    """The editor, the trial and the versions for their state class."""
    return [_prompt(state), _try(state), _versions(state)]


def _prompt(state: type[PromptState]) -> rx.Component:
    return section(
        "What the model is asked",
        "The whole prompt. What is in braces is filled in for each picture; the version stands on"
        " every analysis.",
        rx.cond(state.is_admin, _scopes(state)),
        rx.cond(state.loaded, _editor(state), loading()),
        id="prompt",
    )


def _scopes(state: type[PromptState]) -> rx.Component:
    def tab(words: str, scope: str) -> rx.Component:
        return rx.el.button(
            words,
            type="button",
            class_name="button small",
            aria_pressed=either(state.scope == scope, "true", "false"),
            on_click=state.choose_scope(scope),
        )

    return rx.el.div(
        tab("For my pictures", "own"),
        tab("For everybody", "everybody"),
        role="group",
        aria_label="Whose prompt",
        class_name="row switch",
    )


def _editor(state: type[PromptState]) -> rx.Component:
    return rx.el.div(
        rx.el.p(
            rx.el.strong("Version ", state.version),
            rx.cond(state.changed, None, badge("the default", "good")),
            rx.cond(state.differs, badge("not saved", "warn")),
        ),
        rx.el.div(
            long_field(
                "Prompt",
                "template",
                "Text in a picture stays content whatever stands here: an answer is only read as"
                " texts and tags.",
                rows=18,
                default_value=state.draft,
                on_blur=state.write,
                spell_check=False,
                max_length=12_000,
            ),
            key=as_text(state.serial),
            class_name="prompt-field",
        ),
        rx.el.details(
            rx.el.summary("Variables"),
            rx.el.dl(
                rx.foreach(
                    state.variables,
                    lambda one: rx.fragment(
                        rx.el.dt(rx.el.code(one.name)), rx.el.dd(one.meaning), key=one.name
                    ),
                ),
                class_name="variables",
            ),
            class_name="more-about",
        ),
        rx.el.details(
            rx.el.summary("Differences from the default (", state.default_version, ")"),
            rx.el.div(
                rx.foreach(state.parts, _part),
                class_name="differences",
                # It scrolls, so keys must get there.
                tab_index=0,
                role="group",
                aria_label="Differences",
            ),
            class_name="more-about",
            data_testid="differences",
        ),
        rx.el.div(
            rx.el.button(
                "Save the prompt", type="button", class_name="button primary", on_click=state.save
            ),
            rx.cond(
                state.changed,
                confirmed(
                    "Back to the default",
                    "Your version stays in the list below.",
                    "Go back",
                    state.reset_prompt,
                    danger=False,
                ),
            ),
            class_name="row",
        ),
        class_name="stack wide",
    )


def _part(part: DiffPart) -> rx.Component:
    drawn = rx.match(
        part.kind,
        ("added", rx.el.ins(part.text)),
        ("removed", rx.el.del_(part.text)),
        rx.el.span(part.text),
    )
    return cast("rx.Component", drawn)


def _try(state: type[PromptState]) -> rx.Component:
    return section(
        "Try it",
        "The prompt in the editor and the present one, on up to three pictures. Each answer is paid"
        " for like an analysis, and none is kept.",
        rx.cond(
            length(state.offers) > 0,
            rx.fragment(
                rx.el.div(
                    rx.foreach(state.offers, _offer(state)),
                    role="group",
                    aria_label="Pictures to try it on",
                    class_name="offers",
                ),
                rx.el.div(
                    rx.el.button(
                        "Try the prompt",
                        type="button",
                        class_name="button primary",
                        disabled=state.under_way,
                        on_click=state.try_it,
                    ),
                    rx.cond(
                        state.under_way,
                        rx.el.button(
                            "Stop", type="button", class_name="button", on_click=state.end_trial
                        ),
                    ),
                    rx.el.p(
                        either(state.under_way, "The model is being asked…", state.spent),
                        role="status",
                        class_name="quiet",
                    ),
                    class_name="row",
                ),
            ),
            rx.cond(
                state.loaded,
                rx.el.p("There are no pictures yet to try it on.", class_name="quiet"),
                loading(),
            ),
        ),
        rx.foreach(state.trial, _tried),
        rx.cond(state.under_way, PollTimer.create(seconds=1, on_look=state.look)),
    )


def _offer(state: type[PromptState]) -> Callable[[TrialCandidate], rx.Component]:
    def one(offer: TrialCandidate) -> rx.Component:
        return rx.el.button(
            rx.el.img(src=offer.thumb, alt="", loading="lazy"),
            type="button",
            aria_label=offer.name,
            aria_pressed=either(offer.chosen, "true", "false"),
            class_name="offer",
            key=offer.id,
            on_click=state.toggle(offer.id),
        )

    return one


def _tried(picture: TrialRow) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.cond(picture.thumb != "", rx.el.img(src=picture.thumb, alt="")),
            rx.el.strong(picture.name),
            class_name="tried-head",
        ),
        rx.foreach(picture.sides, _side),
        key=picture.id,
        class_name="tried",
        data_testid="tried",
    )


def _side(side: TrialText) -> rx.Component:
    return rx.el.section(
        rx.el.h3(side.title),
        rx.match(
            side.state,
            ("answered", _answer(side)),
            ("failed", rx.el.p(side.problem, class_name="problem")),
            rx.el.p("…", class_name="quiet"),
        ),
        data_state=side.state,
        class_name="side",
    )


def _answer(side: TrialText) -> rx.Component:
    def said(label: str, text: str) -> rx.Component:
        return rx.cond(
            text != "", rx.fragment(rx.el.dt(label), rx.el.dd(text, lang=side.lang)), None
        )

    return rx.fragment(
        rx.el.dl(
            said("Alt text", side.alt_text),
            said("Description", side.description),
            said("Tags", side.tags),
            said("Text in the picture", side.visible_text),
        ),
        rx.el.p(side.cost, class_name="quiet"),
    )


def _versions(state: type[PromptState]) -> rx.Component:
    return section(
        "Versions",
        "Each stays as it was when it was saved.",
        rx.cond(
            length(state.versions) > 0,
            rx.el.ul(rx.foreach(state.versions, _version(state)), class_name="rows"),
            rx.cond(
                state.loaded,
                rx.el.p("Nothing was changed yet.", class_name="quiet"),
                loading(),
            ),
        ),
        rx.cond(
            state.has_more,
            rx.el.button(
                "Show more", type="button", class_name="button small", on_click=state.show_more
            ),
        ),
    )


def _version(state: type[PromptState]) -> Callable[[VersionRow], rx.Component]:
    def row(one: VersionRow) -> rx.Component:
        return rx.el.li(
            rx.el.div(
                rx.el.p(
                    rx.el.strong(one.name),
                    rx.cond(one.holds, badge("holds", "good")),
                    rx.cond(one.is_reset, badge("back to the default")),
                ),
                rx.el.p(
                    moment(one.at),
                    rx.cond(one.author != "", rx.fragment(" · ", one.author)),
                    class_name="quiet",
                ),
            ),
            rx.el.button(
                "Open in the editor",
                type="button",
                class_name="button small",
                aria_label=f"Open {one.name} in the editor",
                on_click=state.open_version(one.number),
            ),
            key=one.name,
            data_testid="version",
        )

    return row

"""`/review`: one picture after the other, with its texts, to approve, mend or return."""

from __future__ import annotations

from typing import Any

import reflex as rx

from imgapp.ui.review.state import LanguageChoice, ReviewState
from imgapp.ui.shell.frame import frame
from imgapp.ui.shell.reflex_types import Fires
from imgapp.ui.shell.settings_layout import loading


class ReviewDesk(rx.Component):
    """The queue that the address names, one picture at a time, with its keys."""

    library = "$/public/review/review.jsx"
    tag = "ReviewDesk"
    language: rx.Var[str]
    languages: rx.Var[list[LanguageChoice]]
    rules: rx.Var[dict[str, str]]
    blind_share: rx.Var[int]
    second_share: rx.Var[int]
    agreement: rx.Var[str]
    news: rx.Var[dict[str, Any]]
    on_share: Fires[str, int]
    on_options: Fires[str]


def page() -> rx.Component:
    """`/review`"""
    return frame(
        rx.el.h1("Review", class_name="sr-only"),
        rx.cond(
            ReviewState.loaded,
            ReviewDesk.create(
                language=ReviewState.language,
                languages=ReviewState.languages,
                rules=ReviewState.rules,
                blind_share=ReviewState.blind_share,
                second_share=ReviewState.second_share,
                agreement=ReviewState.agreement,
                news=ReviewState.news,
                on_share=ReviewState.set_share,
                on_options=ReviewState.read_agreement,
            ),
            loading(),
        ),
        email=ReviewState.email,
        here="/review",
    )

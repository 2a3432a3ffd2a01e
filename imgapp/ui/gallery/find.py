"""The find bar: search, filters and order of the gallery, all in the page's address."""

from __future__ import annotations

import reflex as rx

from imgapp.ui.gallery.text_languages import TextLanguages
from imgapp.ui.shell.doubt_words import sentences
from imgapp.ui.shell.reflex_types import Fires, Unbound


class FindBar(rx.Component):
    """The search field, the filters and their chips, and the order."""

    library = "$/public/find/find-bar.jsx"
    tag = "FindBar"
    live: rx.Var[bool]
    total: rx.Var[int]
    found: rx.Var[int]
    query: rx.Var[str]
    """What the page shows now."""
    needing: rx.Var[int]
    """How many pictures need a text."""
    languages: rx.Var[list[str]]
    rules: rx.Var[dict[str, str]]
    """What each rule says of a text that it doubts."""
    on_find: Fires[str]
    """The address asks for something else."""
    on_filters: Fires[()]
    """The filters are opened."""


class ClearFilters(rx.Component):
    """A button that leads back to all pictures."""

    library = "$/public/find/find-bar.jsx"
    tag = "ClearFilters"


def find_bar(
    *, live: bool, total: int, found: int, query: str, needing: int, on_find: Unbound[str]
) -> rx.Component:
    """The bar over the gallery."""
    return FindBar.create(
        live=live,
        total=total,
        found=found,
        query=query,
        needing=needing,
        languages=TextLanguages.tags,
        rules=sentences(),
        on_find=on_find,
        on_filters=TextLanguages.look,
    )


def nothing_found() -> rx.Component:
    """Shown in the place of pictures when none match."""
    return rx.el.section(
        rx.icon("search-x", size=48, aria_hidden="true"),
        rx.el.h2("No picture matches"),
        rx.el.p("Try fewer or other words, or take a filter away."),
        ClearFilters.create(),
        class_name="hero plain",
    )

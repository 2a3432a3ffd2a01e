"""`/help`: what imgapp does and how, in short."""

from __future__ import annotations

import reflex as rx

from imgapp import __version__
from imgapp.settings import get_settings
from imgapp.ui.shell.client_components import PlainLink
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.settings_layout import section, settings_page
from imgapp.ui.shell.viewer_context import current_viewer

FORMATS = ("JPEG", "PNG", "WebP", "GIF", "AVIF", "HEIC", "TIFF", "BMP")
SEARCHES = {
    "red bicycle": "both words, anywhere in a picture's texts or its file name",
    '"red bicycle"': "the two words one after the other",
    "harbour or beach": "either word",
    "beach -people": "the first word, without the second",
}


class HelpState(rx.State):
    """Who reads it, and what holds for this installation."""

    email: str = ""
    is_admin: bool = False
    max_mb: int = 50

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.email, self.is_admin = viewer.email, viewer.is_admin
        self.max_mb = get_settings().max_upload_mb


def page() -> rx.Component:
    """`/help`"""
    return settings_page(
        "Help",
        _adding(),
        _texts(),
        _editing(),
        _finding(),
        _keys(),
        _privacy(),
        _programs(),
        _asking(),
        here="/help",
        email=HelpState.email,
        is_admin=HelpState.is_admin,
    )


def _adding() -> rx.Component:
    return section(
        "Add pictures",
        "As many at once as you like.",
        rx.el.p(
            "Drop them anywhere on the page with your pictures, paste one, or use the Upload "
            "button; the one with a folder on it takes a whole folder."
        ),
        rx.el.p(
            f"{', '.join(FORMATS[:-1])} and {FORMATS[-1]}, up to ",
            HelpState.max_mb,
            " MB each. What a file is, is told by its content. One that is damaged says so by "
            "itself, and the others go on. The same picture twice is kept once.",
        ),
    )


def _texts() -> rx.Component:
    return section(
        "Where the texts come from",
        "You need not wait: they arrive while you look.",
        rx.el.p(
            "A model looks at each picture and writes an ",
            rx.el.strong("alt text"),
            " (what a screen reader says in its place), a description, tags, and the words that "
            "can be read in it. Texts that a file already carries come in as a person's.",
        ),
        rx.el.p(
            "If it could not be done, the picture says why and has a button to try again. All of "
            "those are under ",
            PlainLink.create("Not described", href="/failures"),
            ". Language, names and the wording you prefer are set under ",
            PlainLink.create("Descriptions", href="/descriptions"),
            "; what models cost is under ",
            PlainLink.create("Usage", href="/usage"),
            ".",
        ),
        rx.el.p(
            "Models make mistakes. Read what they say before you publish it, names and numbers "
            "most of all."
        ),
    )


def _editing() -> rx.Component:
    return section(
        "Your words stay yours",
        "Every text says who wrote it.",
        rx.el.p(
            "Open a picture to change its texts. What a person wrote, no model replaces: if it "
            "says otherwise later, both are shown and you choose. Earlier texts are kept with the "
            "picture, and can be put back."
        ),
        rx.el.p(
            "A picture that only decorates can be marked so: its alt text is empty on purpose, "
            "and screen readers pass over it."
        ),
        rx.el.p(
            "To go through many, one key each, open ",
            PlainLink.create("Review", href="/review"),
            ": approve, edit or return what is said, alone or with others at once.",
        ),
    )


def _finding() -> rx.Component:
    return section(
        "Find pictures",
        "By what they show, not only by their names.",
        rx.el.dl(
            *(
                rx.el.div(rx.el.dt(rx.el.code(query)), rx.el.dd(words))
                for query, words in SEARCHES.items()
            ),
            class_name="examples",
        ),
        rx.el.p(
            "The beginning of a word is enough, and nothing that you type is wrong. What you look "
            "for stands in the address, so you can keep it as a bookmark."
        ),
    )


def _keys() -> rx.Component:
    return section(
        "Keyboard",
        "Everything works without a mouse.",
        rx.el.p("Press ", rx.el.kbd("?"), " on any page to see the keys that do something there."),
        rx.el.button(
            rx.icon("keyboard", size=16, aria_hidden="true"),
            "Show the shortcuts",
            type="button",
            class_name="button",
            data_shortcuts="",
        ),
    )


def _privacy() -> rx.Component:
    return section(
        "Privacy",
        "A picture belongs to one person.",
        rx.el.p(
            "Nobody else who uses this imgapp can open, find or list your pictures; their links "
            "are signed and expire. A model gets a small copy without position, camera or file "
            "name, never the original. Pictures can be kept from models elsewhere altogether, "
            "one by one or all, under ",
            PlainLink.create("Descriptions", href="/descriptions"),
            ".",
        ),
        rx.el.p(
            "Whoever runs this installation keeps its disk and its copies, and can reach what is "
            "on them. You can take your texts away with you, and delete everything, under ",
            PlainLink.create("Account", href="/account"),
            ".",
        ),
    )


def _programs() -> rx.Component:
    return section(
        "For programs",
        "All of this can be done without the page.",
        rx.el.p(
            "The ",
            PlainLink.create("API", href="/api/docs"),
            " is described where it is, with examples. Make a token under ",
            PlainLink.create("Account", href="/account"),
            "; have your programs told of each description under ",
            PlainLink.create("Webhooks", href="/webhooks"),
            ".",
        ),
    )


def _asking() -> rx.Component:
    return section(
        "Still stuck?",
        "Somebody looks after this imgapp.",
        rx.el.p(
            "Ask the person who gave you your account. Say what you did, what you saw, and when: "
            "that is enough to find it in the logs."
        ),
        rx.el.p(f"This is imgapp {__version__}."),
    )

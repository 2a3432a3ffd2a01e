"""Short messages over the page, and the one place where a failure becomes one."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import reflex as rx

from imgapp.errors import ImgappError, NotFound, NotSignedIn
from imgapp.services import trash
from imgapp.services.pools import in_db
from imgapp.ui.session import current_viewer

log = logging.getLogger(__name__)


class NoticeState(rx.State):
    """The message that is shown, if any. An error stays until it is dismissed."""

    text: str = ""
    is_error: bool = False
    undo_id: str = ""
    """The picture that Undo takes out of the trash."""
    serial: int = 0
    """Starts the fading anew when the same text is said twice."""

    @rx.event
    async def dismiss(self):
        current_viewer()
        self.text = ""

    @rx.event
    async def say_that_it_failed(self):
        current_viewer()
        await say(self, "Something went wrong. Try again in a moment.", is_error=True)

    @rx.event
    async def undo(self):
        user, image_id, self.text = current_viewer().user_id, self.undo_id, ""
        async with failures_shown(self):
            await in_db(trash.restore_image, user, id_of(image_id))


async def say(state: rx.State, text: str, *, is_error: bool = False, undo_id: str = "") -> None:
    """Show a message; with `undo_id`, offer to take that picture out of the trash again."""
    notices = await state.get_state(NoticeState)
    notices.text, notices.is_error, notices.undo_id = text, is_error, undo_id
    notices.serial += 1


@asynccontextmanager
async def failures_shown(state: rx.State) -> AsyncIterator[None]:
    """Turn what services raise into a message."""
    try:
        yield
    except NotSignedIn:
        raise
    except ImgappError as error:
        log.warning("action_failed", extra={"code": error.code})
        await say(state, error.detail, is_error=True)


def id_of(text: str) -> UUID:
    """An id that came from the browser. Raises NotFound."""
    try:
        return UUID(str(text))
    except ValueError:
        raise NotFound from None


def notice() -> rx.Component:
    """The message, at the bottom of the page. Announced politely, or at once if it is an error."""
    return rx.el.div(
        rx.cond(
            NoticeState.text != "",
            rx.el.div(
                rx.cond(
                    NoticeState.is_error,
                    rx.icon(
                        "triangle-alert", size=18, class_name="notice-icon", aria_hidden="true"
                    ),
                    rx.icon("check", size=18, class_name="notice-icon", aria_hidden="true"),
                ),
                rx.el.span(NoticeState.text),
                rx.cond(
                    NoticeState.undo_id != "",
                    rx.el.button(
                        "Undo",
                        type="button",
                        class_name="button ghost small undo",
                        on_click=NoticeState.undo,
                    ),
                ),
                rx.el.button(
                    rx.icon("x", size=16),
                    type="button",
                    class_name="button ghost icon small",
                    aria_label="Dismiss this message",
                    on_click=NoticeState.dismiss,
                ),
                key=NoticeState.serial.to_string(),
                role=rx.cond(NoticeState.is_error, "alert", "status"),
                class_name=rx.cond(NoticeState.is_error, "notice error", "notice"),
            ),
        ),
        class_name="notices",
        aria_live="polite",
    )

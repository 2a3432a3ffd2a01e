"""Every page, and the look they share. To add a page: copy `sign_in.py`, add a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import reflex as rx
from reflex_base.event import noop
from reflex_components_core.base.error_boundary import ErrorBoundary

from imgapp.ui.admin import (
    audit,
    model_sections,
    models,
    people,
    people_sections,
    queue,
    queue_sections,
)
from imgapp.ui.coverage import page as coverage_page
from imgapp.ui.coverage.state import CoverageState
from imgapp.ui.gallery import failure_sections, failures_page, page, progress_strip, trash_page
from imgapp.ui.review import page as review_page
from imgapp.ui.review.state import ReviewState
from imgapp.ui.settings import (
    account,
    account_sections,
    description_sections,
    descriptions,
    help,
    prompts,
    spending,
    spending_administration,
    spending_sections,
    text_rules,
    webhook_sections,
    webhooks,
)
from imgapp.ui.shell import not_found, sign_in
from imgapp.ui.shell.client_components import PlainLink
from imgapp.ui.shell.reflex_types import Unbound


@dataclass(frozen=True)
class Page:
    """A page. Those outside `page_gate.SIGNED_OUT_PAGES` need a session."""

    route: str
    title: str
    component: Callable[[], rx.Component]
    on_load: Unbound[[]] | list[Unbound[[]]] | None = None


PAGES = (
    Page(
        "/",
        "Pictures · imgapp",
        page.page,
        page.GalleryState.load,
    ),
    Page(
        "/failures",
        "Not described · imgapp",
        failure_sections.page,
        [failures_page.FailuresState.load, progress_strip.ProgressState.load],
    ),
    Page("/coverage", "Coverage · imgapp", coverage_page.page, CoverageState.load),
    Page("/review", "Review · imgapp", review_page.page, ReviewState.load),
    Page("/trash", "Trash · imgapp", trash_page.page, trash_page.TrashState.load),
    Page("/account", "Account · imgapp", account_sections.page, account.AccountState.load),
    Page(
        "/descriptions",
        "Descriptions · imgapp",
        description_sections.page,
        [
            descriptions.DescriptionsState.load,
            text_rules.TextRulesState.load,
            prompts.PromptState.load,
        ],
    ),
    Page(
        "/usage",
        "Usage · imgapp",
        spending_sections.page,
        [spending.UsageState.load, spending_administration.SpendingAdministrationState.load],
    ),
    Page("/webhooks", "Webhooks · imgapp", webhook_sections.page, webhooks.WebhooksState.load),
    Page("/help", "Help · imgapp", help.page, help.HelpState.load),
    Page("/models", "Models · imgapp", model_sections.page, models.ModelsState.load),
    Page("/queue", "Queue · imgapp", queue_sections.page, queue.QueueState.load),
    Page("/people", "People · imgapp", people_sections.page, people.PeopleState.load),
    Page("/audit", "Audit trail · imgapp", audit.page, audit.AuditState.load),
    Page("/sign-in", "Sign in · imgapp", sign_in.page),
    Page("/sign-up", "Create an account · imgapp", sign_in.sign_up_page),
    Page("/welcome", "Welcome · imgapp", sign_in.welcome_page),
    Page("404", "Not found · imgapp", not_found.page),
)


_SHELL = Path(__file__).resolve().parents[2] / "assets" / "shell"
_BEFORE_THE_PAGE = ("storage", "translators", "theme", "sign-out")
"""Scripts within each page: it is not read on before they have run, and waits for no request."""

_PAPER = {"light": "#fbfbfa", "dark": "#121413"}
"""The colour of the bar around an installed page: `--paper` of `tokens.css`."""


def look() -> dict[str, Any]:
    """What every page shares: arguments of `rx.App`."""
    sheets = (
        *(
            "tokens",
            "base",
            "gallery",
            "viewer",
            "viewer-stage",
            "editing",
            "uploads",
            "find",
            "selection",
            "sheet",
        ),
        *("settings", "descriptions", "progress", "usage", "coverage", "review", "print"),
    )
    return {
        "stylesheets": [f"/styles/{name}.css" for name in sheets],
        "head_components": [
            rx.el.meta(name="color-scheme", content="light dark"),
            *(
                rx.el.meta(
                    name="theme-color",
                    content=_PAPER[scheme],
                    custom_attrs={"media": f"(prefers-color-scheme: {scheme})"},
                )
                for scheme in ("light", "dark")
            ),
            rx.el.link(
                rel="preload",
                href="/fonts/inter-latin.woff2",
                custom_attrs={"as": "font", "type": "font/woff2", "crossOrigin": ""},
            ),
            rx.el.link(rel="icon", href="/favicon.ico", sizes="32x32"),
            rx.el.link(rel="icon", href="/icon.svg", type="image/svg+xml"),
            rx.el.link(rel="apple-touch-icon", href="/icons/apple-touch-icon.png"),
            rx.el.link(rel="manifest", href="/manifest.webmanifest"),
            *(rx.el.script((_SHELL / f"{name}.js").read_text()) for name in _BEFORE_THE_PAGE),
        ],
        "html_lang": "en",
        # Reflex's own banner and toaster bring a look of their own, and toasts reach `eval`.
        "app_wraps": {(55, "ErrorBoundary"): _boundary},
        "toaster": None,
    }


def _boundary(stateful: bool) -> rx.Component:
    """Shown instead of a page that broke while it was drawn."""
    broken = rx.el.main(
        rx.el.div(
            rx.el.h1("This page broke"),
            rx.el.p("Your pictures are safe. Load the page again.", class_name="sheet-intro"),
            PlainLink.create("Load again", href="/", class_name="button primary large"),
            class_name="sheet",
        ),
        class_name="sheet-page",
    )
    if stateful:
        return ErrorBoundary.create(fallback_render=broken)
    return ErrorBoundary.create(fallback_render=broken, on_error=noop())

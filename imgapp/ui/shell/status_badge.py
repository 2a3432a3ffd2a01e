"""The status badge: shows the analysis status of a picture."""

from __future__ import annotations

from typing import cast

import reflex as rx

from imgapp.models import AnalysisStatus


def status_badge(status: str) -> rx.Component:
    """A small label; nothing once the picture is described."""
    found = rx.match(
        status,
        (
            AnalysisStatus.PENDING.value,
            _badge("clock", "Waiting", "waiting"),
        ),
        (
            AnalysisStatus.IN_PROGRESS.value,
            _badge("sparkles", "Describing", "describing"),
        ),
        (
            AnalysisStatus.FAILED.value,
            _badge("triangle-alert", "Not described", "failed"),
        ),
        rx.fragment(),
    )
    return cast("rx.Component", found)


def _badge(icon: str, text: str, kind: str) -> rx.Component:
    return rx.el.span(rx.icon(icon, size=13, aria_hidden="true"), text, class_name=f"badge {kind}")

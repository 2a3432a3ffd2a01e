from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import imgapp
from imgapp.adapters.vision import BASIC, model_asked


@pytest.mark.parametrize(
    ("settings", "named", "asked"),
    [
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, None, "usual"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, "other", "other"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, BASIC, BASIC),
        ({"IMGAPP_VISION": "basic"}, None, BASIC),
        ({"IMGAPP_VISION": "basic"}, "other", BASIC),
        ({}, None, BASIC),
    ],
)
def test_the_model_that_is_named_is_asked_if_there_is_any(
    set_env: Callable[..., None], settings: dict[str, str], named: str | None, asked: str
) -> None:
    none = {"OPENAI_BASE_URL": None, "OPENAI_API_KEY": None, "IMGAPP_VISION": None}
    set_env(**none | {"IMGAPP_VISION_MODEL": "usual"} | settings)
    assert model_asked(named) == asked


def test_services_leave_it_to_one_place() -> None:
    folder = Path(imgapp.__file__).parent / "services"
    assert [path.name for path in folder.rglob("*.py") if ".describer" in path.read_text()] == []

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import imgapp
from imgapp.adapters.vision import BASIC
from imgapp.errors import InvalidRequest, PermanentDescriberError
from imgapp.services.installation import connected_models, runtime_settings, vision_models
from imgapp.services.installation.connected_models import ModelConnection
from imgapp.services.installation.runtime_settings import InstallationEdit
from tests.conftest import Person

URL = "http://127.0.0.1:1/v1"


def connect(admin: Person, model: str, **more: object) -> str:
    new = ModelConnection(kind="other", base_url=URL, model=model, **more)  # type: ignore[arg-type]
    return connected_models.connect(admin.user_id, new)


@pytest.mark.parametrize(
    ("settings", "named", "asked"),
    [
        ({"OPENAI_BASE_URL": URL}, None, "usual"),
        ({"OPENAI_BASE_URL": URL}, "other", "other"),
        ({"OPENAI_BASE_URL": URL}, "gone", "usual"),
        ({"OPENAI_BASE_URL": URL}, BASIC, BASIC),
        ({"IMGAPP_VISION": "basic"}, None, BASIC),
        ({"IMGAPP_VISION": "basic"}, "other", BASIC),
        ({}, None, BASIC),
    ],
)
def test_the_model_that_is_named_is_asked_if_there_is_any(
    admin: Person,
    set_env: Callable[..., None],
    settings: dict[str, str],
    named: str | None,
    asked: str,
) -> None:
    runtime_settings.change_installation(admin.user_id, InstallationEdit(models=["other"]))
    none = {"OPENAI_BASE_URL": None, "OPENAI_API_KEY": None, "IMGAPP_VISION": None}
    set_env(**none | {"IMGAPP_VISION_MODEL": "usual"} | settings)
    assert vision_models.model_asked(named) == asked


def test_what_is_connected_is_asked_unless_the_environment_says_otherwise(
    admin: Person, set_env: Callable[..., None]
) -> None:
    assert vision_models.offered().models == [BASIC]
    connect(admin, "small")
    connect(admin, "large", role="fallback")
    now = vision_models.routes()
    assert (now.default, now.fallback, now.from_environment) == ("small", "large", False)
    assert vision_models.offered().models == ["small", "large", BASIC]
    set_env(OPENAI_BASE_URL=URL, IMGAPP_VISION_MODEL="usual")
    now = vision_models.routes()
    assert (now.default, now.fallback, now.from_environment) == ("usual", "large", True)
    assert vision_models.offered().models == ["usual", "large", "small", BASIC]
    set_env(IMGAPP_VISION="basic")
    assert vision_models.offered().models == [BASIC]
    with pytest.raises(InvalidRequest):
        vision_models.check("small")


def test_without_key_and_server_it_says_that_nothing_is_configured(
    database: None, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_VISION="openai")
    with pytest.raises(PermanentDescriberError, match="OPENAI_API_KEY") as caught:
        vision_models.describer_of()
    assert caught.value.code == "not_configured"


def test_services_leave_it_to_one_place() -> None:
    folder = Path(imgapp.__file__).parent / "services"
    named = [path.name for path in folder.rglob("*.py") if "settings.describer" in path.read_text()]
    assert named == ["vision_models.py"]

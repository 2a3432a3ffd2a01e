"""The settings of single sign-on are checked as a whole, with a sentence of what is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from imgapp.errors import ConfigurationError
from imgapp.settings import get_settings

ISSUER = "https://login.example.org/realms/home"


def problem(set_env: Callable[..., None], **variables: str) -> str:
    set_env(**{f"IMGAPP_OIDC_{name}": value for name, value in variables.items()})
    with pytest.raises(ConfigurationError) as refused:
        get_settings()
    return refused.value.detail


def test_off_unless_it_is_set() -> None:
    assert not get_settings().single_sign_on
    assert get_settings().oidc_name == "single sign-on"


def test_an_issuer_and_a_client_are_enough(set_env: Callable[..., None]) -> None:
    set_env(IMGAPP_OIDC_ISSUER=ISSUER, IMGAPP_OIDC_CLIENT_ID="imgapp")
    assert get_settings().single_sign_on
    assert get_settings().oidc_issuer == ISSUER


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({"ISSUER": ISSUER}, "IMGAPP_OIDC_CLIENT_ID is missing"),
        ({"CLIENT_ID": "imgapp"}, "IMGAPP_OIDC_ISSUER is missing"),
        ({"NAME": "Example"}, "IMGAPP_OIDC_ISSUER and IMGAPP_OIDC_CLIENT_ID are missing"),
        ({"AUDIENCE": "a"}, "IMGAPP_OIDC_ISSUER and IMGAPP_OIDC_CLIENT_ID are missing"),
    ],
)
def test_what_is_missing_is_named(
    set_env: Callable[..., None], variables: dict[str, str], missing: str
) -> None:
    assert missing in problem(set_env, **variables)


def test_a_secret_alone_is_not_shown(set_env: Callable[..., None]) -> None:
    said = problem(set_env, CLIENT_SECRET="hush-hush-hush")
    assert "which IMGAPP_OIDC_CLIENT_SECRET needs" in said
    assert "hush" not in said


@pytest.mark.parametrize(
    "issuer",
    [
        "http://login.example.org",
        "login.example.org",
        "https://",
        f"{ISSUER}?tenant=1",
        f"{ISSUER}#a",
        "file:///etc/passwd",
    ],
)
def test_an_issuer_is_an_https_address(set_env: Callable[..., None], issuer: str) -> None:
    assert "IMGAPP_OIDC_ISSUER" in problem(set_env, ISSUER=issuer, CLIENT_ID="imgapp")


@pytest.mark.parametrize(
    "issuer", ["http://localhost:4000", "http://127.0.0.1:4000/", f"{ISSUER}/"]
)
def test_on_this_machine_it_may_do_without(set_env: Callable[..., None], issuer: str) -> None:
    set_env(IMGAPP_OIDC_ISSUER=issuer, IMGAPP_OIDC_CLIENT_ID="imgapp")
    assert get_settings().oidc_issuer == issuer

"""The address that people use: a host of imgapp's own, or a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from imgapp.errors import ConfigurationError
from imgapp.settings import get_settings
from tests.conftest import ROOT


@pytest.mark.parametrize("url", ["https://example.org/photos", "https://example.org/photos/"])
def test_a_path_below_a_host_is_refused_with_what_to_do(
    set_env: Callable[..., None], url: str
) -> None:
    set_env(IMGAPP_PUBLIC_URL=url)
    with pytest.raises(ConfigurationError, match=r"IMGAPP_PUBLIC_URL: .* below a path.* host"):
        get_settings()
    page = (ROOT / "docs" / "operating.md").read_text()
    assert "does not work below a path" in page


def test_the_slash_at_the_end_is_no_path(set_env: Callable[..., None]) -> None:
    set_env(IMGAPP_PUBLIC_URL="https://pictures.example.org/")
    assert get_settings().origin == "https://pictures.example.org"


def test_what_is_no_address_is_refused(set_env: Callable[..., None]) -> None:
    set_env(IMGAPP_PUBLIC_URL="pictures.example.org")
    with pytest.raises(ConfigurationError, match="IMGAPP_PUBLIC_URL: must look like https://"):
        get_settings()

"""The settings of the database are checked as a whole, with a sentence of what is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from imgapp.errors import ConfigurationError
from imgapp.settings import get_settings


def test_the_owners_url_alone_is_refused_and_no_database_of_our_own_is_made(
    set_env: Callable[..., None],
) -> None:
    set_env(IMGAPP_MIGRATE_DATABASE_URL="postgresql://owner:hunter2@db.example.org/imgapp")
    with pytest.raises(ConfigurationError) as refused:
        get_settings()
    assert refused.value.detail.startswith("DATABASE_URL is missing, which IMGAPP_MIGRATE_DATABASE")
    assert "hunter2" not in refused.value.detail
    set_env(DATABASE_URL="postgresql://app@db.example.org/imgapp")
    assert get_settings().migrate_database_url is not None

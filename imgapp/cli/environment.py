"""Environments: hand settings on to child processes and to the code of a command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from imgapp.adapters.embedded import ensure_servers
from imgapp.settings import Settings, get_settings


def variables_of(settings: Settings) -> dict[str, str]:
    """The variables that make another process read the same settings, URLs and secret included."""
    given = {
        "IMGAPP_DATA_DIR": str(settings.data_dir),
        "IMGAPP_SECRET_KEY": _plain(settings.secret_key),
        "DATABASE_URL": _plain(settings.database_url),
        "IMGAPP_MIGRATE_DATABASE_URL": _plain(settings.migrate_database_url),
        "REDIS_URL": _plain(settings.redis_url),
        "IMGAPP_FIRST_ACCOUNT_TOKEN": _plain(settings.first_account_token),
    }
    return {name: value for name, value in given.items() if value}


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


@contextmanager
def connected(*, migrated: bool = True) -> Iterator[Settings]:
    """Servers that answer behind the settings that services read; migrated if we may."""
    with ensure_servers(get_settings()) as settings:
        os.environ.update(variables_of(settings))
        get_settings.cache_clear()
        if migrated and settings.migrate_database_url is not None:
            from imgapp.adapters import db

            db.migrate()
        _say_where_from()
        try:
            yield settings
        finally:
            _close()


def _say_where_from() -> None:
    """For the audit trail."""
    from imgapp.services.common import audit_trail

    audit_trail.set_source("command line", "")


def _close() -> None:
    """Let go of the database before servers of our own stop."""
    from imgapp.adapters import db

    if (metrics := sys.modules.get("imgapp.services.common.metrics")) is not None:
        metrics.stop()

    db.dispose()

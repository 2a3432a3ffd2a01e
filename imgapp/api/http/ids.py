"""Path ids: parse them; a malformed one is the id of nothing."""

from __future__ import annotations

import re
from uuid import UUID

from imgapp.errors import NotFound

_UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def parse_id(text: str) -> UUID:
    """The id that a path names, written as RFC 9562 writes it. Raises NotFound."""
    if not _UUID.fullmatch(text):
        raise NotFound
    return UUID(text)

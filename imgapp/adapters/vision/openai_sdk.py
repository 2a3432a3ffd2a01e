"""The OpenAI SDK, imported when something of it is first used (deferred import).

It takes half a second and 13 MB, and most processes never ask a model.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["openai"]


class _Deferred:
    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("openai"), name)


if TYPE_CHECKING:
    import openai as openai
else:
    openai = _Deferred()

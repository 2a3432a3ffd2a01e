"""One Node for all files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import node


@pytest.fixture(scope="session", autouse=True)
def _node_ends_with_the_tests() -> Iterator[None]:
    yield
    node.stop()

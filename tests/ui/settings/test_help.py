"""The help page."""

from __future__ import annotations

from imgapp import __version__
from imgapp.ui.settings import help as help_page


def test_it_says_the_version() -> None:
    assert f"This is imgapp {__version__}." in str(help_page.page().render())

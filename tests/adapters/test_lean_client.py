"""What is changed in Reflex's build."""

from __future__ import annotations

import pytest
from reflex_base.compiler import templates

from imgapp.adapters import lean_client
from imgapp.errors import ConfigurationError


def vite_config() -> str:
    return templates.vite_config_template(
        base="/", hmr=True, force_full_reload=False, experimental_hmr=False, sourcemap=False
    )


def test_the_plugin_is_in_the_configuration_that_reflex_writes_once() -> None:
    changed = lean_client.with_plugin(vite_config())
    assert changed.count("leanClient()") == 1
    assert changed.count("...GROUPS") == 1
    assert lean_client.with_plugin(changed) == changed


def test_another_configuration_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"vite\.config\.js changed"):
        lean_client.with_plugin("export default {}")

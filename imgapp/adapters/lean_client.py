"""The lean client: changes Reflex's build so that browsers get what the pages use (Vite plugin).

Preact stands in for React (its documented aliases), and nothing for React Router and Emotion: each
page is loaded by itself, and all styles are in our sheets.
"""

from __future__ import annotations

from pathlib import Path

from imgapp.errors import ConfigurationError

PACKAGES = ["preact@11.2.0"]
PLUGIN = "lean-client.js"
"""Where the Vite plugin goes, beside Vite's configuration."""


def plugin() -> tuple[str, str]:
    """The Vite plugin: its place in the build, and its text."""
    return PLUGIN, Path(__file__).with_name(PLUGIN).read_text()


def with_plugin(vite_config: str) -> str:
    """Vite's configuration with the plugin. Raises ConfigurationError where it is unknown."""
    if PLUGIN in vite_config:
        return vite_config
    for before, after in {
        "import { defineConfig } from": f'import leanClient, {{ GROUPS }} from "./{PLUGIN}";\n',
        "    alwaysUseReactDomServerNode(),": "    leanClient(),\n",
        "            {\n              test: /env.json/,": "            ...GROUPS,\n",
    }.items():
        if before not in vite_config:
            raise ConfigurationError(f"Reflex's vite.config.js changed: it has no {before!r}.")
        vite_config = vite_config.replace(before, after + before)
    return vite_config


def start(_entry: str) -> str:
    """The entry of the client: ours in the place of one that starts a router."""
    return 'import "$/public/shell/start.js";\n'

"""What Reflex is told. Everything an operator can set is in `imgapp.settings`."""

from typing import Any

import reflex as rx

from imgapp.adapters import lean_client
from imgapp.adapters.frontend import follow_page_address
from imgapp.settings import get_settings


class FollowPageAddress(rx.plugins.Plugin):
    """One build serves every address: the page connects to where it came from."""

    def pre_compile(self, **context: Any) -> None:
        context["add_modify_task"]("utils/state.js", follow_page_address)


class LeanClient(rx.plugins.Plugin):
    """Browsers get what the pages use."""

    def pre_compile(self, **context: Any) -> None:
        context["add_save_task"](lean_client.plugin)
        context["add_modify_task"]("vite.config.js", lean_client.with_plugin)
        context["add_modify_task"]("app/entry.client.js", lean_client.start)


_settings = get_settings()

config = rx.Config(
    app_name="imgapp",
    app_module_import="imgapp.imgapp",
    redis_url=_settings.redis_url.get_secret_value() if _settings.redis_url else None,
    cors_allowed_origins=_settings.allowed_origins,
    api_url="http://localhost",
    backend_host=_settings.host,
    backend_port=_settings.port,
    telemetry_enabled=False,
    show_built_with_reflex=False,
    frontend_compression_formats=["brotli", "gzip"],
    frontend_packages=lean_client.PACKAGES,
    plugins=[FollowPageAddress(), LeanClient()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)

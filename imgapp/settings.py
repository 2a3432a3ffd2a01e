"""The settings: one class, read once from the environment."""

from __future__ import annotations

import os
import sys
from functools import cached_property, lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from imgapp.errors import ConfigurationError


def default_data_dir() -> Path:
    """The platform's user data folder; `/var/lib/imgapp` as root."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/imgapp")
    return Path(platformdirs.user_data_dir("imgapp", appauthor=False))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _networks_of(listed: str) -> list[IPv4Network | IPv6Network]:
    return [ip_network(network) for network in map(str.strip, listed.split(",")) if network]


def _unprefixed(name: str) -> AliasChoices:
    return AliasChoices(name, name.lower())


class Settings(BaseSettings):
    """What an operator can set. Field `x` is the variable `IMGAPP_X` unless it has an alias."""

    model_config = SettingsConfigDict(
        env_prefix="IMGAPP_", env_ignore_empty=True, extra="ignore", populate_by_name=True
    )

    data_dir: Path = Field(default_factory=default_data_dir)
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    public_url: str | None = None
    trusted_proxies: str = "127.0.0.0/8, ::1"
    outbound_networks: str = ""
    secret_key: SecretStr | None = None

    database_url: SecretStr | None = Field(None, validation_alias=_unprefixed("DATABASE_URL"))
    migrate_database_url: SecretStr | None = None
    redis_url: SecretStr | None = Field(None, validation_alias=_unprefixed("REDIS_URL"))

    s3_bucket: str | None = None
    s3_public_endpoint: str | None = None
    s3_sse: str | None = None
    s3_storage_class: str | None = None

    openai_api_key: SecretStr | None = Field(None, validation_alias=_unprefixed("OPENAI_API_KEY"))
    openai_base_url: str | None = Field(None, validation_alias=_unprefixed("OPENAI_BASE_URL"))
    vision: Literal["auto", "openai", "basic"] = "auto"
    vision_model: str = "gpt-5.4-mini"
    vision_local: bool = False
    vision_seconds: Annotated[int, Field(ge=5, le=3600)] | None = None
    vision_at_once: Annotated[int, Field(ge=0, le=256)] | None = None
    model_hub: str = "https://huggingface.co"
    reading: Literal["on", "off"] = "on"
    worker_threads: Annotated[int, Field(ge=1, le=512)] = 16
    worker_niceness: Annotated[int, Field(ge=0, le=19)] = 15
    web_processes: Annotated[int, Field(ge=1, le=64)] = Field(
        default_factory=lambda: min(os.cpu_count() or 1, 4)
    )

    max_upload_mb: Annotated[int, Field(ge=1, le=10_000)] = 50
    max_pixels: Annotated[int, Field(ge=1)] = 250_000_000
    uploads_per_second: Annotated[int, Field(ge=20)] = 50
    requests_per_second: Annotated[int, Field(ge=50)] = 200
    uploads_at_once: Annotated[int, Field(ge=3)] = 40
    quota_gb: Annotated[float, Field(gt=0)] | None = None
    quota_images: Annotated[int, Field(ge=1)] | None = None
    signup: Literal["open", "closed"] = "open"
    first_account_token: SecretStr | None = None
    metrics_token: SecretStr | None = None

    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_name: Annotated[str, Field(max_length=60)] = "single sign-on"
    oidc_audience: str | None = None

    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("public_url")
    @classmethod
    def _an_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must look like https://pictures.example.org")
        if parts.path not in ("", "/"):
            raise ValueError(
                "imgapp does not work below a path: give it a host name of its own, like"
                f" {parts.scheme}://pictures.example.org"
            )
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("model_hub")
    @classmethod
    def _a_hub(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError("must look like https://huggingface.co")
        return value.rstrip("/")

    @field_validator("trusted_proxies", "outbound_networks")
    @classmethod
    def _networks(cls, value: str) -> str:
        for network in filter(None, map(str.strip, value.split(","))):
            try:
                ip_network(network)
            except ValueError:
                raise ValueError(f"{network!r} is neither an IP address nor a network") from None
        return value

    @field_validator("s3_storage_class")
    @classmethod
    def _read_at_once(cls, value: str | None) -> str | None:
        if value in ("GLACIER", "DEEP_ARCHIVE"):
            raise ValueError("must be a class whose objects can be read at once")
        return value

    @field_validator("secret_key", "metrics_token")
    @classmethod
    def _a_real_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("must be a random string of at least 32 characters")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _an_issuer(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        secure = parts.scheme == "https" or (
            parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
        )
        if not secure or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be the provider's issuer, like https://login.example.org/realm")
        return value

    @model_validator(mode="after")
    def _the_owner_has_an_application(self) -> Settings:
        """Else the owner's URL would be of no use, and a database of our own would be migrated."""
        if self.migrate_database_url is not None and self.database_url is None:
            raise ValueError(
                "DATABASE_URL is missing, which IMGAPP_MIGRATE_DATABASE_URL needs: it names the"
                " database and the application's role, which migrations give its rights"
            )
        return self

    @model_validator(mode="after")
    def _single_sign_on_is_whole(self) -> Settings:
        """An issuer and a client id; everything else of single sign-on goes with them."""
        given = [name for name in type(self).model_fields if name.startswith("oidc_")]
        given = [name for name in given if name in self.model_fields_set]
        missing = [name for name in ("oidc_issuer", "oidc_client_id") if not getattr(self, name)]
        if given and missing:
            names = " and ".join(f"IMGAPP_{name.upper()}" for name in missing)
            verb = "is" if len(missing) == 1 else "are"
            raise ValueError(f"{names} {verb} missing, which IMGAPP_{given[0].upper()} needs")
        return self

    @property
    def single_sign_on(self) -> bool:
        """Whether people can sign in through a provider."""
        return self.oidc_issuer is not None

    @property
    def origin(self) -> str:
        """The address people use: scheme, host and port."""
        return self.public_url or f"http://localhost:{self.port}"

    @cached_property
    def proxy_networks(self) -> list[IPv4Network | IPv6Network]:
        """Where proxies of ours are, which say who called them."""
        return _networks_of(self.trusted_proxies)

    @cached_property
    def allowed_networks(self) -> list[IPv4Network | IPv6Network]:
        """Where webhooks and downloads may go although it is not public."""
        return _networks_of(self.outbound_networks)

    @property
    def allowed_origins(self) -> list[str]:
        """Origins that may send state-changing requests and open the websocket."""
        if self.public_url is not None:
            return [self.public_url]
        return [f"http://localhost:{self.port}", f"http://127.0.0.1:{self.port}"]

    @property
    def secure_cookies(self) -> bool:
        return self.origin.startswith("https://")

    @property
    def session_cookie(self) -> str:
        """The cookie's name; under https one that no other host or plain connection can set."""
        # RFC 6265bis, 4.1.3.2: the prefix is kept to secure cookies of exactly this host.
        return "__Host-imgapp_session" if self.secure_cookies else "imgapp_session"

    @property
    def quota_bytes(self) -> int | None:
        """What a person may store, unless their account says otherwise; None: all there is."""
        return None if self.quota_gb is None else round(self.quota_gb * 1e9)

    @property
    def on_loopback(self) -> bool:
        return _is_loopback(self.host)

    @property
    def only_this_machine(self) -> bool:
        """Whether nobody else can get here: not by the address that `up` listens on, nor through a
        proxy in front of it."""
        return self.on_loopback and _is_loopback(urlsplit(self.origin).hostname or "")

    @property
    def max_upload_bytes(self) -> int:
        return self.max_upload_mb * 1024 * 1024

    @property
    def describer(self) -> Literal["openai", "basic"]:
        """`IMGAPP_VISION` with `auto` resolved."""
        if self.vision != "auto":
            return self.vision
        return "openai" if self.openai_api_key or self.openai_base_url else "basic"

    @property
    def spool_dir(self) -> Path:
        """Where uploads wait until they are decoded; on the disk store's file system."""
        return self.data_dir / "spool"

    @property
    def uploads_dir(self) -> Path:
        """What has arrived of uploads that can be gone on with; beside the spool."""
        return self.data_dir / "uploads"

    @property
    def models_dir(self) -> Path:
        """Vision models that run on this machine."""
        return self.data_dir / "models"

    @property
    def pictures_dir(self) -> Path:
        """The disk store."""
        return self.data_dir / "pictures"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Read the environment once. Raises ConfigurationError that names the variable."""
    try:
        return Settings()
    except ValidationError as error:
        problems = "; ".join(_sentence(e["loc"], e["msg"], e.get("input")) for e in error.errors())
        raise ConfigurationError(problems) from None


def _sentence(loc: tuple[int | str, ...], message: str, value: object) -> str:
    if not loc:  # about several settings: the sentence names them
        return message.removeprefix("Value error, ")
    name = str(loc[0])
    field = Settings.model_fields.get(name)
    variable = (
        f"IMGAPP_{name.upper()}" if field and field.validation_alias is None else name.upper()
    )
    secret = any(word in name.lower() for word in ("key", "url", "token", "secret"))
    shown = "" if secret else f" (it is {value!r})"
    return f"{variable}: {message.removeprefix('Value error, ')}{shown}"


if sys.platform == "win32":  # pragma: no cover
    raise ConfigurationError("imgapp runs on Linux and macOS; on Windows, use WSL")

"""Model servers: tell the kinds of servers apart, where they stand and how long they may take."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_OPENAI_HOST = "api.openai.com"
OPENAI_SECONDS, OWN_SECONDS = 60.0, 300.0
"""A picture may take, of OpenAI's server and of others: without a graphics card, minutes."""
_HOUSE_NAMES = (".local", ".lan", ".home", ".internal", ".home.arpa", ".localhost")


@dataclass(frozen=True)
class ServerKind:
    """A kind of vision server: what it is called, and where it listens if nothing else is said."""

    name: str
    title: str
    base_url: str | None = None
    needs_key: bool = False


HERE = "here"
HERE_URL = "http://localhost/here"
"""The kind, and what stands for the address, of models that imgapp runs itself."""
HERE_SECONDS = 600.0
"""The first picture waits for the model to be read into memory."""
KINDS = (
    ServerKind(HERE, "On this machine, run by imgapp", HERE_URL),
    ServerKind("openai", "OpenAI", DEFAULT_BASE_URL, needs_key=True),
    ServerKind("ollama", "Ollama", "http://localhost:11434/v1"),
    ServerKind("lmstudio", "LM Studio", "http://localhost:1234/v1"),
    ServerKind("llamacpp", "llama.cpp", "http://localhost:8080/v1"),
    ServerKind("vllm", "vLLM", "http://localhost:8000/v1"),
    ServerKind("litellm", "LiteLLM", "http://localhost:4000/v1"),
    ServerKind("other", "Another compatible server"),
)
"""Those that the page offers; all of them speak the chat API of OpenAI."""


@dataclass(frozen=True)
class Server:
    """Where a model is asked: the base URL (OpenAI's if None), the key, and how long it may take.

    `seconds` is for a whole picture, whatever comes in between; None: as servers there may take.
    """

    base_url: str | None
    api_key: str | None
    limit: float | None = None

    @property
    def url(self) -> str:
        """The base URL."""
        return self.base_url or DEFAULT_BASE_URL

    @property
    def host(self) -> str:
        """Its host and port, without credentials: what may be shown."""
        parts = urlsplit(self.url)
        name = parts.hostname or ""
        return f"{name}:{parts.port}" if parts.port else name

    @property
    def seconds(self) -> float:
        """How long a picture may take."""
        if self.limit is not None:
            return self.limit
        if self.url == HERE_URL:
            return HERE_SECONDS
        return OPENAI_SECONDS if urlsplit(self.url).hostname == _OPENAI_HOST else OWN_SECONDS

    @property
    def in_the_house(self) -> bool:
        """Whether its address is of this machine or network, as far as an address tells."""
        host = (urlsplit(self.url).hostname or "").rstrip(".")
        try:
            address = ip_address(host)
        except ValueError:
            return "." not in host or host.endswith(_HOUSE_NAMES)
        return address.is_loopback or address.is_private


def at_host(server: Server, path: str) -> str:
    """A path of the server's host, beside the chat API that its base URL names."""
    parts = urlsplit(server.url)
    before = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{before}{path}"


def kind_of(name: str) -> ServerKind | None:
    """The kind of this name, if there is one."""
    return next((kind for kind in KINDS if kind.name == name), None)

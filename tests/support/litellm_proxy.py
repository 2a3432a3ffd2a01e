"""LiteLLM's proxy of PyPI: a real process on loopback that passes requests on to other servers.

It pins other versions of what imgapp uses, so it has a virtual environment of its own, made once
for a run from `litellm_proxy.txt`.

In a test:   with litellm_proxy(litellm, {"eyes": ("http://127.0.0.1:1/v1", "key")}) as url: ...
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.running import free_port
from tests.support.waiting import eventually

MASTER_KEY = "sk-of-the-proxy"
_PACKAGES = Path(__file__).with_suffix(".txt")


@pytest.fixture(scope="session")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its command, installed."""
    folder = tmp_path_factory.mktemp("litellm")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [folder / "bin/pip", "install", "--quiet", "--no-deps", "--no-compile"]
    subprocess.run([*install, "--disable-pip-version-check", "-r", _PACKAGES], check=True)
    return folder / "bin/litellm"


@contextmanager
def litellm_proxy(litellm: Path, models: dict[str, tuple[str, str]]) -> Iterator[str]:
    """Its base URL; `models` says for each name the base URL and the key of who is asked."""
    folder, port = litellm.parent.parent, free_port()
    config = folder / f"{port}.yaml"
    # YAML takes JSON.
    config.write_text(
        json.dumps(
            {
                "model_list": [
                    {
                        "model_name": name,
                        "litellm_params": {
                            "model": "openai/tiny",
                            "api_base": base_url,
                            "api_key": key,
                        },
                    }
                    for name, (base_url, key) in models.items()
                ],
                "general_settings": {"master_key": MASTER_KEY},
                "litellm_settings": {"num_retries": 0},
                "router_settings": {"num_retries": 0, "disable_cooldowns": True},
            }
        )
    )
    env = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
    # Prices and telemetry would come from, and go to, the internet.
    env |= {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
        "HOME": str(folder),
    }
    command = [litellm, "--config", config, "--host", "127.0.0.1", "--port", str(port)]
    log = folder / f"{port}.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(command, env=env, stdout=out, stderr=out) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: _is_up(url, process, log), timeout=120)
            yield f"{url}/v1"
        finally:
            process.kill()


def _is_up(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()[-2000:]
    try:
        return httpx.get(f"{url}/health/liveliness", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False

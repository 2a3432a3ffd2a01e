"""A whole imgapp whose model cannot see: real llama.cpp without a projector, then one with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.llama_server import llama_server
from tests.support.pictures import jpeg
from tests.support.running import running_app
from tests.support.tiny_model import SENTENCES, tiny_model
from tests.support.waiting import eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def test_pictures_wait_with_the_reason_until_a_model_sees(tmp_path: Path) -> None:
    blind, seeing = (
        tiny_model(tmp_path, vision=sees, name=f"sees-{sees}") for sees in (False, True)
    )
    with (
        llama_server(blind, key="of-the-server") as no_eyes,
        llama_server(seeing, key="of-the-server") as eyes,
        running_app() as app,
        app.client() as client,
    ):
        key = {"api_key": "of-the-server", "kind": "llamacpp"}
        new = {"base_url": no_eyes, "model": "tiny", "name": "blind", "role": "default", **key}
        client.post("/api/installation/models", json=new).raise_for_status()
        for seed in range(4):
            photo = jpeg(tmp_path / f"{seed}.jpg", seed=seed)
            with photo.open("rb") as file:
                client.post("/api/upload", files={"files": file}).raise_for_status()

        def waiting() -> list[str | None]:
            items = client.get("/api/images?status=pending").json()["items"]
            return [item["waiting_reason"] for item in items]

        eventually(lambda: waiting() == ["provider_down"] * 4)
        overview = client.get("/api/installation/models").json()["items"]
        assert "image input is not supported" in str(overview)
        with pytest.raises(
            RuntimeError, match=r"FAIL  vision: blind at .* cannot look at pictures"
        ):
            app.cli("doctor")

        new = {"base_url": eyes, "model": "tiny", "name": "sees", "role": "default", **key}
        client.post("/api/installation/models", json=new).raise_for_status()

        def described() -> list[str]:
            items = client.get("/api/images?status=completed").json()["items"]
            return [item["alt_text"].strip(" .").lower() for item in items]

        eventually(lambda: len(described()) == 4, timeout=400)
        assert all(any(text in sentence for sentence in SENTENCES) for text in described())
        assert not client.get("/api/images?status=failed").json()["items"]

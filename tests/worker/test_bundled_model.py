"""A picture on its way through a whole imgapp whose vision model is its own: no other server."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tests.support.pictures import jpeg
from tests.support.running import running_app
from tests.support.tiny_model import SENTENCES, tiny_model
from tests.support.waiting import eventually


def is_over(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_model_of_a_file_describes_pictures_and_ends_with_imgapp(tmp_path: Path) -> None:
    files = tiny_model(tmp_path, vision=True)
    with running_app() as app:
        app.cli("model", "add", str(files.model), "--projector", str(files.projector), "--default")
        with app.client() as client:
            for seed in range(3):
                photo = jpeg(tmp_path / f"{seed}.jpg", seed=seed)
                with photo.open("rb") as file:
                    client.post("/api/upload", files={"files": file}).raise_for_status()

            def described() -> list[str]:
                items = client.get("/api/images?status=completed").json()["items"]
                assert {item["analysis"]["model_version"] for item in items} <= {"tiny"}
                return [item["alt_text"].strip(" .").lower() for item in items]

            eventually(lambda: len(described()) == 3, timeout=400)
            for text in described():
                assert any(text in sentence for sentence in SENTENCES)
        assert "tiny\trunning" in app.cli("model", "list")
        (server,) = app.processes(r"model_runtime\.child$")
        assert app.process is not None
        app.process.kill()
        eventually(lambda: is_over(server))

"""The metrics of a real installation: several processes, one answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.running import App, running_app, wait_for_all_described
from tests.support.waiting import eventually


def values(app: App) -> dict[str, float]:
    """By name and labels, as they stand in the text."""
    with app.client() as client:
        text = client.get("/metrics").text
    return {name: float(value) for name, value in re.findall(r"^(\w\S*) (\S+)$", text, re.M)}


@pytest.mark.long
def test_web_processes_and_the_worker_add_up(picture_file: Callable[..., Path]) -> None:
    with (
        running_app(IMGAPP_VISION="basic", IMGAPP_WEB_PROCESSES="2") as app,
        app.client() as client,
    ):
        for _ in range(4):
            with picture_file().open("rb") as file:
                answer = client.post("/api/upload", files={"files": ("a.jpg", file)})
            assert answer.status_code == 202
        wait_for_all_described(app)

        added = 'imgapp_uploads_total{outcome="added",source="api"}'
        eventually(lambda: values(app).get(added) == 4)
        described = 'imgapp_analyses_total{code="",outcome="completed"}'
        eventually(lambda: values(app).get(described) == 4)
        found = values(app)
        route = 'method="POST",route="/api/upload",status="202"'
        assert found[f"imgapp_http_requests_total{{{route}}}"] == 4
        assert found['imgapp_images{status="completed"}'] == 4
        assert found['imgapp_processes{role="web"}'] == 2
        assert found['imgapp_processes{role="worker"}'] == 1
        assert found['imgapp_server_embedded{server="postgres"}'] == 1
        assert httpx.get(f"{app.url}/api/health").json()["workers"] == 1

        # Counts outlive the processes that counted.
        app.stop()
        app.start()
        eventually(lambda: values(app).get(described) == 4)
        eventually(lambda: values(app)['imgapp_processes{role="worker"}'] == 1)
        assert values(app)[added] == 4
        assert "ok    worker: 1 worker on all machines" in app.cli("doctor")

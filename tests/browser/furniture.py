"""Puts something to see on every page of a person."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from tests.support.openai_server import OpenAIServer, Reply
from tests.support.pictures import jpeg

DESCRIBED = 3


def furnish(client: httpx.Client, model: OpenAIServer, folder: Path, *, failed: int = 1) -> None:
    """Pictures that are described, edited, decorative, in the trash and `failed`; a webhook."""
    ids = [_add(client, folder, number) for number in range(DESCRIBED + 1)]
    wait_for_status(client, "completed", DESCRIBED + 1)
    client.delete(f"/api/images/{ids.pop()}").raise_for_status()
    client.patch(f"/api/images/{ids[0]}", json={"alt_text": "Ellipses in many colours, by hand"})
    client.patch(f"/api/images/{ids[1]}", json={"alt_text": "", "decorative": True})
    if failed:
        model.default = Reply(status=400, error={"message": "This picture is not allowed."})
        for number in range(failed):
            _add(client, folder, DESCRIBED + 1 + number)
        wait_for_status(client, "failed", failed)
        model.reset()
    hook = {"name": "My web site", "url": "http://127.0.0.1:9/imgapp"}
    client.post("/api/webhooks", json=hook).raise_for_status()


def _add(client: httpx.Client, folder: Path, number: int) -> str:
    # Nobody else's: the same bytes would be described once.
    size = (640 + number, 480) if number % 2 else (480, 640 + number)
    picture = jpeg(folder / f"ellipses-{number}.jpg", seed=hash((str(folder), number)), size=size)
    return upload(client, picture)


def upload(client: httpx.Client, path: Path) -> str:
    """Add one picture; its id."""
    files = {"files": (path.name, path.read_bytes())}
    answer = client.post("/api/upload", files=files).raise_for_status()
    return str(answer.json()["images"][0]["id"])


def wait_for_status(client: httpx.Client, status: str, count: int) -> None:
    """Wait until so many of somebody's pictures have a status."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        page = client.get("/api/images", params={"status": status, "limit": 1}).json()
        if page.get("total", 0) >= count:
            return
        time.sleep(0.1)
    raise RuntimeError(f"there are not {count} pictures that are {status}")

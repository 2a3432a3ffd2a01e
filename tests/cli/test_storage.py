"""`imgapp storage move` as a real command while a real `imgapp up` serves, killed in the middle."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.buckets import BUCKET, objects
from tests.support.pictures import jpeg
from tests.support.running import REPO, App, running_app
from tests.support.waiting import eventually

PICTURES = 12


def moving(app: App, to: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "imgapp", "storage", "move", "--to", to],
        cwd=REPO,
        env=app.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def all_links_work(app: App) -> bool:
    with app.client() as client:
        items = client.get("/api/images").json()["items"]
        answers = [
            httpx.get(httpx.URL(app.url).join(url)).status_code
            for item in items
            for url in item["urls"].values()
        ]
    return answers == [200] * 3 * PICTURES


def on_disk(app: App) -> list[Path]:
    pictures = Path(app.env["IMGAPP_DATA_DIR"]) / "pictures"
    return [path for path in pictures.rglob("*") if path.is_file()]


@pytest.mark.long
@pytest.mark.usefixtures("s3_env")
def test_a_library_moves_under_a_running_app(moto: str, tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    with running_app(
        IMGAPP_VISION="basic", AWS_ENDPOINT_URL_S3=moto, AWS_DEFAULT_REGION="us-east-1", **keys
    ) as app:
        with app.client() as client:
            for seed in range(PICTURES):
                photo = jpeg(tmp_path / f"{seed}.jpg", seed=seed)
                with photo.open("rb") as file:
                    client.post("/api/upload", files={"files": file}).raise_for_status()
        assert len(on_disk(app)) == 4 * PICTURES
        app.stop()
        app.env["IMGAPP_S3_BUCKET"] = BUCKET
        app.start()
        assert all_links_work(app)

        killed = moving(app, "s3")
        eventually(lambda: len(objects()) >= 8, 60)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert all_links_work(app)

        again = moving(app, "s3")
        said, _ = again.communicate(timeout=120)
        assert again.returncode == 0, said
        assert "0 failed" in said
        assert len(objects()) == 4 * PICTURES
        eventually(lambda: on_disk(app) == [])
        assert all_links_work(app)

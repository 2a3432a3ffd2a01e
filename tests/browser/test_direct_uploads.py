"""With a bucket whose CORS rules allow it, the page sends pictures straight there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image as PillowImage
from playwright.sync_api import Page, Route, expect

from tests.browser.complaints import Complaints
from tests.browser.conftest import SMALL, Person, cards, client_of, drop, wait_for_cards
from tests.browser.test_content_policy import policy_of
from tests.support.openai_server import OpenAIServer
from tests.support.pictures import jpeg
from tests.support.running import App, running_app

pytestmark = [pytest.mark.browser, pytest.mark.long]

BUCKET = "pictures"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server that speaks S3 and keeps to CORS rules, with one bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    # All servers of this process hold the same objects.
    httpx.post(f"{address}/moto-api/reset").raise_for_status()
    bucket(address).create_bucket(Bucket=BUCKET)
    yield address
    server.stop()


def bucket(endpoint: str) -> Any:
    return boto3.Session("key", "secret", region_name="us-east-1").client(
        "s3", endpoint_url=endpoint
    )


def allow(endpoint: str, origin: str) -> None:
    """The rules that docs/s3.md recommends, for pages of one origin."""
    rule = {
        "AllowedOrigins": [origin],
        "AllowedMethods": ["PUT"],
        "AllowedHeaders": ["*"],
        "MaxAgeSeconds": 3000,
    }
    bucket(endpoint).put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})


@pytest.fixture(scope="module")
def app(model: OpenAIServer, endpoint: str) -> Iterator[App]:
    settings = {
        "IMGAPP_S3_BUCKET": BUCKET,
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "OPENAI_BASE_URL": model.url,
        "OPENAI_API_KEY": "test-key",
    } | SMALL
    with running_app(**settings) as running:
        yield running


@pytest.fixture(autouse=True)
def _allowed(app: App, endpoint: str) -> None:
    allow(endpoint, app.url)


@pytest.fixture
def sent(page: Page) -> list[str]:
    """What the page sends: `PUT bucket`, `POST /api/uploads`, …"""
    heard: list[str] = []

    def hear(request: Any) -> None:
        where = urlsplit(request.url)
        if where.path.startswith(f"/{BUCKET}/incoming/") and request.method == "PUT":
            heard.append("PUT bucket")
        elif where.path.startswith(("/api/upload", "/api/tus")):
            heard.append(f"{request.method} {where.path}")

    page.on("request", hear)
    return heard


def eventually_in(page: Page, fact: Callable[[], object]) -> None:
    """Wait for something that Playwright hears of, while it goes on listening."""
    for _ in range(1_200):
        if fact():
            return
        page.wait_for_timeout(50)
    pytest.fail("it never happened")


def stored(endpoint: str, prefix: str = "") -> list[str]:
    listed = bucket(endpoint).list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for item in listed.get("Contents", [])]


def test_pictures_go_straight_to_the_bucket_once_and_break_no_rule(
    page: Page,
    app: App,
    endpoint: str,
    sent: list[str],
    tmp_path: Path,
    alice: Person,
    sign_in: Callable[..., None],
) -> None:
    complaints = Complaints(page)
    sign_in(page, alice)
    paths = [jpeg(tmp_path / f"{number}.jpg", seed=number) for number in range(4)]
    drop(page, paths)
    wait_for_cards(page, 4, "completed")
    assert sent.count("PUT bucket") == 4
    assert sent.count("POST /api/uploads") == 4
    assert sent.count("POST /api/tus") == 0
    assert complaints.all() == []
    assert stored(endpoint, "incoming/") == []
    assert endpoint in policy_of(f"{app.url}/sign-in")["connect-src"]

    sent.clear()
    again, text = tmp_path / "again.jpg", tmp_path / "notes.jpg"
    again.write_bytes(paths[0].read_bytes())
    drop(page, [again])
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("Already in your library")).to_be_visible()
    assert sent == [], "its hash is known"

    text.write_text("this is no picture")
    drop(page, [text, jpeg(tmp_path / "good.jpg", seed=5)])
    wait_for_cards(page, 5, "completed")
    expect(uploads.get_by_text("not an image")).to_be_visible()
    assert sent.count("POST /api/tus") == 0


def test_pictures_go_through_the_server_when_the_bucket_refuses(
    page: Page, endpoint: str, sent: list[str], tmp_path: Path, alice: Person,
    sign_in: Callable[[Page, Person], None],
) -> None:  # fmt: skip
    sign_in(page, alice)
    allow(endpoint, "https://elsewhere.example.org")
    drop(page, [jpeg(tmp_path / f"{number}.jpg", seed=number) for number in range(2)])
    wait_for_cards(page, 2, "completed")
    assert "PUT bucket" in sent
    assert sent.count("POST /api/tus") == 2
    sent.clear()
    drop(page, [jpeg(tmp_path / "later.jpg", seed=3)])
    wait_for_cards(page, 3, "completed")
    assert sent == ["POST /api/tus"], "it does not try the bucket again"


def test_a_cancelled_upload_leaves_nothing(
    page: Page, app: App, endpoint: str, sent: list[str], tmp_path: Path, alice: Person,
    sign_in: Callable[[Page, Person], None],
) -> None:  # fmt: skip
    held: list[Route] = []
    page.route(f"{endpoint}/{BUCKET}/incoming/**", lambda route: held.append(route))
    sign_in(page, alice)
    drop(page, [jpeg(tmp_path / "slow.jpg", seed=4)])
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("Uploading 1 of 1")).to_be_visible()
    eventually_in(page, lambda: held)
    with page.expect_request(lambda request: request.method == "DELETE"):
        uploads.get_by_role("button", name="Cancel slow.jpg").click()
    expect(uploads).to_be_hidden()
    with client_of(app, alice) as client:
        assert client.get("/api/images").json()["items"] == []
    assert cards(page) == 0
    assert stored(endpoint, "incoming/") == []


def test_a_completion_that_was_cut_off_is_tried_again_without_sending_again(
    page: Page, sent: list[str], tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    sign_in(page, alice)
    page.route("**/api/uploads/*/complete", lambda route: route.abort())
    drop(page, [jpeg(tmp_path / "cut.jpg", seed=5)])
    uploads = page.get_by_role("region", name="Uploads")
    lost = uploads.get_by_text("Connection lost, going on by itself")
    expect(lost.first).to_be_visible(timeout=15_000)
    page.unroute("**/api/uploads/*/complete")
    wait_for_cards(page, 1, "completed")
    assert sent.count("PUT bucket") == 1


def test_a_file_goes_on_with_the_parts_that_are_missing_when_the_connection_was_lost(
    page: Page, app: App, endpoint: str, sent: list[str], tmp_path: Path, alice: Person,
    sign_in: Callable[[Page, Person], None],
) -> None:  # fmt: skip
    large = tmp_path / "large.bmp"
    PillowImage.new("RGB", (2400, 2400), (90, 40, 70)).save(large)
    sign_in(page, alice)
    arrived = 0

    def break_off(route: Route) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == 2:
            page.context.set_offline(True)
            route.abort()
        else:
            route.continue_()

    page.route(f"{endpoint}/{BUCKET}/incoming/**", break_off)
    drop(page, [large])
    eventually_in(page, lambda: arrived >= 2)
    uploads = page.get_by_role("region", name="Uploads")
    lost = uploads.get_by_text("Connection lost, going on by itself")
    expect(lost.first).to_be_visible(timeout=15_000)
    page.context.set_offline(False)
    wait_for_cards(page, 1, "completed")
    assert sent.count("PUT bucket") == 4, "three parts, of which the first was not sent again"
    assert sent.count("POST /api/uploads") == 1
    assert stored(endpoint, "incoming/") == []


def test_a_program_uploads_without_a_browser(app: App, tmp_path: Path) -> None:
    data = jpeg(tmp_path / "program.jpg", seed=6).read_bytes()
    with app.client() as client:
        begun = client.post("/api/uploads", json={"filename": "p.jpg", "size": len(data)})
        assert begun.status_code == 201
        to = begun.json()
        httpx.put(to["url"], content=data, headers=to["headers"]).raise_for_status()
        answer = client.post(f"/api/uploads/{to['id']}/complete")
    assert answer.status_code == 202
    assert answer.json()["images"][0]["filename"] == "p.jpg"


def test_a_file_that_is_removed_while_it_is_sent_is_said_to_be(
    page: Page, tmp_path: Path, alice: Person, sign_in: Callable[..., None], sent: list[str]
) -> None:
    sign_in(page, alice)
    picture = jpeg(tmp_path / "cloud.jpg", seed=hash(alice.email))

    def meanwhile(route: Route) -> None:
        picture.unlink()
        route.continue_()

    page.route("**/api/uploads", meanwhile, times=1)
    drop(page, [picture])
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("Was it moved or changed?")).to_be_visible()
    # The way through the server would not find it either.
    assert "POST /api/tus" not in sent

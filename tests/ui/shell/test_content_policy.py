from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from imgapp.adapters import frontend
from imgapp.services.library import file_links
from imgapp.settings import get_settings
from imgapp.ui.shell.content_policy import ContentPolicy, page_policy


def directives(policy: str) -> dict[str, str]:
    return dict(part.strip().split(" ", 1) for part in policy.split(";"))


def test_scripts_run_by_their_hash_and_no_other_way() -> None:
    policy = directives(page_policy(["sha256-abc="], get_settings(), None))
    assert policy["script-src"] == "'self' 'sha256-abc='"
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "'self' blob: data:"


def test_websockets_go_to_our_own_origins_only(set_env: Callable[..., None]) -> None:
    set_env(IMGAPP_PUBLIC_URL="https://pictures.example.org")
    policy = directives(page_policy([], get_settings(), None))
    assert policy["connect-src"] == "'self' wss://pictures.example.org"
    set_env(IMGAPP_PUBLIC_URL=None, IMGAPP_PORT="8123")
    policy = directives(page_policy([], get_settings(), None))
    assert policy["connect-src"] == "'self' ws://localhost:8123 ws://127.0.0.1:8123"


def test_pictures_in_a_bucket_come_from_where_its_links_lead(set_env: Callable[..., None]) -> None:
    assert file_links.store_origin() is None
    set_env(
        IMGAPP_S3_BUCKET="pictures",
        IMGAPP_S3_PUBLIC_ENDPOINT="https://files.example.org",
        AWS_ACCESS_KEY_ID="any",
        AWS_SECRET_ACCESS_KEY="any",
        AWS_DEFAULT_REGION="eu-central-1",
    )
    origin = file_links.store_origin()
    assert origin is not None
    assert origin.startswith("https://")
    assert origin.endswith("files.example.org")
    assert origin in directives(page_policy([], get_settings(), origin))["img-src"]


def test_files_go_to_the_bucket_only_where_it_takes_them() -> None:
    bucket = "https://files.example.org"
    assert bucket not in page_policy([], get_settings(), bucket).split("connect-src")[1]
    policy = directives(page_policy([], get_settings(), bucket, bucket))
    assert policy["connect-src"].endswith(f" {bucket}")


def test_signing_out_may_lead_to_the_provider(set_env: Callable[..., None]) -> None:
    set_env(IMGAPP_OIDC_ISSUER="https://login.example.org/realm", IMGAPP_OIDC_CLIENT_ID="imgapp")
    policy = directives(page_policy([], get_settings(), None))
    assert policy["form-action"] == "'self' https://login.example.org"


def test_the_hashes_are_those_of_the_built_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontend, "CLIENT", tmp_path)
    monkeypatch.setattr(frontend, "INDEX", tmp_path / "index.html")
    assert frontend.inline_scripts() == {}
    script = 'const a = "ü" <\n 2;'
    (tmp_path / "sign-in").mkdir()
    (tmp_path / "index.html").write_text(
        f'<script src="/a.js"></script><script type="module" async="">{script}</script>'
        f"<p>x</p><script>{script}</script>"
    )
    (tmp_path / "sign-in" / "index.html").write_text("<p>none</p>")
    (tmp_path / "404.html").write_text("<script>1</script>")
    wanted = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    found = frontend.inline_scripts()
    assert found["/"] == [f"sha256-{wanted}"]
    assert found["/sign-in"] == []
    assert len(found["*"]) == 1


@pytest.mark.parametrize(
    ("media_type", "has_policy"),
    [("text/html", True), ("image/svg+xml", True), ("text/javascript", False), ("text/css", False)],
)
def test_whatever_can_be_a_document_has_a_policy(media_type: str, has_policy: bool) -> None:
    site = ContentPolicy(Response("", media_type=media_type), {})
    answer = TestClient(site).get("/anything")
    assert ("content-security-policy" in answer.headers) is has_policy

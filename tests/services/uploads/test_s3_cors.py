"""Pages send files straight to the bucket only where a browser would let them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from imgapp.services.uploads import s3_cors
from tests.conftest import ORIGIN
from tests.support.buckets import BUCKET, bucket_client
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def _nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_cors, "_latest", None)


def allow(origin: str, method: str = "PUT", header: str = "*") -> None:
    rule = {"AllowedOrigins": [origin], "AllowedMethods": [method], "AllowedHeaders": [header]}
    bucket_client().put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})


def test_the_bucket_that_allows_our_pages_is_used(moto: str, s3_env: None) -> None:
    allow(ORIGIN)
    assert not s3_cors.known()
    assert s3_cors.page_origin() == moto
    assert s3_cors.known()
    assert s3_cors.refusal() is None


def test_any_origin_is_ours_too(moto: str, s3_env: None) -> None:
    allow("*")
    assert s3_cors.page_origin() == moto


@pytest.mark.parametrize(
    "rule", [("https://elsewhere.example.org",), (ORIGIN, "GET"), (ORIGIN, "PUT", "x-other")]
)
def test_another_origin_method_or_header_is_not_enough(s3_env: None, rule: tuple[str, ...]) -> None:
    allow(*rule)
    assert s3_cors.page_origin() is None
    assert ORIGIN in (s3_cors.refusal() or "")


def test_disk_takes_none_and_is_not_asked() -> None:
    assert s3_cors.known()
    assert s3_cors.page_origin() is None
    assert s3_cors.refusal() is None


def test_a_bucket_that_does_not_answer_takes_none(s3_env: Callable[..., None]) -> None:
    s3_env(IMGAPP_S3_PUBLIC_ENDPOINT="http://127.0.0.1:9")
    assert s3_cors.page_origin() is None
    assert s3_cors.known()


def test_rules_that_change_are_noticed_and_nobody_waits(
    moto: str, s3_env: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow("https://elsewhere.example.org")
    assert s3_cors.page_origin() is None
    allow(ORIGIN)
    assert s3_cors.page_origin() is None, "it is not asked at each page"
    monkeypatch.setattr(s3_cors, "FRESH_SECONDS", 0.0)
    eventually(lambda: s3_cors.page_origin() == moto)


@pytest.fixture
def hanging() -> Iterator[tuple[str, threading.Event]]:
    """A server that answers no preflight before it is told to."""
    go_on = threading.Event()

    class Hang(BaseHTTPRequestHandler):
        def do_OPTIONS(self) -> None:
            go_on.wait(30)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hang)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", go_on
    go_on.set()
    server.shutdown()
    server.server_close()


def test_a_bucket_that_hangs_is_given_up(
    s3_env: Callable[..., None], hanging: tuple[str, threading.Event]
) -> None:
    s3_env(IMGAPP_S3_PUBLIC_ENDPOINT=hanging[0])
    assert s3_cors.page_origin() is None
    assert not hanging[1].is_set()

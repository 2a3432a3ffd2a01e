"""The two stores keep the same promises; S3 is spoken to over HTTP."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import httpx
import pytest
from botocore.config import Config

from imgapp.adapters.storage import Store, get_store, presigned_links, rendition_key, s3
from imgapp.adapters.storage.disk import DiskStore
from imgapp.errors import NotFound, StoreUnavailable
from tests.support.buckets import BUCKET, bucket_client

KEY = "users/u/images/i/photo.jpg"


@pytest.fixture(params=["disk", "s3"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "s3":
        request.getfixturevalue("s3_env")
        return s3.S3Store(BUCKET)
    return get_store()


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def make(data: bytes = b"picture") -> Path:
        path = tmp_path / "spooled"
        path.write_bytes(data)
        return path

    return make


def test_what_is_put_can_be_read(store: Store, file: Callable[..., Path]) -> None:
    store.put(KEY, file(b"one"), "image/jpeg")
    assert store.read(KEY) == b"one"
    with store.open(KEY) as stored:
        assert stored.read(2) == b"on"
    assert store.exists(KEY)


def test_what_is_put_again_replaces(store: Store, file: Callable[..., Path]) -> None:
    store.put(KEY, file(b"one"), "image/jpeg")
    store.put(KEY, file(b"two"), "image/jpeg")
    assert store.read(KEY) == b"two"


def test_what_is_not_there_is_not_found(store: Store, file: Callable[..., Path]) -> None:
    store.put("users/u/images/i2/photo.jpg", file(), "image/jpeg")
    assert not store.exists(KEY)
    for read in (store.read, store.open):
        with pytest.raises(NotFound):
            read(KEY)


def test_a_prefix_is_deleted_and_nothing_beside_it(store: Store, file: Callable[..., Path]) -> None:
    for key in (KEY, rendition_key(KEY, "preview"), "users/u/images/i2/photo.jpg"):
        store.put(key, file(), "image/jpeg")
    store.delete_prefix("users/u/images/i/")
    store.delete_prefix("users/u/images/i/")
    assert not store.exists(KEY)
    assert not store.exists(rendition_key(KEY, "preview"))
    assert store.exists("users/u/images/i2/photo.jpg")


def test_a_store_that_works_passes_its_check(store: Store) -> None:
    store.check()


def test_several_files_are_stored_or_none_is_under_way(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files() -> list[tuple[str, Path, str]]:
        for name in "abcd":
            (tmp_path / name).write_text(name)
        return [(f"users/u/images/i/{name}", tmp_path / name, "image/webp") for name in "abcd"]

    store.put_all(files())
    assert [store.read(f"users/u/images/i/{name}") for name in "abcd"] == [b"a", b"b", b"c", b"d"]
    put, under_way = type(store).put, []

    def put_or_fail(self: Any, key: str, path: Path, content_type: str) -> None:
        under_way.append(key)
        if key.endswith("a"):
            raise StoreUnavailable
        put(self, key, path, content_type)
        under_way.remove(key)

    monkeypatch.setattr(type(store), "put", put_or_fail)
    with pytest.raises(StoreUnavailable):
        store.put_all(files())
    assert under_way == ["users/u/images/i/a"]


def test_renditions_are_beside_their_original() -> None:
    assert rendition_key(KEY, "thumbnail") == "users/u/images/i/_thumbnail.webp"
    assert rendition_key("users/u/images/i/", "preview") == "users/u/images/i/_preview.webp"


# Disk


def test_other_users_of_the_machine_cannot_enter(
    file: Callable[..., Path], data_dir_of_tests: Path
) -> None:
    store = get_store()
    store.put(KEY, file(), "image/jpeg")
    path = store.local_path(KEY)
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o600
    folders = [parent for parent in path.parents if data_dir_of_tests in parent.parents]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    assert not store.readable_by_anyone()


def test_a_file_is_moved_whole_or_not_at_all(
    file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, data_dir_of_tests: Path
) -> None:
    store = get_store()
    spooled = file(b"one")
    store.put(KEY, spooled, "image/jpeg")
    assert not spooled.exists()

    def fail(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreUnavailable, match="No space left"):
        store.put(KEY, file(b"two"), "image/jpeg")
    assert store.read(KEY) == b"one"
    assert [path.name for path in data_dir_of_tests.rglob("*") if path.is_file()] == ["photo.jpg"]


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_a_file_of_another_file_system_is_copied() -> None:
    spooled = Path("/dev/shm") / f"imgapp-test-{os.getpid()}"
    spooled.write_bytes(b"far")
    try:
        get_store().put(KEY, spooled, "image/jpeg")
        assert not spooled.exists()
    finally:
        spooled.unlink(missing_ok=True)
    assert get_store().read(KEY) == b"far"


def test_an_emptied_folder_is_gone(file: Callable[..., Path], data_dir_of_tests: Path) -> None:
    store = get_store()
    store.put(KEY, file(), "image/jpeg")
    store.delete_prefix("users/u/images/i/")
    assert not (data_dir_of_tests / "pictures" / "users").exists()


@pytest.mark.parametrize("key", ["", "/etc/passwd", "users/../../x", "a\0b", "..\\x", "../x"])
def test_a_key_never_leaves_the_folder(key: str, file: Callable[..., Path]) -> None:
    store = get_store()
    with pytest.raises(ValueError, match="not a key"):
        store.put(key, file(), "image/jpeg")
    with pytest.raises(ValueError, match="not a key"):
        store.delete_prefix(key)


def test_a_folder_that_cannot_be_written_to_fails_its_check(data_dir_of_tests: Path) -> None:
    data_dir_of_tests.mkdir()
    (data_dir_of_tests / "pictures").write_text("a file where the folder should be")
    with pytest.raises(StoreUnavailable, match="cannot be written to"):
        get_store().check()


# S3


def expiry() -> datetime:
    """Like the one that links have: the end of a half hour that has not begun."""
    now = datetime.now(UTC).timestamp()
    return datetime.fromtimestamp(now // 1800 * 1800 + 3600, UTC)


def link(store: s3.S3Store, name: str = "my photo.jpg") -> str:
    return store.signed_url(KEY, expiry(), name, "image/jpeg", "attachment")


def test_the_settings_choose_the_bucket(s3_env: None) -> None:
    store = get_store()
    assert store.bucket == BUCKET
    assert store.local_path(KEY) is None


def test_a_link_is_followed_without_credentials(s3_env: None, file: Callable[..., Path]) -> None:
    store = s3.S3Store(BUCKET)
    store.put(KEY, file(b"photo"), "image/jpeg")
    url = link(store, 'Äpfel "1".jpg')
    answer = httpx.get(url)
    assert (answer.status_code, answer.content) == (200, b"photo")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''%C3%84pfel%20%221%22.jpg"
    )


def test_a_link_stays_the_same_and_ends_with_its_signature(s3_env: None) -> None:
    urls = {link(s3.S3Store(BUCKET)) for _ in range(3)}
    assert len(urls) == 1
    names = [name for name, _ in parse_qsl(urlsplit(urls.pop()).query)]
    assert names[-1] == "X-Amz-Signature"


def test_a_link_is_signed_as_botocore_signs_it(
    s3_env: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_hour = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
    monkeypatch.setattr(presigned_links, "_round_down", lambda _: half_hour)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: half_hour)
    ours = s3.S3Store(BUCKET).signed_url(
        KEY, half_hour + timedelta(hours=1), "a b.jpg", "image/jpeg", "inline"
    )
    config = Config(signature_version="s3v4")
    theirs = (
        boto3.Session()
        .client("s3", config=config)
        .generate_presigned_url(
            "get_object",
            Params={
                "Bucket": BUCKET,
                "Key": KEY,
                "ResponseContentType": "image/jpeg",
                "ResponseContentDisposition": "inline; filename*=UTF-8''a%20b.jpg",
            },
            ExpiresIn=3600,
        )
    )
    assert dict(parse_qsl(urlsplit(ours).query)) == dict(parse_qsl(urlsplit(theirs).query))


def test_a_bucket_that_answers_strangers_is_noticed(s3_env: None) -> None:
    # The test server checks no signatures: it is as open as a bucket can be.
    assert s3.S3Store(BUCKET).readable_by_anyone()


def test_a_bucket_that_refuses_strangers_is_private(
    set_env: Callable[..., None], refusing: Callable[[str], str]
) -> None:
    set_env(AWS_ENDPOINT_URL_S3=refusing("AccessDenied"), AWS_DEFAULT_REGION="us-east-1")
    assert not s3.S3Store(BUCKET).readable_by_anyone()


def test_links_use_the_public_endpoint(s3_env: None) -> None:
    url = link(s3.S3Store(BUCKET, public_endpoint="https://pictures.example.org"))
    assert url.startswith(f"https://pictures.example.org/{BUCKET}/{KEY}?")


def test_encryption_and_storage_class_are_asked_for(
    s3_env: None, file: Callable[..., Path]
) -> None:
    store = s3.S3Store(BUCKET, sse="AES256", storage_class="STANDARD_IA")
    store.put(KEY, file(), "image/png")
    stored = bucket_client().head_object(Bucket=BUCKET, Key=KEY)
    assert stored["ServerSideEncryption"] == "AES256"
    assert stored["StorageClass"] == "STANDARD_IA"
    assert stored["ContentType"] == "image/png"


def test_a_large_file_is_sent_in_parts(s3_env: None, file: Callable[..., Path]) -> None:
    store = s3.S3Store(BUCKET)
    data = os.urandom(1024 * 1024) * 20
    store.put(KEY, file(data), "image/jpeg")
    assert bucket_client().head_object(Bucket=BUCKET, Key=KEY)["ETag"].endswith('-2"')
    assert store.read(KEY) == data


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "AWS_ACCESS_KEY_ID"),
        ({"IMGAPP_S3_BUCKET": "missing"}, "bucket missing does not exist"),
        ({"IMGAPP_S3_BUCKET": "not/a/bucket"}, "bucket name"),
        ({"AWS_ENDPOINT_URL_S3": "closed"}, "endpoint does not answer"),
        ({"AWS_ENDPOINT_URL_S3": "nonsense"}, "not a URL"),
    ],
)
def test_the_check_says_what_is_wrong(
    s3_env: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variables: dict[str, str | None],
    named: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if variables.get("AWS_ENDPOINT_URL_S3") == "closed":
        variables = {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{closed_port()}"}
    s3_env(**variables)
    store = s3.S3Store(os.environ["IMGAPP_S3_BUCKET"])
    with pytest.raises(StoreUnavailable, match=named) as caught:
        store.check()
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
        ("AccessDenied", "may not use the bucket pictures"),
        ("PermanentRedirect", "AWS_REGION"),
        ("SomethingNew", "SomethingNew"),
    ],
)
def test_a_refusal_is_put_in_a_sentence(
    code: str, named: str, set_env: Callable[..., None], refusing: Callable[[str], str]
) -> None:
    set_env(
        AWS_ENDPOINT_URL_S3=refusing(code),
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret",
        AWS_DEFAULT_REGION="us-east-1",
    )
    with pytest.raises(StoreUnavailable, match=named):
        s3.S3Store(BUCKET).check()


@pytest.fixture
def refusing() -> Iterator[Callable[[str], str]]:
    """An S3 server that refuses everything with one code."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    servers = []

    def make(code: str) -> str:
        class Refuse(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
                self.send_response(403)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_disk_that_is_away_has_lost_nothing(tmp_path: Path, file: Callable[..., Path]) -> None:
    root, elsewhere = tmp_path / "pictures", tmp_path / "elsewhere"
    store = DiskStore(root)
    store.put(KEY, file(b"mine"), "image/webp")
    root.rename(elsewhere)
    for leave_behind in (lambda: None, root.mkdir):
        leave_behind()
        with pytest.raises(StoreUnavailable):
            store.read(KEY)
        with pytest.raises(StoreUnavailable):
            DiskStore(root).put("users/u/images/j/a.jpg", file(b"new"), "image/webp")
        with pytest.raises(StoreUnavailable):
            store.check()
    root.rmdir()
    elsewhere.rename(root)
    store.check()
    assert store.read(KEY) == b"mine"
    with pytest.raises(NotFound):
        store.read("users/u/images/j/a.jpg")

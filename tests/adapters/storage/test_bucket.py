"""What a bucket does of its own: versions, unfinished parts, strangers, refusals in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from botocore.exceptions import ClientError

from imgapp.adapters.storage import get_store, s3
from imgapp.errors import ConfigurationError, StoreMisconfigured
from imgapp.settings import get_settings
from tests.support.buckets import (
    BUCKET,
    Gate,
    bucket_client,
    objects,
    refusal,
    unfinished_uploads,
)
from tests.support.running import REPO

KEY = "users/u/images/i/photo.jpg"
LARGE = 20 * 1024 * 1024


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def make(data: bytes = b"picture") -> Path:
        path = tmp_path / "spooled"
        path.write_bytes(data)
        return path

    return make


def versions() -> list[str]:
    answer = bucket_client().list_object_versions(Bucket=BUCKET)
    return [v["Key"] for kind in ("Versions", "DeleteMarkers") for v in answer.get(kind, [])]


def keep_versions(status: str = "Enabled") -> None:
    bucket_client().put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": status})


def test_every_version_is_deleted(s3_env: object, file: Callable[..., Path]) -> None:
    keep_versions()
    store = s3.S3Store(BUCKET)
    for data in (b"one", b"two"):
        store.put(KEY, file(data), "image/jpeg")
    bucket_client().delete_object(Bucket=BUCKET, Key=KEY)
    store.put("users/u/images/other/photo.jpg", file(), "image/jpeg")
    assert len(versions()) == 4
    store.delete_prefix("users/u/images/i/")
    assert versions() == ["users/u/images/other/photo.jpg"]


def test_what_was_stored_while_versions_were_kept_is_deleted_too(
    s3_env: object, file: Callable[..., Path]
) -> None:
    store = s3.S3Store(BUCKET)
    store.put(KEY, file(b"before"), "image/jpeg")
    keep_versions()
    store.put(KEY, file(b"while"), "image/jpeg")
    keep_versions("Suspended")
    store.delete_prefix("users/u/images/i/")
    assert versions() == []


def test_unfinished_parts_are_given_up(s3_env: object) -> None:
    client = bucket_client()
    for key in (KEY, "users/u/images/other/photo.jpg"):
        upload = client.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
        client.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    s3.S3Store(BUCKET).delete_prefix("users/u/images/i/")
    assert unfinished_uploads() == ["users/u/images/other/photo.jpg"]


@pytest.mark.parametrize("sse", ["AES256", "aws:kms"])
@pytest.mark.parametrize("size", [10, LARGE])
def test_encryption_class_and_type_whatever_the_size(
    s3_env: object, file: Callable[..., Path], sse: str, size: int
) -> None:
    store = s3.S3Store(BUCKET, sse=sse, storage_class="STANDARD_IA")
    store.put(KEY, file(bytes(size)), "image/tiff")
    stored = bucket_client().head_object(Bucket=BUCKET, Key=KEY)
    assert stored["ETag"].endswith('-2"') == (size == LARGE)
    assert stored["ServerSideEncryption"] == sse
    assert stored["StorageClass"] == "STANDARD_IA"
    assert stored["ContentType"] == "image/tiff"


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_bucket_that_is_gone_is_named_whatever_the_size(
    s3_env: object, file: Callable[..., Path], size: int
) -> None:
    store = s3.S3Store(BUCKET)
    store.check()
    bucket_client().delete_bucket(Bucket=BUCKET)
    with pytest.raises(StoreMisconfigured, match="pictures does not exist"):
        store.put(KEY, file(bytes(size)), "image/jpeg")


@pytest.mark.parametrize("name", ["GLACIER", "DEEP_ARCHIVE"])
def test_a_class_that_cannot_be_read_at_once_is_refused(
    set_env: Callable[..., None], name: str
) -> None:
    set_env(IMGAPP_S3_STORAGE_CLASS=name)
    with pytest.raises(ConfigurationError, match="IMGAPP_S3_STORAGE_CLASS"):
        get_settings()


# Memory.

_UPLOAD = """
import resource, sys
from pathlib import Path
from imgapp.adapters.storage.s3 import S3Store
store = S3Store(sys.argv[1])
store.put("users/u/small", Path(sys.argv[2]), "image/jpeg")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
store.put("users/u/large", Path(sys.argv[3]), "image/tiff")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.long
def test_a_file_of_160_mb_is_sent_in_a_few_megabytes(s3_env: object, tmp_path: Path) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"x")
    with large.open("wb") as file:
        file.truncate(160 * 1024 * 1024)
    done = subprocess.run(
        [sys.executable, "-c", _UPLOAD, BUCKET, small, large],
        cwd=REPO,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert int(done.stdout) < 40, "megabytes"
    assert bucket_client().head_object(Bucket=BUCKET, Key="users/u/large")["ETag"].endswith('-10"')


# Strangers.


def test_a_bucket_that_is_well_has_no_faults(gate: Gate) -> None:
    store = s3.S3Store(BUCKET)
    store.check()
    assert store.faults() == []
    assert objects() == []


def test_a_bucket_that_lists_for_strangers(gate: Gate) -> None:
    gate.public = (f"/{BUCKET}?",)
    store = s3.S3Store(BUCKET)
    assert store.readable_by_anyone()
    [fault] = store.faults()
    assert "lists what is in it without a signature" in fault


def test_a_bucket_whose_files_strangers_read(gate: Gate) -> None:
    gate.public = (f"/{BUCKET}/users/",)
    store = s3.S3Store(BUCKET)
    assert not store.readable_by_anyone()
    [fault] = store.faults()
    assert "Anyone can read what is in the bucket pictures" in fault


def test_a_single_file_that_strangers_read(gate: Gate, file: Callable[..., Path]) -> None:
    store = s3.S3Store(BUCKET)
    for name in ("a", "b"):
        store.put(f"users/u/images/{name}/photo.jpg", file(), "image/jpeg")
    gate.public = (f"/{BUCKET}/users/u/images/a/",)
    assert store.faults() == ["1 of 2 files looked at in pictures are public"]


def test_a_key_that_may_list_but_not_write(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    store = s3.S3Store(BUCKET)
    store.check()

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")

    monkeypatch.setattr(store._client, "put_object", refuse)
    [fault] = store.faults()
    assert fault == (
        "A file cannot be stored and read: The access key may not use the bucket pictures"
    )


def test_links_are_followed_through_a_server_that_asks_for_signatures(
    gate: Gate, file: Callable[..., Path]
) -> None:
    store = get_store()
    store.put(KEY, file(b"photo"), "image/jpeg")
    expires = datetime.now(UTC) + timedelta(hours=1)
    url = store.signed_url(KEY, expires, "photo.jpg", "image/jpeg", "inline")
    assert url is not None
    assert httpx.get(url).content == b"photo"
    assert httpx.get(url.partition("?")[0]).status_code == 403


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"sse": "aws:kms"}, "IMGAPP_S3_SSE=aws:kms"),
        ({"storage_class": "FAST"}, "IMGAPP_S3_STORAGE_CLASS=FAST"),
        (
            {"sse": "AES256", "storage_class": "FAST"},
            "IMGAPP_S3_SSE=AES256 and IMGAPP_S3_STORAGE_CLASS=FAST",
        ),
    ],
)
@pytest.mark.parametrize(
    "status", [400, *(pytest.param(one, marks=pytest.mark.long) for one in (403, 501))]
)
def test_what_the_bucket_refuses_of_the_settings_is_named(
    gate: Gate, options: dict[str, str], named: str, status: int
) -> None:
    gate.instead = lambda command, _, headers: (
        refusal("InvalidArgument", status)
        if command == "PUT"
        and ("x-amz-server-side-encryption" in headers or "x-amz-storage-class" in headers)
        else None
    )
    store = s3.S3Store(BUCKET, **options)
    store.check()
    with pytest.raises(StoreMisconfigured) as refused:
        store.try_out()
    said = f"The bucket pictures refuses files with {named} (InvalidArgument)."
    assert refused.value.detail == said
    [fault] = store.faults()
    assert named in fault
    assert objects() == []


def test_a_bucket_that_takes_nothing_at_all_is_no_matter_of_the_settings(gate: Gate) -> None:
    gate.instead = lambda command, *_: refusal("AccessDenied") if command == "PUT" else None
    store = s3.S3Store(BUCKET, sse="AES256")
    with pytest.raises(StoreMisconfigured, match="may not use the bucket pictures"):
        store.try_out()

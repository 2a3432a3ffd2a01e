"""What a start and `imgapp doctor` say about the store, and a bucket that goes away at work."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from imgapp.adapters.storage import LOCAL, get_store
from imgapp.cli import programs
from imgapp.errors import ConfigurationError, StoreUnavailable
from imgapp.services.analysis import describe
from imgapp.services.library import images
from imgapp.services.operations import store_migration
from imgapp.services.storage import object_removals
from imgapp.services.uploads.ingest import ingest
from imgapp.settings import get_settings
from tests.conftest import Person
from tests.support.buckets import BUCKET, Gate, bucket_client, objects, refusal
from tests.support.pictures import jpeg
from tests.support.running import REPO, free_port
from tests.support.spooling import spool_file
from tests.support.waiting import change, row_of

Invoke = Callable[..., tuple[int, str]]


def said_at_start() -> list[str]:
    said: list[str] = []
    programs.check_store(get_settings(), said.append)
    return said


def line_of(output: str, name: str) -> str:
    return next(line for line in output.splitlines() if line.split()[1] == f"{name}:")


# At the start.


@pytest.mark.long
def test_a_start_with_a_bucket_that_is_well_says_nothing(gate: Gate) -> None:
    assert said_at_start() == []


@pytest.mark.long
def test_a_start_with_a_bucket_that_strangers_can_list_warns(gate: Gate) -> None:
    gate.public = (f"/{BUCKET}?",)
    [said] = said_at_start()
    assert said.startswith("Warning: The bucket pictures answers requests without a signature")


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"IMGAPP_S3_BUCKET": "missing"}, "bucket missing does not exist: see IMGAPP_S3_BUCKET"),
        pytest.param(
            {"AWS_ENDPOINT_URL_S3": "nonsense"}, "AWS_ENDPOINT_URL_S3", marks=pytest.mark.long
        ),
        pytest.param(
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
            "AWS_ACCESS_KEY_ID",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_start_with_a_wrong_setting_is_refused_with_one_sentence(
    gate: Gate, set_env: Callable[..., None], tmp_path: Path, variables: Any, named: str
) -> None:
    set_env(**variables, HOME=str(tmp_path))
    with pytest.raises(ConfigurationError, match=named) as refusal:
        said_at_start()
    assert refusal.value.detail.count(". ") == 0


@pytest.mark.long
def test_a_start_with_a_class_that_the_bucket_refuses_is_refused(
    gate: Gate, s3_env: Callable[..., None]
) -> None:
    gate.instead = lambda command, _, headers: (
        refusal("InvalidStorageClass", 400) if "x-amz-storage-class" in headers else None
    )
    s3_env(IMGAPP_S3_STORAGE_CLASS="FAST")
    with pytest.raises(ConfigurationError, match="refuses files with IMGAPP_S3_STORAGE_CLASS=FAST"):
        said_at_start()
    assert objects() == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
        ("PermanentRedirect", "AWS_REGION"),
        ("AccessDenied", "may not use the bucket pictures"),
    ],
)
def test_a_start_with_what_the_server_refuses_is_refused(gate: Gate, code: str, named: str) -> None:
    gate.refuse = code
    with pytest.raises(ConfigurationError, match=named):
        said_at_start()


@pytest.mark.long
def test_a_start_while_the_server_is_away_goes_on(gate: Gate, s3_env: Any) -> None:
    s3_env(AWS_ENDPOINT_URL_S3="http://127.0.0.1:9")
    assert said_at_start() == [
        "Warning: The S3 endpoint does not answer: see AWS_ENDPOINT_URL_S3 and AWS_REGION."
    ]


@pytest.mark.long
@pytest.mark.parametrize("program", ["up", "web", "worker"])
def test_nothing_starts_with_a_bucket_that_is_not_there(
    gate: Gate, s3_env: Callable[..., None], program: str
) -> None:
    with tempfile.TemporaryDirectory(prefix="imgapp-test-") as folder:
        # The embedded servers run as another user when this one is root.
        os.chmod(folder, 0o755)
        s3_env(IMGAPP_S3_BUCKET="missing", IMGAPP_DATA_DIR=f"{folder}/data")
        done = subprocess.run(
            [sys.executable, "-m", "imgapp", program],
            cwd=REPO,
            env=os.environ | {"IMGAPP_PORT": str(free_port())},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (
        1,
        "imgapp: The bucket missing does not exist: see IMGAPP_S3_BUCKET.\n",
    )


# Doctor.


def test_doctor_is_content_with_a_closed_bucket(gate: Gate, invoke: Invoke) -> None:
    _, output = invoke("doctor")
    assert line_of(output, "store") == "ok    store: bucket pictures, closed to unsigned requests"
    assert line_of(output, "pictures") == "ok    pictures: 0, all in one store"


def test_doctor_finds_a_public_file(
    gate: Gate, invoke: Invoke, alice: Person, picture_file: Callable[..., Path]
) -> None:
    image_id = ingest(alice.user_id, spool_file(picture_file()), "page").image_id
    gate.public = (f"/{BUCKET}/{row_of(alice.user_id, image_id).s3_key}",)
    code, output = invoke("doctor")
    assert code == 1
    assert "1 of 4 files looked at in pictures are public" in line_of(output, "store")


@pytest.mark.long
def test_doctor_says_what_is_left_to_move_and_to_remove(
    gate: Gate,
    invoke: Invoke,
    alice: Person,
    picture_file: Callable[..., Path],
    administrator: sa.Engine,
) -> None:
    ingest(alice.user_id, spool_file(picture_file()), "page")
    moved = ingest(alice.user_id, spool_file(picture_file()), "page").image_id
    assert (
        store_migration.move_image(alice.user_id, moved, LOCAL).outcome
        == store_migration.MigrationOutcome.MOVED
    )
    _, output = invoke("doctor")
    said = "warn  pictures: 1 are in other stores: run `imgapp storage move --to s3`"
    assert line_of(output, "pictures") == said
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE store_removals SET attempts = 13"))
    _, output = invoke("doctor")
    assert "1 removed pictures still have files" in line_of(output, "pictures")


# A bucket that goes away at work.


def remove_bucket() -> None:
    for key in objects():
        bucket_client().delete_object(Bucket=BUCKET, Key=key)
    bucket_client().delete_bucket(Bucket=BUCKET)


def test_an_upload_into_a_bucket_that_is_gone(
    alice: Person, s3_env: object, client_for: Callable[..., Any], tmp_path: Path
) -> None:
    client = client_for(alice)
    photo = jpeg(tmp_path / "a.jpg", seed=1)
    remove_bucket()
    answer = client.post("/api/upload", files={"files": ("a.jpg", photo.read_bytes())})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "store_unavailable"
    assert "Traceback" not in answer.text
    assert images.count_images(alice.user_id) == 0

    bucket_client().create_bucket(Bucket=BUCKET)
    answer = client.post("/api/upload", files={"files": ("a.jpg", photo.read_bytes())})
    assert answer.status_code == 202
    assert len(objects()) == 4


def test_a_bucket_that_goes_between_two_files_keeps_nothing(
    alice: Person,
    s3_env: object,
    picture_file: Callable[..., Path],
    administrator: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store: Any = type(get_store())
    put, stored, turn = store.put, [], threading.Lock()

    def put_until_it_is_gone(self: Any, key: str, *args: Any) -> None:
        with turn:
            put(self, key, *args)
            stored.append(key)
            if len(stored) == 2:
                remove_bucket()

    with monkeypatch.context() as patch:
        patch.setattr(store, "put", put_until_it_is_gone)
        with pytest.raises(StoreUnavailable, match="does not exist"):
            ingest(alice.user_id, spool_file(picture_file()), "page")
    assert images.count_images(alice.user_id) == 0

    # It comes back with what was in it.
    bucket_client().create_bucket(Bucket=BUCKET)
    for key in stored:
        bucket_client().put_object(Bucket=BUCKET, Key=key, Body=b"half a picture")
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE store_removals SET due_at = now()"))
    assert object_removals.sweep() == 1
    assert objects() == []


def test_pictures_outlive_a_bucket_that_is_away_for_long(
    alice: Person, s3_env: object, picture_file: Callable[..., Path]
) -> None:
    image_id = ingest(alice.user_id, spool_file(picture_file()), "page").image_id
    kept = {key: get_store().read(key) for key in objects()}
    remove_bucket()
    for _ in range(4):  # after the fifth, nothing more is taken until the bucket is back
        assert describe.run_one() == image_id
        waiting = row_of(alice.user_id, image_id)
        assert (waiting.analysis_status, waiting.attempts) == ("pending", 0)
        assert waiting.error_code == "store_unavailable"
        change(alice.user_id, image_id, due_at=waiting.queued_at)

    bucket_client().create_bucket(Bucket=BUCKET)
    for key, data in kept.items():
        bucket_client().put_object(Bucket=BUCKET, Key=key, Body=data)
    assert describe.run_one() == image_id
    described = row_of(alice.user_id, image_id)
    assert (described.analysis_status, described.error_code) == ("completed", None)

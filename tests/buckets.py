"""A server that speaks S3, with one empty bucket, and what is in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "pictures"


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The address of a server that speaks S3 over HTTP; it checks no signatures."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_env(moto: str, set_env: Callable[..., None]) -> Callable[..., None]:
    """The settings point at an empty bucket; a function like `set_env`."""
    httpx.post(f"{moto}/moto-api/reset").raise_for_status()
    set_env(
        IMGAPP_S3_BUCKET=BUCKET,
        AWS_ENDPOINT_URL_S3=moto,
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret",
        AWS_DEFAULT_REGION="us-east-1",
    )
    bucket_client().create_bucket(Bucket=BUCKET)
    return set_env


def bucket_client() -> Any:
    """boto3 as it comes, on the server that the environment names."""
    return boto3.Session().client("s3")


def objects(bucket: str = BUCKET) -> list[str]:
    """The keys of everything in a bucket."""
    pages = bucket_client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return sorted(item["Key"] for page in pages for item in page.get("Contents", []))


def unfinished_uploads(bucket: str = BUCKET) -> list[str]:
    """The keys of multipart uploads that were neither completed nor aborted."""
    answer = bucket_client().list_multipart_uploads(Bucket=bucket)
    return [upload["Key"] for upload in answer.get("Uploads", [])]

"""A server that speaks S3, with one empty bucket, and what is in it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from email.message import Message
from functools import lru_cache, wraps
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import botocore.session
import httpx
import pytest

from imgapp.adapters import storage
from imgapp.adapters.storage import s3

BUCKET = "pictures"


def kept(make: Callable[..., Any]) -> Callable[..., Any]:
    """One client for all who ask for the same in the same environment: it takes 50 ms to make."""
    clients: dict[object, Any] = {}

    @wraps(make)
    def client(*args: Any, **options: Any) -> Any:
        told = [item for item in os.environ.items() if item[0].startswith(("AWS_", "HOME"))]
        asked = repr((sorted(told), args, options))
        if asked not in clients:
            clients[asked] = make(*args, **options)
        return clients[asked]

    return client


@pytest.fixture(scope="session", autouse=True)
def one_loader() -> Iterator[None]:
    """boto3 reads how S3 is spoken, a megabyte of JSON, once and not for each client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lru_cache(botocore.session.create_loader))
        patch.setattr(s3, "make_client", kept(s3.make_client))
        yield


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The address of a server that speaks S3 over HTTP; it checks no signatures."""
    from moto.server import ThreadedMotoServer  # a second to import, for the tests that need it

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_env(moto: str, set_env: Callable[..., None]) -> Iterator[Callable[..., None]]:
    """The settings point at an empty bucket; a function like `set_env`."""

    def change(**variables: str | None) -> None:
        set_env(**variables)
        storage.reset()

    httpx.post(f"{moto}/moto-api/reset").raise_for_status()
    change(
        IMGAPP_S3_BUCKET=BUCKET,
        AWS_ENDPOINT_URL_S3=moto,
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret",
        AWS_DEFAULT_REGION="us-east-1",
    )
    bucket_client().create_bucket(Bucket=BUCKET)
    yield change
    storage.reset()


@kept
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


class Gate:
    """A server before the other one that lets signed requests through, and others as it is told.

    `refuse` answers every request with one error code; `public` are the beginnings of paths that
    anyone may read; `instead` may answer a request (its command, path and headers) by itself.
    """

    def __init__(self, server: str) -> None:
        self.public: tuple[str, ...] = ()
        self.refuse: str | None = None
        self.instead: Callable[[str, str, Message], httpx.Response | None] = lambda *_: None
        self.seen: list[tuple[str, str]] = []
        self._to = httpx.Client(base_url=server, timeout=30)
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_any(self) -> None:
                gate._answer(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_any

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._to.close()

    def _answer(self, asked: BaseHTTPRequestHandler) -> None:
        body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
        self.seen.append((asked.command, asked.path))
        headers = {k: v for k, v in asked.headers.items() if k.lower() not in _OF_CONNECTIONS}
        # The other server asks for a signature, whatever it says.
        headers.setdefault("Authorization", _ANY_SIGNATURE)
        code = self.refuse or (None if self._may(asked) else "AccessDenied")
        if code is not None:
            answer = refusal(code)
        elif (own := self.instead(asked.command, asked.path, asked.headers)) is not None:
            answer = own
        else:
            answer = self._to.request(asked.command, asked.path, content=body, headers=headers)
        asked.send_response(answer.status_code)
        length = answer.headers.get("content-length", "0")
        size = length if asked.command == "HEAD" else str(len(answer.content))
        for name, value in answer.headers.items():
            if name.lower() not in _OF_CONNECTIONS:
                asked.send_header(name, value)
        asked.send_header("Content-Length", size)
        asked.end_headers()
        if asked.command != "HEAD":
            asked.wfile.write(answer.content)

    def _may(self, asked: BaseHTTPRequestHandler) -> bool:
        signed = "Authorization" in asked.headers or "X-Amz-Signature=" in asked.path
        return signed or (asked.command == "GET" and asked.path.startswith(self.public or "-"))


def refusal(code: str, status: int = 403) -> httpx.Response:
    """As S3 servers refuse a request."""
    text = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
    return httpx.Response(status, content=text.encode())


_ANY_SIGNATURE = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request"
_OF_CONNECTIONS = {"content-length", "connection", "transfer-encoding", "host", "content-encoding"}


@pytest.fixture
def gate(moto: str, s3_env: Callable[..., None]) -> Iterator[Gate]:
    """The bucket behind a server that refuses unsigned requests."""
    gate = Gate(moto)
    s3_env(AWS_ENDPOINT_URL_S3=gate.url)
    yield gate
    gate.close()

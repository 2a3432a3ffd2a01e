"""The S3 store: any server that speaks the protocol, configured by boto3's own variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote, urlsplit

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
)

from imgapp.adapters.storage import Disposition
from imgapp.adapters.storage.incoming import Incoming
from imgapp.errors import NotFound, StoreUnavailable

_QUANTUM = timedelta(minutes=30)
_MEGABYTE = 1024 * 1024

# Two parts of 8 MB in flight: an upload never holds more than that in memory.
_TRANSFER = TransferConfig(
    multipart_threshold=8 * _MEGABYTE, multipart_chunksize=8 * _MEGABYTE, max_concurrency=2
)


class S3Store:
    """Objects in one bucket."""

    def __init__(
        self,
        bucket: str,
        public_endpoint: str | None = None,
        sse: str | None = None,
        storage_class: str | None = None,
    ) -> None:
        self.bucket = bucket
        self._public_endpoint = public_endpoint
        wanted = {"ServerSideEncryption": sse, "StorageClass": storage_class}
        self._upload_options = {name: value for name, value in wanted.items() if value}
        # A page of 60 pictures has 180 links, at 0.4 ms each.
        self._cached_link = lru_cache(maxsize=4096)(self._make_link)

    def put(self, key: str, path: Path, content_type: str) -> None:
        """Upload the file at `path`, in parts if it is large."""
        options = {"ContentType": content_type, **self._upload_options}
        with self._translated(), path.open("rb") as file:
            self._client.upload_fileobj(file, self.bucket, key, ExtraArgs=options, Config=_TRANSFER)

    def read(self, key: str) -> bytes:
        """All of a small object."""
        with self._translated(), self.open(key) as body:
            return body.read()

    def open(self, key: str) -> BinaryIO:
        """An object to read piece by piece."""
        with self._translated():
            body = self._client.get_object(Bucket=self.bucket, Key=key)["Body"]
            return cast(BinaryIO, body)

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        try:
            with self._translated():
                self._client.head_object(Bucket=self.bucket, Key=key)
        except NotFound:
            return False
        return True

    def delete_prefix(self, prefix: str) -> None:
        """Delete every object under `prefix`."""
        with self._translated():
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
                keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
                if keys:
                    self._client.delete_objects(
                        Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True}
                    )

    def local_path(self, key: str) -> None:
        """Objects are not on this machine."""

    def signed_url(
        self,
        key: str,
        expires_at: datetime,
        filename: str,
        content_type: str,
        disposition: Disposition,
    ) -> str:
        """A presigned GET. Its time is rounded down, so that browsers see one URL for a while."""
        return self._cached_link(key, expires_at, filename, content_type, disposition)

    def _make_link(
        self,
        key: str,
        expires_at: datetime,
        filename: str,
        content_type: str,
        disposition: Disposition,
    ) -> str:
        params = {
            "Bucket": self.bucket,
            "Key": key,
            "ResponseContentType": content_type,
            "ResponseContentDisposition": content_disposition(disposition, filename),
        }
        with self._translated():
            url = self._link_client.generate_presigned_url("get_object", Params=params)
            return self._sign(url, expires_at)

    def _sign(self, url: str, expires_at: datetime) -> str:
        credentials = self._client._request_signer._credentials
        if credentials is None:
            raise NoCredentialsError
        signed_at = _round_down(datetime.now(UTC))
        region = self._client.meta.region_name
        signer = _SignedAt(
            credentials.get_frozen_credentials(),
            "s3",
            "us-east-1" if region in (None, "aws-global") else region,
            expires=round((expires_at - signed_at).total_seconds()),
        )
        signer.signed_at = signed_at
        request = AWSRequest(method="GET", url=url)
        signer.add_auth(request)
        return str(request.url)

    def check(self) -> None:
        """Raise StoreUnavailable that names what is wrong: bucket, key, region or endpoint."""
        try:
            with self._translated():
                self._client.list_objects_v2(Bucket=self.bucket, MaxKeys=1)
        except NotFound as error:
            raise StoreUnavailable(error.detail) from error

    def readable_by_anyone(self) -> bool:
        """Whether the bucket answers a list request that nobody signed."""
        try:
            self._unsigned_client.list_objects_v2(Bucket=self.bucket, MaxKeys=1)
        except (BotoCoreError, ClientError):
            return False
        return True

    @cached_property
    def _client(self) -> Any:
        return _make_client()

    @cached_property
    def _unsigned_client(self) -> Any:
        return _make_client(signature_version=UNSIGNED)

    @cached_property
    def _link_client(self) -> Any:
        """Builds the addresses that browsers use; `_sign` signs them."""
        return _make_client(self._public_endpoint, signature_version=UNSIGNED)

    @cached_property
    def incoming(self) -> Incoming:
        """Where clients may put files themselves."""
        signer = _make_client(self._public_endpoint, signature_version="s3v4")
        return Incoming(self.bucket, self._client, signer, self._upload_options, self._translated)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise self._client_error(error) from error
        except (BotoCoreError, Boto3Error, ValueError) as error:
            raise StoreUnavailable(self._sentence(error)) from error
        except OSError as error:
            raise StoreUnavailable(f"The picture store failed: {error.strerror}.") from error

    def _client_error(self, error: ClientError) -> NotFound | StoreUnavailable:
        code = error.response.get("Error", {}).get("Code", "")
        if code in ("NoSuchKey", "404"):
            return NotFound("The file is not in the store.")
        known = _SENTENCES.get(code)
        sentence = known.format(bucket=self.bucket) if known else f"S3 refused: {code}."
        return StoreUnavailable(sentence)

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, NoCredentialsError | PartialCredentialsError):
            return "S3 credentials are missing: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        if isinstance(error, NoRegionError):
            return "The S3 region is missing: set AWS_REGION."
        if isinstance(error, ParamValidationError):
            return f"The bucket name {self.bucket!r} is not valid: see IMGAPP_S3_BUCKET."
        if isinstance(error, EndpointConnectionError):
            return "The S3 endpoint does not answer: see AWS_ENDPOINT_URL_S3 and AWS_REGION."
        if isinstance(error, ValueError):
            return "The S3 endpoint is not a URL: see AWS_ENDPOINT_URL_S3."
        return f"The S3 endpoint failed: {type(error).__name__}."


_SENTENCES = {
    "NoSuchBucket": "The bucket {bucket} does not exist: see IMGAPP_S3_BUCKET.",
    "InvalidBucketName": "The bucket name {bucket} is not valid: see IMGAPP_S3_BUCKET.",
    "InvalidAccessKeyId": "S3 does not know the access key: see AWS_ACCESS_KEY_ID.",
    "SignatureDoesNotMatch": "The secret access key is wrong: see AWS_SECRET_ACCESS_KEY.",
    "ExpiredToken": "The S3 session token has expired: see AWS_SESSION_TOKEN.",
    "InvalidToken": "The S3 session token is not valid: see AWS_SESSION_TOKEN.",
    "AccessDenied": "The access key may not use the bucket {bucket}.",
    "AllAccessDisabled": "The access key may not use the bucket {bucket}.",
    "PermanentRedirect": "The bucket {bucket} is in another region: see AWS_REGION.",
    "AuthorizationHeaderMalformed": "The bucket {bucket} is in another region: see AWS_REGION.",
    "IllegalLocationConstraintException": "{bucket} is in another region: see AWS_REGION.",
    "RequestTimeTooSkewed": "This machine's clock is wrong: S3 refuses its signatures.",
    "SlowDown": "S3 asks to slow down.",
}


class _SignedAt(S3SigV4QueryAuth):
    """Signs as of a given time instead of now."""

    signed_at: datetime

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self.signed_at.strftime("%Y%m%dT%H%M%SZ")
        super()._modify_request_before_signing(request)  # type: ignore[misc]


def _round_down(time: datetime) -> datetime:
    return datetime.fromtimestamp(time.timestamp() // _QUANTUM.seconds * _QUANTUM.seconds, UTC)


def content_disposition(disposition: Disposition, filename: str) -> str:
    """The header (RFC 6266) that names a file, whatever characters its name has."""
    return f"{disposition}; filename*=UTF-8''{quote(filename, safe='')}"


def _make_client(endpoint: str | None = None, **options: Any) -> Any:
    config = Config(
        connect_timeout=3,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=32,
        # Servers other than Amazon's often know neither the newer checksums nor a name per bucket.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        **options,
    )
    # A session of its own: boto3's default one must not be shared by threads.
    session = boto3.Session()
    client = session.client("s3", endpoint_url=endpoint, config=config)
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return client
    path_style = config.merge(Config(s3={"addressing_style": "path"}))
    return session.client("s3", endpoint_url=endpoint, config=path_style)

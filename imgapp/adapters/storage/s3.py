"""The S3 store: keeps objects in one bucket of any server that speaks the protocol."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime
from functools import cached_property, lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from imgapp.adapters.storage import Disposition
from imgapp.adapters.storage.presigned_links import content_disposition, sign_link
from imgapp.adapters.storage.presigned_uploads import Incoming
from imgapp.adapters.storage.s3_clients import make_client
from imgapp.adapters.storage.s3_deletions import delete_objects
from imgapp.adapters.storage.s3_errors import code_of, translated
from imgapp.adapters.storage.s3_probe import Probe
from imgapp.errors import NotFound, StoreUnavailable

_PART_BYTES = 16 * 1024 * 1024

# Parts are read from the disk piece by piece while they are sent: none is held in memory.
_TRANSFER = TransferConfig(
    multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, max_concurrency=4
)
_PUTS_AT_ONCE = 16
_VERSIONING_SECONDS = 600.0
_UNSUPPORTED = ("AccessDenied", "NotImplemented", "MethodNotAllowed", "XNotImplemented")


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
        self._versioning: tuple[float, bool] = (0.0, False)
        self._translated = partial(translated, bucket)

    def put(self, key: str, path: Path, content_type: str) -> None:
        """Upload the file at `path`, in parts if it is large."""
        options = {"ContentType": content_type, **self._upload_options}
        with self._translated():
            if path.stat().st_size < _PART_BYTES:
                with path.open("rb") as file:
                    self._client.put_object(Bucket=self.bucket, Key=key, Body=file, **options)
            else:
                self._client.upload_file(
                    str(path), self.bucket, key, ExtraArgs=options, Config=_TRANSFER
                )

    def put_all(self, files: Sequence[tuple[str, Path, str]]) -> None:
        """All at once: most of the time goes by waiting for the server."""
        first, *others = files
        under_way = [self._threads.submit(self.put, *file) for file in others]
        try:
            self.put(*first)
        finally:
            wait(under_way)
        for done in under_way:
            done.result()

    def read(self, key: str) -> bytes:
        """All of a small object."""
        with self.open(key) as body:
            return body.read()

    def open(self, key: str) -> BinaryIO:
        """An object to read piece by piece."""
        with self._translated():
            body = self._client.get_object(Bucket=self.bucket, Key=key)["Body"]
        return cast(BinaryIO, _ObjectBody(body, self.bucket))

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        try:
            with self._translated():
                self._client.head_object(Bucket=self.bucket, Key=key)
        except NotFound:
            return False
        return True

    def delete_prefix(self, prefix: str) -> None:
        """Delete every object under `prefix`, with what is left of uploads that were cut off.

        Where the bucket keeps versions, all of them.
        """
        with self._translated():
            for keys in self._keys(prefix):
                delete_objects(self._client, self.bucket, keys)
            self._abort_uploads(prefix)

    def _keys(self, prefix: str) -> Iterator[list[dict[str, str]]]:
        if self._keeps_versions():
            try:
                yield from self._versions(prefix)
                return
            except ClientError as error:
                if code_of(error) not in _UNSUPPORTED:
                    raise
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
            if keys := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
                yield keys

    def _versions(self, prefix: str) -> Iterator[list[dict[str, str]]]:
        pages = self._client.get_paginator("list_object_versions")
        # Half of the most that one request deletes: a page lists versions and markers.
        for page in pages.paginate(
            Bucket=self.bucket, Prefix=prefix, PaginationConfig={"PageSize": 500}
        ):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if found:
                yield [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]

    def _keeps_versions(self) -> bool:
        """Whether the bucket has, or once had, versions; asked now and then."""
        asked_at, answer = self._versioning
        if not asked_at or time.monotonic() - asked_at > _VERSIONING_SECONDS:
            try:
                answer = "Status" in self._client.get_bucket_versioning(Bucket=self.bucket)
            except ClientError as error:
                if code_of(error) not in _UNSUPPORTED:
                    raise
                answer = False
            self._versioning = (time.monotonic(), answer)
        return answer

    def _abort_uploads(self, prefix: str) -> None:
        try:
            pages = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
                for upload in page.get("Uploads", []):
                    wanted = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                    self._client.abort_multipart_upload(Bucket=self.bucket, **wanted)
        except ClientError as error:
            # A rule of the bucket's life cycle removes them as well (docs/s3.md).
            if code_of(error) not in (*_UNSUPPORTED, "NoSuchUpload"):
                raise

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
            return sign_link(self._client, url, expires_at)

    def check(self) -> None:
        """Raise StoreUnavailable that names what is wrong: bucket, key, region or endpoint."""
        try:
            with self._translated():
                self._client.list_objects_v2(Bucket=self.bucket, MaxKeys=1)
        except NotFound as error:
            raise StoreUnavailable(error.detail) from error

    def try_out(self) -> None:
        """Store a file as the settings ask, read it and remove it.

        Raises StoreUnavailable; StoreMisconfigured if encryption or storage class are refused.
        """
        self._probe.try_out()

    def readable_by_anyone(self) -> bool:
        """Whether the bucket answers a list request that nobody signed."""
        return self._probe.lists_for_strangers()

    def faults(self) -> list[str]:
        """A sentence for each thing that is wrong once `check` passed; stores a file and removes
        it."""
        return self._probe.faults()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_PUTS_AT_ONCE, thread_name_prefix="s3-put")

    @cached_property
    def _client(self) -> Any:
        return make_client()

    @cached_property
    def _probe(self) -> Probe:
        return Probe(
            self.bucket,
            self._client,
            make_client(signature_version=UNSIGNED),
            self._upload_options,
            exists=self.exists,
            keeps_versions=self._keeps_versions,
            delete_prefix=self.delete_prefix,
        )

    @cached_property
    def _link_client(self) -> Any:
        """Builds the addresses that browsers use; `sign_link` signs them."""
        return make_client(self._public_endpoint, signature_version=UNSIGNED)

    @cached_property
    def incoming(self) -> Incoming:
        """Where clients may put files themselves."""
        signer = make_client(self._public_endpoint, signature_version="s3v4")
        return Incoming(
            self.bucket,
            self._client,
            signer,
            self._upload_options,
            keeps_versions=self._keeps_versions,
            delete_prefix=self.delete_prefix,
        )


class _ObjectBody:
    """An object's bytes on their way; a connection that breaks is the store's failure."""

    def __init__(self, body: Any, bucket: str) -> None:
        self._body, self._bucket = body, bucket

    def read(self, size: int | None = None) -> bytes:
        with translated(self._bucket):
            return bytes(self._body.read(size))

    def close(self) -> None:
        self._body.close()

    def __enter__(self) -> _ObjectBody:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

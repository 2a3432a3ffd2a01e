"""Presigned uploads: let clients put files and parts into the bucket, and check what arrived."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
from botocore.exceptions import ClientError

from imgapp.adapters.storage.s3_deletions import delete_objects
from imgapp.adapters.storage.s3_errors import code_of, translated
from imgapp.adapters.storage.upload_schemas import PREFIX, ArrivedObject, IncomingObject
from imgapp.errors import NotFound

log = logging.getLogger(__name__)

_PROBE_SECONDS = 1.5
_PIECE = 1024 * 1024
_NO_PARTS = frozenset({"NoSuchUpload", "404"})
_NOT_TO_BE_COPIED = frozenset(
    # The last two: what is larger than 5 GB is not copied in one request.
    {"NoSuchKey", "404", "PreconditionFailed", "412", "InvalidRequest", "EntityTooLarge"}
)


class Incoming:
    """The part of a bucket that clients write to. Every method raises StoreUnavailable, NotFound.

    `client` speaks to the store, `signer` makes addresses that clients can reach.
    """

    def __init__(
        self,
        bucket: str,
        client: Any,
        signer: Any,
        options: dict[str, str],
        *,
        keeps_versions: Callable[[], bool],
        delete_prefix: Callable[[str], None],
    ) -> None:
        self.bucket = bucket
        self._client = client
        self._signer = signer
        self._options = options
        self._keeps_versions = keeps_versions
        self._delete_prefix = delete_prefix
        self._translated = partial(translated, bucket)

    def put_request(
        self, key: str, size: int, content_type: str | None, seconds: int
    ) -> tuple[str, dict[str, str]]:
        """A presigned PUT of exactly `size` bytes, and the headers that it has to carry."""
        headers = {"Content-Type": content_type} if content_type else {}
        if sse := self._options.get("ServerSideEncryption"):
            headers["x-amz-server-side-encryption"] = sse
        params: dict[str, Any] = {"Bucket": self.bucket, "Key": key, "ContentLength": size}
        params |= {"ContentType": content_type} if content_type else {}
        params |= self._encryption
        return self._sign("put_object", params, seconds), headers

    def part_request(
        self, key: str, multipart_id: str, number: int, size: int, seconds: int
    ) -> str:
        """A presigned PUT of one part (S3 counts from 1) of exactly `size` bytes."""
        params = {
            "Bucket": self.bucket,
            "Key": key,
            "UploadId": multipart_id,
            "PartNumber": number,
            "ContentLength": size,
        }
        return self._sign("upload_part", params, seconds)

    def begin_parts(self, key: str) -> str:
        """Start an object that arrives in parts; its multipart id."""
        with self._translated():
            begun = self._client.create_multipart_upload(
                Bucket=self.bucket, Key=key, **self._encryption
            )
            return str(begun["UploadId"])

    def arrived_parts(self, key: str, multipart_id: str) -> dict[int, ArrivedObject] | None:
        """The parts that are there, by number; None once they are joined or given up."""
        found: dict[int, ArrivedObject] = {}
        with self._translated():
            pages = self._client.get_paginator("list_parts")
            try:
                for page in pages.paginate(Bucket=self.bucket, Key=key, UploadId=multipart_id):
                    for part in page.get("Parts", []):
                        found[part["PartNumber"]] = ArrivedObject(part["Size"], part["ETag"])
            except ClientError as error:
                if code_of(error) not in _NO_PARTS:
                    raise
                return None
        return found

    def join_parts(self, key: str, multipart_id: str, parts: dict[int, ArrivedObject]) -> None:
        """Make one object of its parts."""
        joined = [{"PartNumber": n, "ETag": part.etag} for n, part in sorted(parts.items())]
        with self._translated():
            self._client.complete_multipart_upload(
                Bucket=self.bucket,
                Key=key,
                UploadId=multipart_id,
                MultipartUpload={"Parts": joined},
            )

    def size_of(self, key: str) -> int | None:
        """Bytes of the object; None if it is not there."""
        try:
            with self._translated():
                return int(self._client.head_object(Bucket=self.bucket, Key=key)["ContentLength"])
        except NotFound:
            return None

    def fetch(self, key: str, size: int, write: Callable[[bytes], None]) -> ArrivedObject:
        """Hand the object to `write` piece by piece, if it has `size` bytes; what was found."""
        digest = hashlib.md5(usedforsecurity=False)
        with self._translated():
            found = self._client.get_object(Bucket=self.bucket, Key=key)
            with closing(found["Body"]) as body:
                if found["ContentLength"] == size:
                    for piece in body.iter_chunks(_PIECE):
                        write(piece)
                        digest.update(piece)
        return ArrivedObject(found["ContentLength"], found["ETag"], digest.hexdigest())

    def adopt(self, key: str, arrived: ArrivedObject, target: str, content_type: str) -> bool:
        """Copy the object to `target` within the store; False if it is not as it `arrived`.

        The client may still write to `key`: only the bytes that were looked at are taken.
        """
        with self._translated():
            try:
                copied = self._client.copy_object(
                    Bucket=self.bucket,
                    Key=target,
                    CopySource={"Bucket": self.bucket, "Key": key},
                    CopySourceIfMatch=arrived.etag,
                    ContentType=content_type,
                    MetadataDirective="REPLACE",
                    **self._options,
                )
            except ClientError as error:
                if code_of(error) not in _NOT_TO_BE_COPIED:
                    raise
                return False
        return _is_copy(copied, arrived)

    def discard(self, places: Sequence[IncomingObject]) -> None:
        """Remove objects (1,000 at most), and parts of them that were never joined."""
        with self._translated():
            for place in places:
                if place.multipart_id is not None:
                    self._abort(place.key, place.multipart_id)
            if self._keeps_versions():
                for place in places:
                    self._delete_prefix(place.key)
            elif places:
                delete_objects(self._client, self.bucket, [{"Key": place.key} for place in places])

    def _abort(self, key: str, multipart_id: str) -> None:
        try:
            self._client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=multipart_id)
        except ClientError as error:
            if code_of(error) not in _NO_PARTS:
                raise

    def left_overs(self, older_than: timedelta) -> Iterator[IncomingObject]:
        """Every object and unfinished object that has been there for so long."""
        limit = datetime.now(UTC) - older_than
        yield from self._listed("list_objects_v2", "Contents", "LastModified", limit)
        yield from self._listed("list_multipart_uploads", "Uploads", "Initiated", limit)

    def _listed(
        self, operation: str, field: str, since: str, limit: datetime
    ) -> Iterator[IncomingObject]:
        with self._translated():
            pages = self._client.get_paginator(operation)
            for page in pages.paginate(Bucket=self.bucket, Prefix=PREFIX):
                for item in page.get(field, []):
                    if item[since] < limit:
                        yield IncomingObject(item["Key"], item.get("UploadId"))

    def origin_allowed(self, origin: str) -> bool:
        """Whether a browser would let pages of `origin` send files here: asked as it would ask.

        https://fetch.spec.whatwg.org/#cors-preflight-fetch
        """
        url, headers = self.put_request(f"{PREFIX}preflight", 1, "image/jpeg", 60)
        asked = ",".join(sorted(name.lower() for name in headers))
        try:
            answer = httpx.options(
                url,
                headers={
                    "Origin": origin,
                    "Access-Control-Request-Method": "PUT",
                    "Access-Control-Request-Headers": asked,
                },
                timeout=_PROBE_SECONDS,
            )
        except (httpx.HTTPError, httpx.InvalidURL):
            log.warning("cors_not_probed", exc_info=True)
            return False
        return answer.is_success and _grants(answer.headers, origin, asked)

    @property
    def origin(self) -> str:
        """Where clients send to: scheme, host and port."""
        url, _ = self.put_request(PREFIX, 1, None, 60)
        parts = httpx.URL(url)
        return f"{parts.scheme}://{parts.netloc.decode()}"

    @property
    def _encryption(self) -> dict[str, str]:
        # Not the storage class: what stays for minutes would be billed for a month in some.
        return {k: v for k, v in self._options.items() if k == "ServerSideEncryption"}

    def _sign(self, operation: str, params: dict[str, Any], seconds: int) -> str:
        with self._translated():
            return str(
                self._signer.generate_presigned_url(operation, Params=params, ExpiresIn=seconds)
            )


def _is_copy(copied: dict[str, Any], arrived: ArrivedObject) -> bool:
    """Some servers ignore the condition. The ETag of a copy is the MD5 of its bytes, unless a key
    of AWS KMS encrypts it, or the server keeps the one of an object that came in parts.
    """
    etag = str(copied["CopyObjectResult"]["ETag"]).strip('"')
    if "-" in etag or "kms" in copied.get("ServerSideEncryption", ""):
        return True
    return etag == arrived.md5


def _grants(headers: httpx.Headers, origin: str, asked: str) -> bool:
    def listed(name: str) -> set[str]:
        return {word.strip().lower() for word in headers.get(name, "").split(",")}

    wanted = set(filter(None, asked.split(",")))
    names, methods = listed("access-control-allow-headers"), listed("access-control-allow-methods")
    return (
        headers.get("access-control-allow-origin") in ("*", origin)
        and not {"put", "*"}.isdisjoint(methods)
        and ("*" in names or wanted <= names)
    )

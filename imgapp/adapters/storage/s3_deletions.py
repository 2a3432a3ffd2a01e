"""S3 deletions: remove objects, and count as gone only what the server confirms (DeleteObjects)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from imgapp.adapters.storage.s3_errors import code_of

_NOT_UNDERSTOOD = frozenset({400, 405, 411, 501})
"""The request as such is refused: there are servers that know DeleteObject alone."""
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404"})


def delete_objects(client: Any, bucket: str, objects: Sequence[dict[str, str]]) -> None:
    """Remove up to 1,000 objects: their `Key`, with `VersionId` where one is meant.

    What the server does not say is gone is asked for once more, by itself. Raises ClientError for
    the first that stays.
    """
    for item in _left_by_one_request(client, bucket, objects):
        try:
            client.delete_object(Bucket=bucket, **item)
        except ClientError as error:
            if code_of(error) not in _GONE:
                raise


def _left_by_one_request(
    client: Any, bucket: str, objects: Sequence[dict[str, str]]
) -> list[dict[str, str]]:
    try:
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": list(objects)})
    except ClientError as error:
        if error.response["ResponseMetadata"].get("HTTPStatusCode") not in _NOT_UNDERSTOOD:
            raise
        return list(objects)
    gone = {(item.get("Key"), item.get("VersionId")) for item in answer.get("Deleted", [])}
    return [item for item in objects if (item["Key"], item.get("VersionId")) not in gone]


def carry_md5(client: Any) -> None:
    """Let DeleteObjects carry Content-MD5, which it needed for 15 years, instead of a CRC32.

    boto3 sends the latter since 1.36, and whatever is older than that (OpenStack Swift 2.35,
    for one) refuses it.
    """
    client.meta.events.register("before-call.s3.DeleteObjects", _replace_checksum)


def _replace_checksum(params: dict[str, Any], **_: object) -> None:
    digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()
    for name in ("request_algorithm", "request_algorithm_header"):
        params["context"].get("checksum", {}).pop(name, None)

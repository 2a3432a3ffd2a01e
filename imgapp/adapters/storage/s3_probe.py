"""The bucket probe: stores a file, asks as a stranger would, and says what is wrong (doctor)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from imgapp.adapters.storage.s3_errors import code_of, is_lasting, translated
from imgapp.errors import ImgappError, StoreMisconfigured


class Probe:
    """Tries a bucket out. `stranger` is a client that signs nothing; `options` are those with which
    files are stored."""

    def __init__(
        self,
        bucket: str,
        client: Any,
        stranger: Any,
        options: dict[str, str],
        *,
        exists: Callable[[str], bool],
        keeps_versions: Callable[[], bool],
        delete_prefix: Callable[[str], None],
    ) -> None:
        self.bucket = bucket
        self._client = client
        self._stranger = stranger
        self._options = options
        self._exists = exists
        self._keeps_versions = keeps_versions
        self._delete_prefix = delete_prefix
        self._translated = partial(translated, bucket)

    def try_out(self) -> None:
        """Store a file, read it and remove it.

        Raises StoreUnavailable; StoreMisconfigured if it is the options that are refused.
        """
        key = _probe_key()
        try:
            self._store_and_read(key)
        finally:
            # Whether that works as well is what `faults` says.
            with suppress(ImgappError):
                self._delete_prefix(key)

    def lists_for_strangers(self) -> bool:
        """Whether the bucket answers a list request that nobody signed."""
        try:
            self._stranger.list_objects_v2(Bucket=self.bucket, MaxKeys=1)
        except (BotoCoreError, ClientError):
            return False
        return True

    def faults(self) -> list[str]:
        """A sentence for each thing that is wrong once `check` passed; stores a file and removes
        it."""
        return [*self._try_out(), *self._exposures(), *self._leftovers()]

    def _try_out(self) -> Iterator[str]:
        key = _probe_key()
        try:
            self._store_and_read(key)
        except ImgappError as error:
            yield f"A file cannot be stored and read: {error.detail.rstrip('.')}"
            with suppress(ImgappError):
                self._delete_prefix(key)
            return
        if self._answers_strangers(key):
            yield f"Anyone can read what is in the bucket {self.bucket} without a signature"
        try:
            self._delete_prefix(key)
            why = "The server says that it is gone" if self._exists(key) else None
        except ImgappError as error:
            why = error.detail.rstrip(".")
        if why:
            yield f"A file cannot be deleted, so that what people delete for good stays: {why}"

    def _store_and_read(self, key: str) -> None:
        place = {"Bucket": self.bucket, "Key": key}
        with self._translated():
            try:
                self._client.put_object(**place, Body=b"imgapp", **self._options)
            except ClientError as error:
                if self._options and is_lasting(error) and self._takes_without(place):
                    raise self._options_refused(error) from error
                raise
            self._client.get_object(**place)["Body"].read()

    def _takes_without(self, place: dict[str, str]) -> bool:
        try:
            self._client.put_object(**place, Body=b"imgapp")
        except (BotoCoreError, ClientError):
            return False
        return True

    def _options_refused(self, error: ClientError) -> StoreMisconfigured:
        names = {"ServerSideEncryption": "IMGAPP_S3_SSE", "StorageClass": "IMGAPP_S3_STORAGE_CLASS"}
        asked = " and ".join(f"{names[name]}={x}" for name, x in self._options.items())
        return StoreMisconfigured(
            f"The bucket {self.bucket} refuses files with {asked} ({code_of(error)})."
        )

    def _exposures(self) -> Iterator[str]:
        if self.lists_for_strangers():
            yield f"The bucket {self.bucket} lists what is in it without a signature"
        with self._translated():
            wanted = {"Bucket": self.bucket, "Prefix": "users/", "MaxKeys": 20}
            known = self._client.list_objects_v2(**wanted).get("Contents", [])
            public = [item["Key"] for item in known if self._answers_strangers(item["Key"])]
        if public:
            yield f"{len(public)} of {len(known)} files looked at in {self.bucket} are public"

    def _leftovers(self) -> Iterator[str]:
        if self._keeps_versions():
            try:
                self._client.list_object_versions(Bucket=self.bucket, MaxKeys=1)
            except ClientError:
                yield (
                    f"The bucket {self.bucket} keeps versions, and the access key may not list "
                    "them: what people delete for good stays"
                )

    def _answers_strangers(self, key: str) -> bool:
        wanted = {"Bucket": self.bucket, "Key": key, "Range": "bytes=0-0"}
        try:
            self._stranger.get_object(**wanted)["Body"].close()
        except (BotoCoreError, ClientError):
            return False
        return True


def _probe_key() -> str:
    return f"users/imgapp-doctor/{uuid.uuid4()}/probe"

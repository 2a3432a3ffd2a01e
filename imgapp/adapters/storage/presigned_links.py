"""Presigned links: sign downloads, the same for a while, so that browsers cache them (S3 GET)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError

from imgapp.adapters.storage import Disposition

_QUANTUM = timedelta(minutes=30)


def sign_link(client: Any, url: str, expires_at: datetime) -> str:
    """Sign a GET with the client's credentials, as of the last half hour (Signature Version 4)."""
    credentials = client._request_signer._credentials
    if credentials is None:
        raise NoCredentialsError
    signed_at = _round_down(datetime.now(UTC))
    region = client.meta.region_name
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


def content_disposition(disposition: Disposition, filename: str) -> str:
    """The header (RFC 6266) that names a file, whatever characters its name has."""
    return f"{disposition}; filename*=UTF-8''{quote(filename, safe='')}"


class _SignedAt(S3SigV4QueryAuth):
    """Signs as of a given time instead of now."""

    signed_at: datetime

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self.signed_at.strftime("%Y%m%dT%H%M%SZ")
        super()._modify_request_before_signing(request)  # type: ignore[misc]


def _round_down(time: datetime) -> datetime:
    return datetime.fromtimestamp(time.timestamp() // _QUANTUM.seconds * _QUANTUM.seconds, UTC)

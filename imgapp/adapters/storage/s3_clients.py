"""S3 clients: make boto3's, configured by its own variables, for any compatible server."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from imgapp.adapters.storage.s3_deletions import carry_md5


def make_client(endpoint: str | None = None, **options: Any) -> Any:
    """A client of this endpoint, or of the one that the environment names; threads may share it."""
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
    if not host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        path_style = config.merge(Config(s3={"addressing_style": "path"}))
        client = session.client("s3", endpoint_url=endpoint, config=path_style)
    carry_md5(client)
    return client

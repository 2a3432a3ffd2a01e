"""S3 errors: translate boto3's into imgapp's own, with a sentence that names what to look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
)

from imgapp.errors import ImgappError, NotFound, StoreMisconfigured, StoreUnavailable


@contextmanager
def translated(bucket: str) -> Iterator[None]:
    """Raises NotFound, StoreUnavailable, and StoreMisconfigured where waiting does not help."""
    try:
        yield
    except ClientError as error:
        raise refusal(code_of(error), bucket) from error
    except (BotoCoreError, Boto3Error, ValueError) as error:
        # The transfer of a file in parts hides what was wrong.
        if isinstance(error.__context__, ClientError):
            raise refusal(code_of(error.__context__), bucket) from error
        raise _failure(error, bucket) from error
    except OSError as error:
        raise StoreUnavailable(f"The picture store failed: {error.strerror}.") from error


def code_of(error: ClientError) -> str:
    """The server's own code (Amazon S3 API reference, "Error responses")."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_lasting(error: ClientError) -> bool:
    """Whether the request as such is refused, and would be again."""
    status = int(error.response["ResponseMetadata"].get("HTTPStatusCode", 500))
    return (status < 500 or status == 501) and code_of(error) not in _PASSING


def refusal(code: str, bucket: str) -> ImgappError:
    """What the server refused, in a sentence."""
    if code in ("NoSuchKey", "404"):
        return NotFound("The file is not in the store.")
    if code in _LASTING:
        return StoreMisconfigured(_LASTING[code].format(bucket=bucket))
    return StoreUnavailable(_PASSING.get(code, f"S3 refused: {code}."))


def _failure(error: Exception, bucket: str) -> StoreUnavailable:
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return StoreMisconfigured(
            "S3 credentials are missing: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    if isinstance(error, NoRegionError):
        return StoreMisconfigured("The S3 region is missing: set AWS_REGION.")
    if isinstance(error, ParamValidationError):
        return StoreMisconfigured(f"The bucket name {bucket!r} is not valid: see IMGAPP_S3_BUCKET.")
    if isinstance(error, EndpointConnectionError):
        return StoreUnavailable(
            "The S3 endpoint does not answer: see AWS_ENDPOINT_URL_S3 and AWS_REGION."
        )
    if isinstance(error, ValueError):
        return StoreMisconfigured("The S3 endpoint is not a URL: see AWS_ENDPOINT_URL_S3.")
    return StoreUnavailable(f"The S3 endpoint failed: {type(error).__name__}.")


_LASTING = {
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
    "InvalidStorageClass": "S3 does not know the storage class: see IMGAPP_S3_STORAGE_CLASS.",
    "InvalidEncryptionAlgorithmError": "S3 does not know the encryption: see IMGAPP_S3_SSE.",
    "InvalidObjectState": "The files in {bucket} are archived: see IMGAPP_S3_STORAGE_CLASS.",
    "NotImplemented": "The S3 server cannot do what IMGAPP_S3_SSE or IMGAPP_S3_STORAGE_CLASS asks.",
}
_PASSING = {
    "RequestTimeTooSkewed": "This machine's clock is wrong: S3 refuses its signatures.",
    "SlowDown": "S3 asks to slow down.",
}

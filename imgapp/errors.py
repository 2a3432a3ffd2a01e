"""Exceptions: every one that imgapp raises on purpose, as a tree.

    ImgappError
    ├── ConfigurationError            a setting or a server is not usable; stops the start
    ├── InvalidRequest                400: a parameter, cursor or body that cannot be used
    ├── NotSignedIn                   401: no valid session or token
    │   └── SignInRefused             single sign-on did not end in a session; `code` says why
    ├── Forbidden                     403: signed in, but not allowed (scope, origin, role)
    ├── NotFound                      404: missing, or somebody else's: the two look alike
    ├── Conflict                      409: clashes with what is stored
    ├── PreconditionFailed            412: it changed since the caller read it
    ├── RateLimited                   429: too many requests; carries `retry_after`
    ├── RejectedFile                  422: this file cannot become a picture
    │   ├── EmptyFile
    │   ├── NotAnImage
    │   ├── UnsupportedFormat
    │   ├── DamagedImage
    │   ├── TooManyPixels
    │   ├── TooComplex                decoding took too long or too much memory
    │   ├── QuotaExceeded             507: the person stores as much as they may
    │   └── FileTooLarge              413 when it is the whole request
    ├── ServiceUnavailable            503: a dependency does not answer
    │   ├── DatabaseUnavailable
    │   ├── QueueUnavailable
    │   ├── StoreUnavailable
    │   │   └── StoreMisconfigured    wrong bucket, key, region or endpoint: waiting does not help
    │   └── ProviderUnavailable       the single sign-on provider
    ├── DescriberError                a picture was not described
    │   ├── TransientDescriberError   worth another attempt; may carry `retry_after`
    │   │   └── AnswerOverdue         nobody waits any more; an answer is paid for when it comes
    │   └── PermanentDescriberError   another attempt would end the same way
    ├── OutboundError                 422: another server, which a person named, was of no use
    │   ├── OutboundRefused           that URL or its address is not asked
    │   └── OutboundFailed            no answer, or not one that helps; says whether that lasts
    ├── LeaseLost                     another worker has this picture now, or nobody may
    └── ShuttingDown                  this worker is ending; the picture goes back to the queue

Adapters translate vendor exceptions into these, services raise them, and each shell (page, API,
command line, worker) turns them into its own kind of answer in one place.
"""

from __future__ import annotations

from typing import ClassVar


class ImgappError(Exception):
    """The root. `code` is stable and meant for programs, `detail` is a sentence for people."""

    status: ClassVar[int] = 500
    code: str = "internal_error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str = "", *, code: str | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        if code is not None:
            self.code = code


class ConfigurationError(ImgappError):
    code = "configuration_error"
    title = "imgapp is not configured correctly"


class InvalidRequest(ImgappError):
    status = 400
    code = "invalid_request"
    title = "The request cannot be used"


class NotSignedIn(ImgappError):
    status = 401
    code = "not_signed_in"
    title = "Sign in first"


class SignInRefused(NotSignedIn):
    """`reason` is for the log and the audit trail, never for the person who signs in."""

    code = "sign_in_refused"
    title = "The sign-in was refused"

    def __init__(self, detail: str = "", *, code: str | None = None, reason: str = "") -> None:
        super().__init__(detail, code=code)
        self.reason = reason


class Forbidden(ImgappError):
    status = 403
    code = "forbidden"
    title = "Not allowed"


class NotFound(ImgappError):
    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(ImgappError):
    status = 409
    code = "conflict"
    title = "Conflicts with what is stored"


class PreconditionFailed(ImgappError):
    # RFC 9110, 13.1.1: If-Match
    status = 412
    code = "precondition_failed"
    title = "It was changed in the meantime: read it again"


class RateLimited(ImgappError):
    """`retry_after` is in seconds; `limit` is its name, how many, and per how many seconds."""

    status = 429
    code = "rate_limited"
    title = "Too many requests"

    def __init__(
        self,
        detail: str = "",
        *,
        retry_after: float = 1.0,
        limit: tuple[str, int, float] | None = None,
    ) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.limit = limit


class RejectedFile(ImgappError):
    status = 422
    code = "rejected"
    title = "The file was not accepted"


class EmptyFile(RejectedFile):
    code = "empty_file"
    title = "The file is empty"


class NotAnImage(RejectedFile):
    code = "not_an_image"
    title = "The file is not an image"


class UnsupportedFormat(RejectedFile):
    code = "unsupported_format"
    title = "This image format is not supported"


class DamagedImage(RejectedFile):
    code = "damaged"
    title = "The image is damaged"


class TooManyPixels(RejectedFile):
    code = "too_many_pixels"
    title = "The image has too many pixels"


class TooComplex(RejectedFile):
    code = "too_complex"
    title = "The image takes too long or too much memory to open"


class QuotaExceeded(RejectedFile):
    # RFC 4918, 11.5: and the client does not try again by itself.
    status = 507
    code = "quota_exceeded"
    title = "There is no room for another picture"


class FileTooLarge(RejectedFile):
    code = "too_large"
    title = "The file is too large"


class ServiceUnavailable(ImgappError):
    status = 503
    code = "unavailable"
    title = "A service that imgapp needs does not answer"


class DatabaseUnavailable(ServiceUnavailable):
    code = "database_unavailable"
    title = "The database does not answer"


class QueueUnavailable(ServiceUnavailable):
    code = "queue_unavailable"
    title = "Redis does not answer"


class StoreUnavailable(ServiceUnavailable):
    code = "store_unavailable"
    title = "The picture store does not answer"


class StoreMisconfigured(StoreUnavailable):
    title = "The picture store is not configured correctly"


class ProviderUnavailable(ServiceUnavailable):
    code = "provider_unavailable"
    title = "The sign-in provider does not answer"


class DescriberError(ImgappError):
    """A failed answer may have cost something too: what the server reported, or None."""

    code = "describer_error"
    title = "The picture was not described"
    model_version: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    said: str | None = None
    """What the server said, shortened and without keys: for administrators alone."""


class TransientDescriberError(DescriberError):
    """`retry_after` is what the provider asked for, in seconds, or None."""

    code = "model_unavailable"
    title = "The vision model did not answer"

    def __init__(
        self, detail: str = "", *, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(detail, code=code)
        self.retry_after = retry_after


class AnswerOverdue(TransientDescriberError):
    """The call goes on without the caller: what it costs is not known yet."""

    code = "model_timeout"
    title = "The vision model did not answer in time"


class PermanentDescriberError(DescriberError):
    code = "model_refused"
    title = "The vision model refused the picture"


class OutboundError(ImgappError):
    status = 422
    code = "outbound_failed"
    title = "The other server was of no use"


class OutboundRefused(OutboundError):
    code = "address_not_allowed"
    title = "This address is not reached from here"


class OutboundFailed(OutboundError):
    """`lasts`: trying again is of no use. `http_status` is what the server answered, if anything,
    `retry_after` the seconds that it asked for."""

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        lasts: bool = True,
        http_status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail, code=code)
        self.lasts, self.http_status, self.retry_after = lasts, http_status, retry_after


class LeaseLost(ImgappError):
    code = "lease_lost"
    title = "Another worker has taken this picture"


class ShuttingDown(ImgappError):
    code = "shutting_down"
    title = "The worker is shutting down"

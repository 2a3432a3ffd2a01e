"""Multipart bodies: parse their files to the spool, piece by piece (RFC 7578)."""

from __future__ import annotations

from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from imgapp.errors import FileTooLarge, InvalidRequest
from imgapp.services.storage.spool import SpooledFile, SpoolWriter

FIELD = "files"
MAX_FILES = 100
_MAX_PARTS = 2 * MAX_FILES
_MAX_HEADER_BYTES = 64 * 1024


@dataclass(frozen=True)
class TooLarge:
    """A file that was not kept."""

    filename: str
    detail: str


class FilesReader:
    """Feed it the body; then `files` are the parts named `files`, in order.

    Its methods block on the disk: call them off the event loop.
    """

    def __init__(self, content_type: str | None) -> None:
        media_type, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if media_type != b"multipart/form-data" or not boundary:
            raise InvalidRequest(
                f"Send multipart/form-data with one or more parts named `{FIELD}`."
            )
        self.files: list[SpooledFile | TooLarge] = []
        self._writer: SpoolWriter | None = None
        self._filename = ""
        self._parts = 0
        self._ended = False
        self._header_name, self._header_value = b"", b""
        self._disposition = b""
        try:
            self._parser = MultipartParser(
                boundary,
                self._callbacks(),  # type: ignore[arg-type]
                max_header_size=_MAX_HEADER_BYTES,
            )
        except FormParserError as error:
            raise InvalidRequest("The boundary of the body is not valid.") from error

    def feed(self, data: bytes) -> None:
        """Take the next piece. Raises InvalidRequest, StoreUnavailable."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise InvalidRequest("The body is not valid multipart/form-data.") from error

    def finish(self) -> None:
        """Check that the body was whole and held a file. Raises InvalidRequest."""
        if not self._ended:
            raise InvalidRequest("The body ends before its last boundary.")
        if not self.files:
            raise InvalidRequest(f"The body has no part named `{FIELD}`.")

    def discard(self) -> None:
        """Remove from the spool what nobody took."""
        if self._writer is not None:
            self._writer.discard()
            self._writer = None
        for file in self.files:
            if isinstance(file, SpooledFile):
                file.path.unlink(missing_ok=True)

    def _callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._extend_header_name,
            "on_header_value": self._extend_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_file,
            "on_part_data": self._write,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise InvalidRequest("The body has too many parts.")
        self._disposition = b""

    def _extend_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _extend_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name, self._header_value = b"", b""

    def _begin_file(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != FIELD.encode():
            return
        if len(self.files) == MAX_FILES:
            raise InvalidRequest(f"At most {MAX_FILES} files fit into one request.")
        self._filename = _file_name(options.get(b"filename", b""))
        self._writer = SpoolWriter(self._filename)

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._writer is None:
            return
        try:
            self._writer.write(data[start:end])
        except FileTooLarge as error:
            # The rest of this part is read and dropped; the other files go on.
            self._writer.discard()
            self._writer = None
            self.files.append(TooLarge(self._filename, error.detail))

    def _end_part(self) -> None:
        if self._writer is not None:
            self.files.append(self._writer.finish())
            self._writer = None

    def _end(self) -> None:
        self._ended = True


def _file_name(raw: bytes) -> str:
    """Browsers write UTF-8, and three characters as percent codes (HTML, "multipart/form-data")."""
    name = raw.decode("utf-8", errors="replace")
    return name.replace("%22", '"').replace("%0D", " ").replace("%0A", " ")

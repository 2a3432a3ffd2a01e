"""GGUF headers: tell what a model's file is before llama.cpp opens it (bounded parser).

The format is ggml's, docs/gguf.md, versions 2 and 3, little-endian. The `gguf` package reads it
too, but maps the whole file, takes counts as they are told, and keeps every word of a vocabulary.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from imgapp.errors import InvalidRequest

_MAGIC = b"GGUF"
_STRING, _ARRAY = 8, 9
_FORMATS = {**dict(enumerate("BbHhIif?")), 10: "Q", 11: "q", 12: "d"}
_MOST_ENTRIES = 100_000
_MOST_ELEMENTS = 4_000_000
_LONGEST_STRING = 1_000_000
_LONGEST_HEADER = 256_000_000
_MOST_DIMENSIONS = 8
_ALIGNMENT, _PARTS = "general.alignment", "split.count"
_KEPT = (
    "general.architecture",
    "general.name",
    "clip.has_vision_encoder",
    _ALIGNMENT,
    _PARTS,
)


@dataclass(frozen=True)
class GgufHeader:
    """What the header says; `architecture` is `clip` for a projector."""

    architecture: str
    name: str
    sees: bool
    tensors: int

    @property
    def is_projector(self) -> bool:
        return self.architecture == "clip"


def read_header(path: Path) -> GgufHeader:
    """Read a file's header. Raises InvalidRequest (`not_a_model`) with what is wrong with it."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _read(_Reader(file), size, path.name)
    except FileNotFoundError:
        raise _refused(f"There is no file {path}.") from None
    except (IsADirectoryError, PermissionError) as error:
        raise _refused(f"{path} cannot be read ({error.strerror}).") from None


class _Reader:
    """Numbers and strings from a file, never more than a header has."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.position = 0

    def take(self, count: int) -> bytes:
        self.position += count
        data = self._file.read(count) if self.position <= _LONGEST_HEADER else b""
        if len(data) != count:
            raise EOFError
        return data

    def number(self, form: str) -> Any:
        form = f"<{form}"
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def count(self, most: int) -> int:
        counted: int = self.number("Q")
        if counted > most:
            raise EOFError
        return counted

    def string(self) -> str:
        return self.take(self.count(_LONGEST_STRING)).decode("utf-8", "replace")

    def value(self, kind: int) -> object:
        """A value, or None for an array: nothing that is kept is one."""
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            self._skip_array()
            return None
        return self.number(_form(kind))

    def _skip_array(self) -> None:
        kind, length = self.number("I"), self.count(_MOST_ELEMENTS)
        if kind == _STRING:
            for _ in range(length):
                self.take(self.count(_LONGEST_STRING))
        else:  # there are no arrays of arrays
            self.take(length * struct.calcsize(_form(kind)))


def _form(kind: int) -> str:
    if kind not in _FORMATS:
        raise EOFError
    return _FORMATS[kind]


def _read(reader: _Reader, size: int, name: str) -> GgufHeader:
    try:
        if reader.take(4) != _MAGIC:
            raise _refused(f"{name} is no model: it is not in the format GGUF.")
        if (version := reader.number("I")) not in (2, 3):
            raise _refused(f"{name} is GGUF of version {version}; llama.cpp reads 2 and 3.")
        tensors, entries = reader.count(_MOST_ENTRIES), reader.count(_MOST_ENTRIES)
        kept: dict[str, object] = {}
        for _ in range(entries):
            key, value = reader.string(), reader.value(reader.number("I"))
            if key in _KEPT:
                kept[key] = value
        furthest = _furthest_tensor(reader, tensors)
    except EOFError:
        raise _refused(f"{name} is not whole: its header ends too early.") from None
    parts = kept.get(_PARTS, 1)
    if isinstance(parts, int) and parts > 1:
        raise _refused(f"{name} is one of {parts} parts: join them with llama-gguf-split --merge.")
    alignment = kept.get(_ALIGNMENT, 32)
    data = (
        -(-reader.position // alignment) * alignment
        if isinstance(alignment, int) and alignment
        else 0
    )
    if tensors and data + furthest >= size:
        raise _refused(
            f"{name} is not whole: {size:,} bytes are too few for what its header lists."
        )
    architecture = kept.get("general.architecture")
    if not isinstance(architecture, str) or not tensors:
        raise _refused(f"{name} is GGUF, but there is no model in it.")
    sees = bool(kept.get("clip.has_vision_encoder"))
    return GgufHeader(architecture, str(kept.get("general.name") or ""), sees, tensors)


def _furthest_tensor(reader: _Reader, tensors: int) -> int:
    """Where the last tensor begins, in bytes after the header."""
    furthest = 0
    for _ in range(tensors):
        reader.string()
        dimensions = reader.number("I")
        if dimensions > _MOST_DIMENSIONS:
            raise EOFError
        reader.take(8 * dimensions + 4)
        begins: int = reader.number("Q")
        furthest = max(furthest, begins)
    return furthest


def _refused(sentence: str) -> InvalidRequest:
    return InvalidRequest(sentence, code="not_a_model")

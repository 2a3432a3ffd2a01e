"""A hub of models that is real HTTP, with one small model whose files are just bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from imgapp.adapters.model_runtime.catalogue import CatalogueModel, HubFile
from tests.support.receivers import Answer, Received, Receiver, receiving

MODEL = b"GGUF" + bytes(range(256)) * 1200
PROJECTOR = b"GGUF" + b"projector" * 5000


def file_of(name: str, content: bytes) -> HubFile:
    return HubFile(name, len(content), hashlib.sha256(content).hexdigest())


CHOSEN = CatalogueModel(
    name="small-1",
    title="Small 1",
    repository="people/Small-GGUF",
    revision="0123abcd",
    license="Apache-2.0",
    languages="English",
    about="",
    model=file_of("small.gguf", MODEL),
    projector=file_of("mmproj-small.gguf", PROJECTOR),
)


@contextmanager
def model_hub() -> Iterator[Receiver]:
    """A hub as the public one is: a file's address leads to another, which takes ranges."""
    with receiving() as receiver:
        receiver.answer = usual_answer
        yield receiver


def usual_answer(request: Received) -> Answer:
    base, _, name = request.path.rpartition("/")
    if base == "/people/Small-GGUF/resolve/0123abcd":
        return 302, {"Location": f"/cdn/{name}?signature={'x' * 3000}"}, b""
    return ranged(request, MODEL if name.startswith("small.gguf") else PROJECTOR)


def ranged(request: Received, content: bytes) -> Answer:
    if (wanted := request.headers.get("range")) is None:
        return 200, {}, content
    begin = int(wanted.removeprefix("bytes=").rstrip("-"))
    if begin >= len(content):
        return 416, {"Content-Range": f"bytes */{len(content)}"}, b""
    said = f"bytes {begin}-{len(content) - 1}/{len(content)}"
    return 206, {"Content-Range": said}, content[begin:]

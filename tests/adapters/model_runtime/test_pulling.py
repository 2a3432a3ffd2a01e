"""Pulling models from a hub that is real HTTP, and means well or not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from imgapp.adapters.model_runtime import model_folder, pulling
from imgapp.adapters.model_runtime.catalogue import CATALOGUE, CatalogueModel
from imgapp.adapters.model_runtime.model_folder import ModelFolder
from imgapp.adapters.model_runtime.pulling import PullProgress, discard, progress, pull
from imgapp.errors import Conflict, ImgappError, OutboundFailed, OutboundRefused, ServiceUnavailable
from tests.support.model_hub import (
    CHOSEN,
    MODEL,
    PROJECTOR,
    model_hub,
    ranged,
    usual_answer,
)
from tests.support.receivers import Answer, Receiver, speaking
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def allowed(set_env: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    set_env(IMGAPP_OUTBOUND_NETWORKS="127.0.0.1/32")
    monkeypatch.setattr(pulling, "_FIRST_PAUSE", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    return ModelFolder(tmp_path / "models")


@pytest.fixture
def hub() -> Iterator[Receiver]:
    with model_hub() as running:
        yield running


def failure_of(folder: ModelFolder, hub: str, chosen: CatalogueModel = CHOSEN) -> OutboundFailed:
    with pytest.raises(OutboundFailed) as failed:
        pull(folder, chosen, hub)
    assert folder.installed() == []
    return failed.value


def test_a_model_comes_whole_and_checked(folder: ModelFolder, hub: Receiver) -> None:
    told: list[PullProgress] = []
    got = pull(folder, CHOSEN, hub.url, told.append)
    assert got.model.read_bytes() == MODEL
    assert got.projector is not None
    assert got.projector.read_bytes() == PROJECTOR
    assert (got.title, got.license, got.source) == ("Small 1", "Apache-2.0", CHOSEN.source)
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert told[-1] == PullProgress(CHOSEN.size, CHOSEN.size, checking=True)
    with pytest.raises(Conflict) as there:
        pull(folder, CHOSEN, hub.url)
    assert there.value.code == "model_exists"


def test_it_goes_on_where_it_was_after_a_kill(
    folder: ModelFolder, tmp_path: Path, hub: Receiver
) -> None:
    """The process that pulls is killed in the middle of the file."""
    half = len(MODEL) // 2

    def stalls(connection: socket.socket) -> None:
        connection.recv(65536)
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(MODEL)}\r\n\r\n"
        connection.sendall(head.encode() + MODEL[:half])
        connection.recv(1)

    with speaking(stalls) as url:
        program = (
            "import sys; from pathlib import Path;"
            "from tests.support.model_hub import CHOSEN;"
            "from imgapp.adapters.model_runtime.pulling import pull;"
            "from imgapp.adapters.model_runtime.model_folder import ModelFolder;"
            "pull(ModelFolder(Path(sys.argv[1])), CHOSEN, sys.argv[2])"
        )
        command = [sys.executable, "-c", program, str(folder.path), url]
        process = subprocess.Popen(command, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        try:
            eventually(lambda: (found := progress(folder, CHOSEN)) and found.done > half // 2)
            with pytest.raises(Conflict) as busy:
                pull(folder, CHOSEN, url)
            assert busy.value.code == "model_busy"
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert folder.installed() == []
    come = progress(folder, CHOSEN)
    assert come is not None
    assert pull(folder, CHOSEN, hub.url).model.read_bytes() == MODEL
    first = next(request for request in hub.requests if "small.gguf" in request.path)
    assert first.headers["range"] == f"bytes={come.done}-"


def test_a_connection_that_breaks_again_and_again_is_gone_on_with(folder: ModelFolder) -> None:
    """Each connection brings a part, and ends before the length that it told."""

    def talk(connection: socket.socket) -> None:
        request = connection.recv(65536).decode()
        content = PROJECTOR if "mmproj" in request else MODEL
        begin = 0
        for line in request.splitlines():
            if line.lower().startswith("range: bytes="):
                begin = int(line.partition("=")[2].rstrip("-"))
        status = "206 Partial Content" if begin else "200 OK"
        head = (
            f"HTTP/1.1 {status}\r\nContent-Length: {len(content) - begin}\r\n"
            f"Content-Range: bytes {begin}-{len(content) - 1}/{len(content)}\r\n\r\n"
        )
        connection.sendall(head.encode() + content[begin : begin + 70_000])

    with speaking(talk) as url:
        assert pull(folder, CHOSEN, url).model.read_bytes() == MODEL


def test_a_server_without_ranges_sends_it_all_again(folder: ModelFolder, hub: Receiver) -> None:
    making = folder.making(CHOSEN.name)
    making.mkdir(parents=True)
    (making / "model.gguf.part").write_bytes(b"GGUF of before")
    hub.answer = lambda request: (200, {}, PROJECTOR if "mmproj" in request.path else MODEL)
    assert pull(folder, CHOSEN, hub.url).model.read_bytes() == MODEL


def test_another_file_than_the_listed_one_is_thrown_away(
    folder: ModelFolder, hub: Receiver
) -> None:
    hub.answer = lambda request: ranged(request, MODEL[:-1] + b"?")
    error = failure_of(folder, hub.url)
    assert error.code == "wrong_file"
    assert "SHA-256" in error.detail
    assert not list(folder.making(CHOSEN.name).glob("model*"))
    hub.answer = usual_answer
    assert pull(folder, CHOSEN, hub.url).model.read_bytes() == MODEL


PAGE = b"<!doctype html><title>Sign in</title>" + b" " * len(MODEL)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ((404, {}, b"no"), "http_error", "answered 404"),
        ((401, {}, b"no"), "http_error", "answered 401"),
        ((200, {"Content-Type": "text/html"}, PAGE[:2000]), "wrong_file", "is no model"),
        ((200, {}, MODEL + b"and more"), "too_large", "is larger than"),
        ((200, {}, b""), "bad_answer", "too early"),
        ((416, {}, b""), "http_error", "answered 416"),
        ((302, {"Location": "http://127.0.0.2/x"}, b""), "address_not_allowed", "not public"),
    ],
)
def test_a_server_that_has_no_such_file_is_named(
    folder: ModelFolder, hub: Receiver, answer: Answer, code: str, said: str
) -> None:
    hub.answer = lambda _: answer
    with pytest.raises((OutboundFailed, OutboundRefused), match=said) as failed:
        pull(folder, CHOSEN, hub.url)
    assert failed.value.code == code
    assert folder.installed() == []


def test_a_server_that_sends_more_than_it_said_is_cut_off(folder: ModelFolder) -> None:
    """Without a length, pages without end: what is over the listed size is never written."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + MODEL)
        with suppress(OSError):
            while True:
                connection.sendall(b"more" * 10_000)

    with speaking(talk) as url:
        assert failure_of(folder, url).code == "too_large"
    assert sum(path.stat().st_size for path in folder.making(CHOSEN.name).iterdir()) == 0


def test_a_server_that_falls_silent_is_left(
    folder: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imgapp.adapters.outbound_http.SILENCE_SECONDS", 0.2)
    silent = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
        silent.wait(60)

    with speaking(talk) as url:
        error = failure_of(folder, url)
        silent.set()
    assert error.code == "timeout"


def test_a_full_disk_is_a_sentence_before_and_while_it_fills(
    folder: ModelFolder, hub: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal() -> str:
        with pytest.raises(ServiceUnavailable, match="too little room") as full:
            pull(folder, CHOSEN, hub.url)
        return full.value.code

    with monkeypatch.context() as patch:
        patch.setattr(model_folder, "KEPT_FREE", 2**60)
        assert refusal() == "disk_full"
        assert hub.requests == []
    # What is written there ends as on a full disk.
    making = folder.making(CHOSEN.name)
    (making / "model.gguf.part").symlink_to("/dev/full")
    assert refusal() == "disk_full"
    (making / "model.gguf.part").unlink()
    assert pull(folder, CHOSEN, hub.url).model.read_bytes() == MODEL


def test_what_has_come_can_be_thrown_away(folder: ModelFolder, hub: Receiver) -> None:
    hub.answer = lambda _: (404, {}, b"")
    failure_of(folder, hub.url)
    assert progress(folder, CHOSEN) == PullProgress(0, CHOSEN.size)
    discard(folder, CHOSEN)
    assert progress(folder, CHOSEN) is None


def test_the_catalogue_holds_together() -> None:
    assert len({model.name for model in CATALOGUE}) == len(CATALOGUE)
    assert [model.size for model in CATALOGUE] == sorted(model.size for model in CATALOGUE)
    for model in CATALOGUE:
        assert model_folder.is_name(model.name)
        assert len(model.revision) == 40
        assert int(model.revision, 16)
        for file in (model.model, model.projector):
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.name.endswith(".gguf")
    with pytest.raises(ImgappError):
        pull(ModelFolder(Path("/nonexistent/x")), replace(CHOSEN, name="../x"), "http://127.0.0.1")

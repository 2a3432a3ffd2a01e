"""The server of a model: real llama.cpp, with tiny models that the tests make."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image

from imgapp.adapters.model_runtime import runtime as runtime_module
from imgapp.adapters.model_runtime.model_folder import InstalledModel, ModelFolder
from imgapp.adapters.model_runtime.runtime import Endpoint, ModelRuntime, missing_runtime
from imgapp.adapters.vision import Picture, Question, Server
from imgapp.adapters.vision.openai import OpenAIDescriber
from imgapp.errors import DescriberError, PermanentDescriberError, TransientDescriberError
from tests.support.pictures import picture
from tests.support.tiny_model import SENTENCES, tiny_model
from tests.support.waiting import eventually

ASK = Question("Say what is in the picture, as JSON.", "test")


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    return ModelFolder(tmp_path / "models")


@pytest.fixture
def model(folder: ModelFolder, tmp_path: Path) -> InstalledModel:
    files = tiny_model(tmp_path, vision=True)
    assert files.projector is not None
    return folder.add(files.model, files.projector, "tiny")


@pytest.fixture
def made(folder: ModelFolder) -> Iterator[Callable[..., ModelRuntime]]:
    """Runtimes, all of one machine, whose servers end with the test."""
    models: list[Path] = []

    def make(model: InstalledModel, **options: Any) -> ModelRuntime:
        models.append(model.model.parent)
        return ModelRuntime(folder.path / ".run" / model.name, model, threads=1, **options)

    yield make
    for path in models:
        if path.exists():
            path.rename(path.with_name(f".gone-{path.name}"))
    eventually(lambda: not servers_of(folder))


def servers_of(folder: ModelFolder) -> list[psutil.Process]:
    """Processes that run a model of this folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        try:
            if (process.info["cmdline"] or [""])[-1].endswith("model_runtime.child"):
                job = process.environ().get("IMGAPP_MODEL_JOB", "")
                if str(folder.path) in job and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        except psutil.Error:
            continue
    return found


def failure_of(runtime: ModelRuntime) -> DescriberError:
    with pytest.raises(DescriberError) as failed, runtime.lease():
        pass
    return failed.value


def answers(endpoint: Endpoint) -> bool:
    headers = {"Authorization": f"Bearer {endpoint.api_key}"}
    return httpx.get(f"{endpoint.base_url}/models", headers=headers).status_code == 200


def say(endpoint: Endpoint, image: Image.Image) -> str:
    """What imgapp's describer is told."""
    data = io.BytesIO()
    image.save(data, "JPEG")
    describer = OpenAIDescriber(Server(endpoint.base_url, endpoint.api_key), endpoint.model)
    told = describer.describe(Picture(data.getvalue(), *image.size), ASK)
    assert told.model_version == "tiny"
    assert told.input_tokens is not None
    return told.alt_text or ""


def test_the_describer_sees_with_it(
    model: InstalledModel, made: Callable[..., ModelRuntime]
) -> None:
    with made(model).lease() as endpoint:
        assert endpoint.base_url.startswith("http://127.0.0.1:")
        said = [say(endpoint, image) for image in (picture(1), picture(2))]
    for text in said:
        assert any(text.strip(" .").lower() in sentence for sentence in SENTENCES)


def test_it_is_for_those_with_the_key_only(
    model: InstalledModel, made: Callable[..., ModelRuntime], folder: ModelFolder
) -> None:
    runtime = made(model)
    with runtime.lease() as endpoint:
        assert answers(endpoint)
        for key in ("", "Bearer none"):
            given = {"Authorization": key} if key else {}
            for path in ("/models", "/chat/completions", "/../props", "/../slots"):
                url = f"{endpoint.base_url}{path}"
                assert httpx.post(url, headers=given, json={}).status_code in (401, 404)
        (server,) = servers_of(folder)
        assert endpoint.api_key not in " ".join(server.cmdline())
        assert {listener.laddr.ip for listener in server.net_connections()} == {"127.0.0.1"}
        assert not [name for name in server.environ() if name.startswith(("OPENAI", "DATABASE"))]
        assert runtime.state.stat().st_mode & 0o077 == 0
        assert server.nice() >= 10
        autogroup = Path(f"/proc/{server.pid}/autogroup")
        assert not autogroup.exists() or "nice 10\n" in autogroup.read_text()
        assert server.environ()["OMP_WAIT_POLICY"] == "PASSIVE"


def test_all_share_one_server_and_it_ends_when_nobody_uses_it(
    model: InstalledModel, made: Callable[..., ModelRuntime], folder: ModelFolder
) -> None:
    seen: list[Endpoint] = []
    together = threading.Barrier(4)

    def use() -> None:
        with made(model, idle_seconds=0.3).lease() as endpoint:
            seen.append(endpoint)
            together.wait(60)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1
    eventually(lambda: not servers_of(folder))
    eventually(lambda: not made(model).is_running())
    with made(model).lease() as endpoint:
        assert answers(endpoint)
        assert endpoint not in seen


USER = """
import sys
from pathlib import Path
from imgapp.adapters.model_runtime.model_folder import ModelFolder
from imgapp.adapters.model_runtime.runtime import ModelRuntime
folder = ModelFolder(Path(sys.argv[1]))
with ModelRuntime(folder.path / ".run" / "tiny", folder.get("tiny"), threads=1).lease() as endpoint:
    print(endpoint.base_url, flush=True)
    sys.stdin.read()
"""


def test_processes_share_it_and_take_it_over_when_its_owner_is_killed(
    model: InstalledModel, made: Callable[..., ModelRuntime], folder: ModelFolder
) -> None:
    command = [sys.executable, "-c", USER, str(folder.path)]
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(2)
        )
        addresses = {process.stdout.readline() for process in (first, second) if process.stdout}
        assert len(addresses) == 1
        (server,) = servers_of(folder)
        owner = server.ppid()
        assert owner in (first.pid, second.pid)
        os.kill(owner, signal.SIGKILL)
        eventually(lambda: server not in servers_of(folder))
        with made(model).lease() as endpoint:
            assert answers(endpoint)
            assert f"{endpoint.base_url}\n" not in addresses
            assert servers_of(folder)[0].ppid() == os.getpid()


def test_a_server_that_dies_comes_again_after_a_pause_that_grows(
    model: InstalledModel,
    made: Callable[..., ModelRuntime],
    folder: ModelFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime, pauses = made(model), []
    monkeypatch.setattr(runtime_module, "_FIRST_PAUSE", 100.0)
    for _ in range(3):
        with runtime.lease():
            servers_of(folder)[0].kill()
            eventually(lambda: not runtime.is_running())
        error = failure_of(runtime)
        assert isinstance(error, TransientDescriberError)
        assert error.code == "model_not_running"
        assert "killed" in error.detail
        assert error.retry_after is not None
        pauses.append(error.retry_after)
        # As if so much time had passed.
        noted = json.loads(runtime.failure.read_text()) | {"not_before": 0}
        runtime.failure.write_text(json.dumps(noted))
    assert pauses[0] <= 100 < pauses[1] <= 200 < pauses[2] <= 300
    with runtime.lease() as endpoint:
        assert answers(endpoint)


def test_a_projector_of_another_model_is_named_and_not_tried_again(
    folder: ModelFolder, made: Callable[..., ModelRuntime], tmp_path: Path
) -> None:
    files, other = (
        tiny_model(tmp_path, vision=True, name=f"w{width}", width=width) for width in (64, 96)
    )
    assert other.projector is not None
    runtime = made(folder.add(files.model, other.projector, "misfit"))
    error = failure_of(runtime)
    assert isinstance(error, PermanentDescriberError)
    assert error.code == "model_unusable"
    assert "it is for models of width 96, this one has 64" in error.detail
    tried = runtime.log.stat().st_mtime_ns
    assert failure_of(runtime).detail == error.detail
    assert runtime.log.stat().st_mtime_ns == tried
    # Another file, another try.
    assert files.projector is not None
    projector = runtime.model.projector
    assert projector is not None
    projector.unlink()
    os.link(files.projector, projector)
    with runtime.lease() as endpoint:
        assert answers(endpoint)


def test_a_file_that_lost_its_end_is_named(
    model: InstalledModel, made: Callable[..., ModelRuntime]
) -> None:
    content = model.model.read_bytes()
    model.model.unlink()
    model.model.write_bytes(content[:-20_000])
    error = failure_of(made(model))
    assert error.code == "model_unusable"
    assert "a file is damaged or not whole" in error.detail


def test_a_start_that_never_ends_is_ended(
    model: InstalledModel, made: Callable[..., ModelRuntime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "_CHILD", ("sleep", "600"))
    runtime = made(model, start_seconds=0.3)
    error = failure_of(runtime)
    assert error.code == "model_not_running"
    assert "did not come up in time" in error.detail
    assert not runtime.is_running()


def test_too_little_memory_is_a_sentence(
    model: InstalledModel, made: Callable[..., ModelRuntime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "_ROOM_BYTES", 2**50)
    error = failure_of(made(model))
    assert error.code == "model_not_running"
    assert "GB are free" in error.detail


def test_what_is_missing_on_the_system_is_named(
    model: InstalledModel, made: Callable[..., ModelRuntime], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert missing_runtime() is None
    monkeypatch.setattr(runtime_module, "_OPENMP", "libgomp-that-is-not-there.so.1")
    error = failure_of(made(model))
    assert isinstance(error, PermanentDescriberError)
    assert error.code == "model_runtime_missing"
    assert "libgomp1" in error.detail


def test_a_model_that_is_removed_ends(
    model: InstalledModel, made: Callable[..., ModelRuntime], folder: ModelFolder
) -> None:
    runtime = made(model)
    with runtime.lease():
        folder.remove("tiny")
        eventually(lambda: not servers_of(folder))
    assert not runtime.failure.exists()


def test_memory_is_limited_and_the_kernel_takes_it_first(
    model: InstalledModel, made: Callable[..., ModelRuntime], folder: ModelFolder
) -> None:
    with made(model).lease():
        (server,) = servers_of(folder)
        most, _ = server.rlimit(psutil.RLIMIT_DATA)
        assert 4 * 1024**3 < most < 5 * 1024**3
        assert Path(f"/proc/{server.pid}/oom_score_adj").read_text().strip() == "800"


def test_the_clock_of_a_lease_is_its_end(
    model: InstalledModel, made: Callable[..., ModelRuntime], folder: ModelFolder
) -> None:
    """A use that takes longer than the server may be idle is not cut short."""
    with made(model, idle_seconds=0.2).lease() as endpoint:
        begun = time.monotonic()
        eventually(lambda: time.monotonic() > begun + 1)
        assert answers(endpoint)
    eventually(lambda: not servers_of(folder))

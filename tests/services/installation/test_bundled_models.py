"""What administrators and the command line may do with models that imgapp runs by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from imgapp.adapters.model_runtime import pulling
from imgapp.adapters.model_runtime.catalogue import CatalogueModel
from imgapp.adapters.model_runtime.pulling import PullProgress
from imgapp.cli import app
from imgapp.errors import NotFound, OutboundFailed
from imgapp.services.installation import bundled_models
from tests.conftest import Person
from tests.support.model_hub import file_of, ranged
from tests.support.receivers import Receiver, receiving
from tests.support.tiny_model import TinyModel, tiny_model
from tests.support.waiting import eventually


@pytest.fixture
def files(tmp_path: Path) -> TinyModel:
    return tiny_model(tmp_path, vision=True)


@pytest.fixture
def hub(
    admin: Person,  # in whose name the command line connects it
    files: TinyModel,
    set_env: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Receiver]:
    """A hub that has the one model of the catalogue."""
    assert files.projector is not None
    model, projector = files.model.read_bytes(), files.projector.read_bytes()
    listed = CatalogueModel(
        name="tiny-1",
        title="Tiny 1",
        repository="people/Tiny-GGUF",
        revision="0" * 40,
        license="MIT",
        languages="English",
        about="",
        model=file_of("tiny.gguf", model),
        projector=file_of("mmproj.gguf", projector),
    )
    monkeypatch.setattr(bundled_models, "CATALOGUE", (listed,))
    monkeypatch.setattr(pulling, "_FIRST_PAUSE", 0.0)
    with receiving() as receiver:
        receiver.answer = lambda request: ranged(
            request, projector if "mmproj" in request.path else model
        )
        set_env(
            IMGAPP_MODEL_HUB=f"{receiver.url}/",
            IMGAPP_OUTBOUND_NETWORKS="127.0.0.1/32",
        )
        yield receiver


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["model", *words])
    if done.exception is not None:
        raise done.exception
    return done.output


def test_a_model_is_pulled_runs_and_goes(hub: Receiver) -> None:
    assert "tiny-1\tcan be pulled" in run("list")
    assert "tiny-1 is here: 0.657 MB, MIT." in run("pull", "tiny-1")
    assert hub.requests[0].path == f"/people/Tiny-GGUF/resolve/{'0' * 40}/tiny.gguf"
    assert "tiny-1\there" in run("list")
    with bundled_models.describer_endpoint("tiny-1") as endpoint:
        assert endpoint.model == "tiny-1"
        assert "tiny-1\trunning" in run("list")
    assert "is removed" in run("remove", "tiny-1")
    assert "can be pulled" in run("list")
    eventually(lambda: not list(bundled_models.installed()))


@pytest.mark.usefixtures("hub")
def test_nothing_is_fetched_unasked(hub: Receiver, files: TinyModel) -> None:
    run("list")
    assert files.projector is not None
    assert "mine is here" in run(
        "add", str(files.model), "--projector", str(files.projector), "--name", "mine"
    )
    with bundled_models.describer_endpoint("mine"):
        pass
    run("remove", "mine")
    assert hub.requests == []


def test_what_came_of_a_broken_pull_is_told_and_removed(hub: Receiver) -> None:
    hub.answer = lambda _: (404, {}, b"")
    with pytest.raises(OutboundFailed, match="answered 404"):
        run("pull", "tiny-1")
    assert bundled_models.pull_progress("tiny-1") == PullProgress(0, 656_672)
    assert "is removed" in run("remove", "tiny-1")
    assert bundled_models.pull_progress("tiny-1") is None
    with pytest.raises(NotFound):
        run("remove", "tiny-1")


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("name", ["other", "../tiny-1", ""])
def test_a_model_that_is_not_there_is_not_found(name: str) -> None:
    calls: tuple[Callable[[], object], ...] = (
        lambda: bundled_models.pull(name),
        lambda: bundled_models.pull_progress(name),
        lambda: bundled_models.remove(name),
        lambda: bundled_models.is_running(name),
        lambda: bundled_models.describer_endpoint(name).__enter__(),
    )
    for call in calls:
        with pytest.raises(NotFound):
            call()

"""Models in the data folder: added, listed and removed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imgapp.adapters.model_runtime import model_folder
from imgapp.adapters.model_runtime.model_folder import ModelFolder
from imgapp.errors import Conflict, ImgappError, InvalidRequest, NotFound, ServiceUnavailable
from tests.support.tiny_model import TinyModel, tiny_model


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return tiny_model(tmp_path_factory.mktemp("models"), vision=True, name="Tiny VLM 1")


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    return ModelFolder(tmp_path / "data" / "models")


def projector_of(made: TinyModel) -> Path:
    assert made.projector is not None
    return made.projector


def test_an_added_model_stays_when_its_files_go(folder: ModelFolder, tmp_path: Path) -> None:
    files = tiny_model(tmp_path, vision=True)
    added = folder.add(files.model, projector_of(files), "mine")
    size = files.model.stat().st_size + projector_of(files).stat().st_size
    assert added.model.samefile(files.model)  # and takes no room twice
    files.model.unlink()
    (listed,) = folder.installed()
    assert (listed.name, listed.title, listed.sees, listed.size) == ("mine", "tiny", True, size)
    assert listed.model.is_file()


def test_it_is_copied_where_no_link_can_be(
    folder: ModelFolder, made: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another_file_system(source: Path, target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(model_folder.os, "link", another_file_system)
    added = folder.add(made.model, projector_of(made))
    assert added.name == "tiny-vlm-1"
    assert not added.model.samefile(made.model)
    assert added.model.read_bytes() == made.model.read_bytes()
    monkeypatch.setattr(model_folder, "KEPT_FREE", 2**60)
    with pytest.raises(ServiceUnavailable) as full:
        folder.add(made.model, projector_of(made), "second")
    assert full.value.code == "disk_full"
    assert [model.name for model in folder.installed()] == ["tiny-vlm-1"]
    assert not folder.making("second").exists()


def test_what_does_not_belong_together_is_refused(folder: ModelFolder, made: TinyModel) -> None:
    model, projector = made.model, projector_of(made)
    for pair, said in {
        (projector, projector): "is a projector, not a model",
        (model, model): "is no projector",
    }.items():
        with pytest.raises(InvalidRequest, match=said):
            folder.add(*pair)
    assert folder.installed() == []


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".run", "A", "x" * 64, "a\0b", "é"])
def test_a_name_is_never_a_path(folder: ModelFolder, made: TinyModel, name: str) -> None:
    outside = folder.path.parent / "x"
    outside.mkdir(parents=True)
    with pytest.raises(InvalidRequest) as refused:
        folder.add(made.model, projector_of(made), name)
    assert refused.value.code == "invalid_name"
    with pytest.raises(NotFound):
        folder.get(name)
    with pytest.raises(NotFound):
        folder.remove(name)
    assert outside.is_dir()


def test_one_name_is_taken_once_and_free_again_after_removal(
    folder: ModelFolder, made: TinyModel
) -> None:
    folder.add(made.model, projector_of(made), "one")
    with pytest.raises(Conflict) as taken:
        folder.add(made.model, projector_of(made), "one")
    assert taken.value.code == "model_exists"
    folder.remove("one")
    assert folder.installed() == []
    assert made.model.exists()
    folder.add(made.model, projector_of(made), "one")


def test_two_do_not_put_the_same_model_together(folder: ModelFolder, made: TinyModel) -> None:
    with folder.claim("one"), pytest.raises(Conflict) as busy:
        folder.add(made.model, projector_of(made), "one")
    assert busy.value.code == "model_busy"


def test_what_a_killed_process_left_is_neither_listed_nor_in_the_way(
    folder: ModelFolder, made: TinyModel
) -> None:
    folder.making("one").mkdir(parents=True)
    (folder.making("one") / "model.gguf").write_bytes(b"half")
    (folder.path / "broken").mkdir()
    assert folder.installed() == []
    with pytest.raises(ImgappError):
        folder.get("broken")
    assert folder.add(made.model, projector_of(made), "one").model.stat().st_size > 4
    shutil.rmtree(folder.path / "one")
    assert folder.installed() == []

"""What a model's file says of itself, and what is none."""

from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest

from imgapp.adapters.model_runtime.gguf_header import read_header
from imgapp.errors import InvalidRequest
from tests.support.tiny_model import TinyModel, tiny_model


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    return tiny_model(tmp_path_factory.mktemp("models"), vision=True)


def refusal(path: Path) -> str:
    with pytest.raises(InvalidRequest) as refused:
        read_header(path)
    assert refused.value.code == "not_a_model"
    return refused.value.detail


def test_tells_a_model_from_a_projector(files: TinyModel) -> None:
    assert files.projector is not None
    model, projector = read_header(files.model), read_header(files.projector)
    assert (model.architecture, model.name, model.is_projector) == ("llama", "tiny", False)
    assert (projector.is_projector, projector.sees) == (True, True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "ends too early"),
        (b"<!doctype html><title>Sign in</title>", "not in the format GGUF"),
        (b"GGUF", "ends too early"),
        (b"GGUF" + struct.pack("<I", 1), "GGUF of version 1"),
        (b"GGUF" + struct.pack("<I", 3 << 24), "GGUF of version 50331648"),  # big-endian
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 0), "no model in it"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**63, 2**63), "ends too early"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, 2**62), "ends too early"),
        (b"GGUF" + struct.pack("<IQQQcIIQ", 3, 1, 1, 1, b"a", 9, 4, 2**60), "ends too early"),
        (b"GGUF" + struct.pack("<IQQQcII", 3, 1, 1, 1, b"a", 9, 9), "ends too early"),
        (b"GGUF" + struct.pack("<IQQQcIf", 3, 1, 2, 1, b"a", 6, float("inf")), "ends too early"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_sentence(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "file.gguf"
    path.write_bytes(content)
    assert said in refusal(path)


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, files: TinyModel, share: float) -> None:
    content = files.model.read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(content[: int(len(content) * share)])
    assert "cut.gguf is not whole" in refusal(path)


def test_a_model_in_parts_is_refused_with_the_way_to_join_them(tmp_path: Path) -> None:
    path = tmp_path / "part.gguf"
    out = gguf.GGUFWriter(path, "llama")
    out.add_uint16("split.count", 3)
    out.add_tensor("output_norm.weight", np.ones(4, np.float32))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    assert "one of 3 parts" in refusal(path)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "no file" in refusal(tmp_path / "missing.gguf")
    assert "cannot be read" in refusal(tmp_path)

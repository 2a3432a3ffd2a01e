from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from imgapp.cli import app
from tests.conftest import Person
from tests.support.openai_server import OpenAIServer
from tests.support.tiny_model import tiny_model

KEY = "sk-the-key-of-a-server"


@pytest.fixture
def model() -> Iterator[OpenAIServer]:
    with OpenAIServer(model="llava:7b") as server:
        yield server


@pytest.fixture
def invoke(admin: Person) -> Callable[..., Any]:
    def run(*words: str, said: str = "") -> Any:
        return CliRunner().invoke(app, ["model", *words], input=said)

    return run


def test_a_model_of_a_server_is_connected_listed_tried_and_removed(
    invoke: Callable[..., Any], model: OpenAIServer, administrator: sa.Engine
) -> None:
    words = ("--server", "ollama", "--address", model.url, "--model", "llava:7b", "--key-stdin")
    added = invoke("add", *words, said=f"{KEY}\n")
    assert (added.exit_code, added.output) == (0, "llava:7b is connected.\n")
    with administrator.connect() as connection:
        kept = connection.exec_driver_sql("SELECT to_jsonb(m)::text FROM connected_models m")
        assert KEY not in kept.scalar_one()
    assert invoke("list").output.startswith("llava:7b\tdefault\tOllama\t127.0.0.1:")
    tried = invoke("try", "llava:7b")
    assert tried.exit_code == 0
    assert tried.output.startswith("It works: an answer in ")
    assert model.alt_text in tried.output
    assert model.calls[0].headers["authorization"] == f"Bearer {KEY}"
    model.fail_with(401)
    tried = invoke("try", "llava:7b")
    assert tried.exit_code == 1
    assert tried.output.startswith("The vision model server refused the API key. Check it ")
    assert invoke("remove", "llava:7b").output == "llava:7b is removed.\n"
    assert "llava" not in invoke("list").output


def test_files_of_this_machine_are_added_and_asked_without_a_network(
    invoke: Callable[..., Any], tmp_path: Path
) -> None:
    files = tiny_model(tmp_path, vision=True)
    added = invoke("add", str(files.model), "--projector", str(files.projector), "--name", "tiny")
    assert added.exit_code == 0, added.output
    assert added.output.splitlines()[-1] == "tiny is connected."
    assert invoke("list").output.startswith("tiny\tdefault\tOn this machine, run by imgapp\t")
    tried = invoke("try", "tiny")
    assert tried.output.startswith("It works"), tried.output
    assert invoke("remove", "tiny").exit_code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add",), "Say which model"),
        (("add", "--model", "x"), "Say where the server is"),
        (("add", "--model", "x", "--address", "ftp://x"), "has to look like"),
        (("add", "--model", "x", "--server", "abacus"), "no such kind of server"),
        (("remove", "nothing"), "There is no model nothing"),
        (("try", "nothing"), ""),
    ],
)
def test_what_does_not_work_is_said_in_a_sentence(
    invoke: Callable[..., Any], words: tuple[str, ...], sentence: str
) -> None:
    done = invoke(*words)
    assert done.exit_code != 0
    assert sentence in (done.output + str(getattr(done.exception, "detail", "")))

"""The history of a made repository: what is recorded of which tree, and what is not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import history, machine
from bench.report import Result

LIGHT = Result("first light", 4.5, "9.00 s,\n\t2.00 s for libvips", high=2.0)
RATE = Result("lists, keyset page", 1.25, 'p95 3.1 ms, "warm"', high=3.0, measured=0.0031)


@pytest.fixture
def repository(tmp_path: Path, git: Callable[..., str]) -> Path:
    (tmp_path / "bench").mkdir()
    (tmp_path / "code.py").write_text("one = 1\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "Begin")
    return tmp_path


@pytest.fixture(autouse=True)
def _a_machine_measured_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = dict.fromkeys(history.SPEEDS, 0.25)
    monkeypatch.setattr(machine, "speed", lambda: {"cores": 2, **speeds})


def recorded(repository: Path) -> list[dict[str, str]]:
    file = repository / history.FILE
    return list(history.rows(file)) if file.exists() else []


def record(repository: Path, *results: Result) -> None:
    write = history.recorder(repository)
    for result in results:
        if write:
            write("first_light", result)


def test_each_result_is_a_line_with_the_commit_and_the_machine(
    repository: Path, git: Callable[..., str]
) -> None:
    record(repository, LIGHT, RATE)
    first, second = recorded(repository)
    assert git("rev-parse", "HEAD").startswith(first["commit"])
    assert first["date"] == second["date"]
    assert (first["bench"], first["verdict"]) == ("first_light", "MISSED")
    assert first["detail"] == "9.00 s, 2.00 s for libvips"
    assert (first["cores"], first["loop"], first["resize_all"]) == ("2", "0.25", "0.25")
    assert history.result_of(second) == RATE


def test_later_runs_are_added_below_one_head(repository: Path) -> None:
    record(repository, LIGHT)
    before = (repository / history.FILE).read_text()
    record(repository, RATE)
    after = (repository / history.FILE).read_text()
    assert after.startswith(before)
    assert after.count("commit") == 1
    assert len(recorded(repository)) == 2


def test_the_history_itself_is_no_change_of_the_tree(repository: Path) -> None:
    record(repository, LIGHT)
    record(repository, LIGHT)
    assert [row["commit"].endswith(history.DIRTY) for row in recorded(repository)] == [False, False]


def test_a_tree_with_changes_is_recorded_on_demand_alone(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "code.py").write_text("one = 2\n")
    record(repository, LIGHT)
    assert recorded(repository) == []
    assert "BENCH_RECORD=1" in capsys.readouterr().err
    monkeypatch.setenv("BENCH_RECORD", "1")
    record(repository, LIGHT)
    assert recorded(repository)[0]["commit"].endswith(history.DIRTY)


def test_nothing_is_recorded_where_that_is_switched_off(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_RECORD", "0")
    record(repository, LIGHT)
    assert recorded(repository) == []


def test_nothing_is_recorded_of_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    subprocess.run(["git", "rev-parse"], cwd=tmp_path, check=False, capture_output=True)
    assert history.recorder(tmp_path) is None


def test_the_history_of_this_repository_has_its_columns() -> None:
    head = (history.ROOT / history.FILE).read_text().partition("\n")[0]
    assert tuple(head.split("\t")) == history.COLUMNS
    for row in history.rows(history.ROOT / history.FILE):
        assert history.result_of(row).verdict == row["verdict"]
        assert not row["commit"].endswith(history.DIRTY)

"""Two builds of a made repository compared: in turns, which way is better, and nothing left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bench import compare, history
from bench.compare import Row, Unmeasured
from tests.support.waiting import eventually

PRESENT = Path(sys.prefix)
BENCH = """
from pathlib import Path
from bench.report import Result
from product import SECONDS
def run():
    with Path({log!r}).open("a") as log:
        log.write(f"{{SECONDS}}\\n")
    yield Result("light", SECONDS / {limit}, "from drop to paint", high=1.0)
    yield Result("rate", 1 / SECONDS, "pictures a second", low=1.0)
    yield Result("lists", 1.0, "large over small", high=1.5, measured=SECONDS)
"""
ENDLESS = """
import os, time
from pathlib import Path
def run():
    here = Path(__file__).parents[1].name
    if here == "tree":
        Path({started!r}).write_text(str(os.getpid()))
        try:
            time.sleep(600)
        finally:
            Path({ended!r}).write_text(here)
    yield
"""
BUILD = "from pathlib import Path\nPath('built').write_text('yes')\n"
INTERRUPTED = """
import signal, sys
from pathlib import Path
from bench.compare import compare
signal.signal(signal.SIGINT, signal.default_int_handler)
list(compare(Path(sys.argv[1]), "HEAD", ["bench.endless"]))
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where trees are checked out: nothing may be left there."""
    folder = tmp_path_factory.mktemp("checked-out")
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Which product was measured, run by run."""
    return tmp_path_factory.mktemp("log") / "runs"


@pytest.fixture
def repository(tmp_path: Path, git: Callable[..., str], log: Path) -> Path:
    """A product that took 4 s and takes 2 now, with a benchmark whose limit has changed."""
    for name in ("bench", "imgapp", "tests/support"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("bench/__init__.py", "imgapp/__init__.py", "tests/__init__.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "imgapp/__main__.py").write_text(BUILD)
    report = history.ROOT / "bench/report.py"
    (tmp_path / "bench/report.py").write_text(report.read_text())
    (tmp_path / ".gitignore").write_text(".venv\n.web\nbuilt\n__pycache__\n")
    (tmp_path / "bench/light.py").write_text(BENCH.format(log=str(log), limit=4))
    (tmp_path / "product.py").write_text("SECONDS = 4\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "Begin")
    (tmp_path / "product.py").write_text("SECONDS = 2\n")
    (tmp_path / "bench/light.py").write_text(BENCH.format(log=str(log), limit=1))
    (tmp_path / ".venv").symlink_to(PRESENT)
    return tmp_path


@pytest.fixture
def _nothing_is_left(repository: Path, git: Callable[..., str], temporary: Path) -> Iterator[None]:
    yield
    assert list(temporary.iterdir()) == []
    assert git("worktree", "list").count("\n") == 1


def rows_of(found: list[Row | Unmeasured]) -> dict[str, Row]:
    assert all(isinstance(one, Row) for one in found), found
    return {one.name: one for one in found if isinstance(one, Row)}


@pytest.mark.usefixtures("_nothing_is_left")
def test_both_are_measured_in_turns_by_the_present_benchmark(repository: Path, log: Path) -> None:
    found = rows_of(list(compare.compare(repository, "HEAD", ["bench.light"], rounds=2)))
    assert log.read_text().split() == ["4", "2", "4", "2"]
    assert found["light"].pairs == [(4.0, 2.0)] * 2
    assert found["light"].ratios == [0.5, 0.5]
    assert (repository / "built").exists()


@pytest.mark.usefixtures("_nothing_is_left")
def test_better_is_lower_or_higher_as_the_bounds_say(repository: Path) -> None:
    found = rows_of(list(compare.compare(repository, "HEAD", ["bench.light"], rounds=1)))
    assert {name: row.verdict for name, row in found.items()} == {
        "light": "better",
        "rate": "better",
        "lists": "better",
    }
    assert found["rate"].ratios == [2.0]
    assert found["lists"].pairs == [(4.0, 2.0)]
    shown = compare.table(list(found.values()))
    assert "lists  4     2        0.50" in shown


@pytest.mark.usefixtures("_nothing_is_left")
def test_each_is_measured_by_its_own_benchmark_on_demand(repository: Path) -> None:
    found = rows_of(list(compare.compare(repository, "HEAD", ["bench.light"], rounds=1, own=True)))
    assert found["light"].pairs == [(1.0, 2.0)]


@pytest.mark.usefixtures("_nothing_is_left")
def test_a_benchmark_that_the_base_does_not_have_is_named(repository: Path) -> None:
    (repository / "bench/light.py").rename(repository / "bench/newer.py")
    found = list(compare.compare(repository, "HEAD", ["bench.newer"], own=True))
    assert [str(one) for one in found] == [
        "bench.newer of the base tree: there is no such benchmark"
    ]
    found = list(compare.compare(repository, "HEAD", ["bench.newer"], rounds=1))
    assert len(rows_of(found)) == 3


@pytest.mark.usefixtures("_nothing_is_left")
def test_a_base_that_is_too_old_for_the_benchmark_is_named_with_what_failed(
    repository: Path,
) -> None:
    with (repository / "product.py").open("a") as file:
        file.write("HELPER = 1\n")
    with (repository / "bench/light.py").open("a") as file:
        file.write("from product import HELPER\n")
    (found,) = compare.compare(repository, "HEAD", ["bench.light"])
    assert "bench.light of the base tree: ImportError" in str(found)


@pytest.mark.usefixtures("_nothing_is_left")
def test_a_base_that_cannot_be_built_leaves_nothing(
    repository: Path, git: Callable[..., str]
) -> None:
    (repository / "imgapp/__main__.py").write_text("raise SystemExit('it cannot be built')")
    git("commit", "-q", "-m", "Break", "imgapp")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        list(compare.compare(repository, "HEAD", ["bench.light"]))
    assert "it cannot be built" in failed.value.stderr


@pytest.mark.usefixtures("_nothing_is_left")
def test_other_requirements_are_installed_by_the_base_itself(
    repository: Path, git: Callable[..., str]
) -> None:
    # Its own way to a .venv, as far as a test can go without a package index.
    makefile = f".venv/.development:\n\tln -s {PRESENT} .venv\n\techo own > installed-by-itself\n"
    (repository / "Makefile").write_text(makefile)
    git("add", "Makefile")
    git("commit", "-q", "-m", "Install", "Makefile")
    with (repository / "bench/light.py").open("a") as file:
        file.write("assert Path('installed-by-itself').exists() == (SECONDS == 4)\n")
    (repository / "requirements.txt").write_text("something==2\n")
    found = rows_of(list(compare.compare(repository, "HEAD", ["bench.light"], rounds=1)))
    assert found["light"].ratios == [0.5]


@pytest.mark.usefixtures("_nothing_is_left")
def test_an_interrupted_comparison_ends_what_it_started(repository: Path, log: Path) -> None:
    started, ended = log.with_name("started"), log.with_name("ended")
    endless = ENDLESS.format(started=str(started), ended=str(ended))
    (repository / "bench/endless.py").write_text(endless)
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(repository)],
        cwd=history.ROOT,
        env=os.environ | {"PYTHONPATH": str(history.ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    eventually(lambda: started.exists() and started.read_text())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert ended.read_text() == "tree"
    assert not psutil.pid_exists(int(started.read_text()))


def test_a_difference_counts_where_all_rounds_agree() -> None:
    lower = [(4.0, 2.0), (4.0, 5.0)]
    assert Row("light", True, lower).verdict == "-"
    assert Row("light", True, [(4.0, 5.0), (4.0, 6.0)]).verdict == "worse"
    assert Row("rate", False, [(4.0, 5.0), (4.0, 6.0)]).verdict == "better"
    assert Row("independence", None, [(4.0, 5.0)]).verdict == "-"


def test_nothing_over_nothing_is_no_difference() -> None:
    assert Row("strangers", True, [(0.0, 0.0)]).ratios == [1.0]
    assert Row("strangers", True, [(0.0, 3.0)]).verdict == "worse"

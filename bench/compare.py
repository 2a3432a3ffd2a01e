"""Comparison of two builds: runs benchmarks of both in turns, A B A B, and prints new over old.

`python -m bench.compare BASE [NAME …]`, or `make bench-compare BASE=main BENCH_ARGS=ingest`. BASE
is checked out into a temporary folder and gets a page of its own, and packages of its own where
its requirements are others. Both are measured by the present benchmarks, so that the two figures
are of the same thing: a change of a benchmark alone changes nothing. Where a revision is too old
for that, `--own` measures each by its own benchmarks of the same name.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.history import ROOT
from bench.report import Result
from imgapp.adapters.processes import end_processes

REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
MEASURES = ("bench", "tests/support", "tests/__init__.py")
"""What measures, as opposed to what is measured."""
SECONDS_TO_END = 30
_RUN = """
import sys
from importlib import import_module
for result in import_module(sys.argv[1]).run():
    print(result.line(), flush=True)
"""


class Unmeasured(Exception):
    """A build has no such benchmark, or it does not run there; why, in a sentence."""


@dataclass(frozen=True)
class Row:
    """A result of both builds, the runs in their order."""

    name: str
    lower_is_better: bool | None
    pairs: list[tuple[float, float]] = field(default_factory=list)
    """Of the base, and of the present tree."""

    @property
    def ratios(self) -> list[float]:
        return [new / old if old else (float("inf") if new else 1.0) for old, new in self.pairs]

    @property
    def verdict(self) -> str:
        """Better or worse where all rounds say so."""
        low, high = min(self.ratios), max(self.ratios)
        if self.lower_is_better is None or low <= 1 <= high:
            return "-"
        return "better" if (high < 1) == self.lower_is_better else "worse"

    def cells(self) -> list[str]:
        old, new = (statistics.median(values) for values in zip(*self.pairs, strict=True))
        spread = f"{min(self.ratios):.2f} to {max(self.ratios):.2f}"
        ratio = f"{statistics.median(self.ratios):.2f}"
        return [self.name, f"{old:.4g}", f"{new:.4g}", ratio, spread, self.verdict]


def compare(
    root: Path,
    base: str,
    modules: Sequence[str],
    *,
    rounds: int = 2,
    own: bool = False,
    present_packages: bool = False,
) -> Iterator[Row | Unmeasured]:
    """Results of `root` as it is over those of its revision `base`.

    `modules` are those of the benchmarks (`bench.ingest`). Whatever is started or made for it has
    ended and is gone afterwards, also where the caller is interrupted. Raises
    CalledProcessError where a build fails, with what it printed.
    """
    with worktree(root, base) as old:
        _build(old, root, own=own, present_packages=present_packages)
        for module in modules:
            yield from _in_turns({"base": old, "present": root}, module, rounds)


@contextmanager
def worktree(root: Path, revision: str) -> Iterator[Path]:
    """A folder with that revision, as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="imgapp-compare-", ignore_cleanup_errors=True) as name:
        # The embedded servers run as another user when this one is root.
        os.chmod(name, 0o755)
        folder = Path(name) / "tree"
        try:
            _call("git", "worktree", "add", "--detach", folder, revision, cwd=root)
            yield folder
        finally:
            with suppress(subprocess.CalledProcessError):
                _call("git", "worktree", "remove", "--force", folder, cwd=root)


def _build(old: Path, root: Path, *, own: bool, present_packages: bool) -> None:
    """Give `old` its packages and its page, from those of `root` where they would be the same."""
    if present_packages or all(_text(old / name) == _text(root / name) for name in REQUIREMENTS):
        (old / ".venv").symlink_to((root / ".venv").resolve())
        if (root / ".web").exists():
            shutil.copytree(root / ".web", old / ".web", symlinks=True)
    else:
        print("Installing what the base needs, as its requirements are others.", flush=True)
        _call("make", ".venv/.development", cwd=old)
    for tree in (old, root):
        _call(tree / ".venv/bin/python", "-m", "imgapp", "build", cwd=tree)
    for place in () if own else MEASURES:
        if (old / place).is_dir():
            shutil.rmtree(old / place)
        if (root / place).is_dir():
            shutil.copytree(root / place, old / place)
        else:
            (old / place).parent.mkdir(exist_ok=True)
            shutil.copy(root / place, old / place)


def _in_turns(trees: Mapping[str, Path], module: str, rounds: int) -> Iterator[Row | Unmeasured]:
    rows: dict[str, Row] = {}
    for number in range(rounds):
        found: dict[str, dict[str, Result]] = {}
        for label, tree in trees.items():
            print(f"{module}, round {number + 1} of {rounds}, {label}", flush=True)
            try:
                found[label] = {result.name: result for result in measure(tree, module)}
            except Unmeasured as reason:
                yield Unmeasured(f"{module} of the {label} tree: {reason}")
                return
        for name in found["base"].keys() | found["present"].keys():
            one, other = found["base"].get(name), found["present"].get(name)
            if one is None or other is None:
                label = "base" if other is None else "present"
                yield Unmeasured(f"{name}, which is a result of the {label} tree alone")
                continue
            row = rows.setdefault(name, Row(name, other.lower_is_better))
            row.pairs.append((_quantity(one), _quantity(other)))
    yield from sorted(rows.values(), key=lambda row: row.name)


def measure(tree: Path, module: str) -> Iterator[Result]:
    """The results of one run of a benchmark of a built tree. Raises Unmeasured."""
    if not (tree / f"{module.replace('.', '/')}.py").exists():
        raise Unmeasured("there is no such benchmark")
    path = os.pathsep.join((str(tree / ".venv/bin"), os.environ.get("PATH", os.defpath)))
    env = os.environ | {"PATH": path, "BENCH_RECORD": "0"}
    command = [str(tree / ".venv/bin/python"), "-c", _RUN, module]
    with tempfile.TemporaryFile("w+") as errors, _running(command, tree, env, errors) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(f"  {line}", end="", flush=True)
            result = Result.of_line(line)
            if result:
                yield result
        if process.wait():
            errors.seek(0)
            last = (errors.read().strip().splitlines() or ["it failed"])[-1]
            raise Unmeasured(last)


@contextmanager
def _running(
    command: Sequence[str], tree: Path, env: Mapping[str, str], errors: Any
) -> Iterator[subprocess.Popen[str]]:
    """A process in a session of its own, so that Ctrl-C asks it once, and by us, to clean up."""
    with subprocess.Popen(
        command,
        cwd=tree,
        env=env,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=SECONDS_TO_END)
    process.kill()
    end_processes(family, [(signal.SIGTERM, 5), (signal.SIGKILL, 5)])


def table(rows: Sequence[Row]) -> str:
    """All results, the columns aligned."""
    cells = [["", "base", "present", "present/base", "spread", ""], *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
    return "\n".join(lines)


def _quantity(result: Result) -> float:
    return result.ratio if result.measured is None else result.measured


def _call(*command: str | Path, cwd: Path) -> None:
    subprocess.run(
        [str(part) for part in command], cwd=cwd, check=True, capture_output=True, text=True
    )


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def main(arguments: Sequence[str]) -> int:
    from bench.__main__ import ALL, BENCHES

    parser = argparse.ArgumentParser(prog="python -m bench.compare", description=__doc__)
    parser.add_argument("base", help="a revision of this repository")
    parser.add_argument("names", nargs="*", metavar="name", help="benchmarks; all of them if none")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each (2)")
    parser.add_argument("--own", action="store_true", help="each by its own benchmarks")
    parser.add_argument(
        "--present-packages",
        action="store_true",
        help="the base with the present packages, whatever it requires: what code alone changed",
    )
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in ALL]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}")
    # Also where it was started in the background, or is ended by something else than a terminal.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    modules = [ALL[name].__module__ for name in given.names or BENCHES]
    rows: list[Row] = []
    reasons: list[Unmeasured] = []
    try:
        for found in compare(
            ROOT,
            given.base,
            modules,
            rounds=given.rounds,
            own=given.own,
            present_packages=given.present_packages,
        ):
            (rows if isinstance(found, Row) else reasons).append(found)  # type: ignore[arg-type]
    except subprocess.CalledProcessError as failed:
        print(f"{' '.join(failed.cmd)}:\n{failed.stderr or failed.stdout}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    if rows:
        print(f"\n{table(rows)}")
    for reason in reasons:
        print(f"Not compared: {reason}", file=sys.stderr)
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

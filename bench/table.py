"""The table of docs/benchmarks.md: writes it anew from the newest run of each benchmark.

`python -m bench.table`. Runs of trees with changes are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench import machine
from bench.history import DIRTY, FILE, ROOT, result_of, rows

PAGE = Path("docs/benchmarks.md")
BEGIN, END = "<!-- by python -m bench.table -->\n", "<!-- end -->"
_HEAD = ("benchmark", "result", "ratio", "limit", "in full")
_RUNS = ("benchmark", "commit", "date", "cores", *machine.TASKS)


def rendered(found: Iterable[Mapping[str, str]], measures: Mapping[str, str]) -> str:
    """The table, of what each benchmark `measures` by its name, and below it the runs."""
    newest = _newest(row for row in found if row["bench"] in measures)
    lines = []
    for bench, what in measures.items():
        begin = f"`{bench}`: {what}"
        for row in newest.get(bench, []):
            result = result_of(row)
            missed = "" if result.ok else " (missed)"
            cells = [begin, result.name, f"{result.ratio:.3g}{missed}", result.bounds]
            lines.append(_line(*cells, result.detail))
            begin = ""
        if begin:
            lines.append(_line(begin, "", "", "", "not recorded yet"))
    return _head(*_HEAD) + "".join(lines) + _runs(newest)


def _newest(found: Iterable[Mapping[str, str]]) -> dict[str, list[Mapping[str, str]]]:
    """The lines of each benchmark's newest run; a merge may have put older ones behind it."""
    newest: dict[str, list[Mapping[str, str]]] = {}
    for row in found:
        run = newest.setdefault(row["bench"], [])
        if row["commit"].endswith(DIRTY) or (run and row["date"] < run[0]["date"]):
            continue
        if run and row["date"] > run[0]["date"]:
            run.clear()
        run.append(row)
    return {bench: run for bench, run in newest.items() if run}


def _head(*cells: str) -> str:
    return _line(*cells) + "|" + "---|" * len(cells) + "\n"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _runs(newest: Mapping[str, list[Mapping[str, str]]]) -> str:
    """Which commit each figure is of, and how fast the machine was."""
    lines = []
    for bench, (row, *_) in newest.items():
        speeds = [f"{row[task]} s, {row[f'{task}_all']} s" for task in machine.TASKS]
        lines.append(_line(bench, row["commit"], row["date"][:10], row["cores"], *speeds))
    return "\n" + _head(*_RUNS) + "".join(lines) if lines else ""


def measures() -> dict[str, str]:
    """What each benchmark measures, by its name: its module says so in its first line."""
    from bench.__main__ import ALL

    said = {name: sys.modules[run.__module__].__doc__ or "" for name, run in ALL.items()}
    return {name: text.partition("\n")[0].rstrip(".") for name, text in said.items()}


def main() -> None:
    page = ROOT / PAGE
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    table = rendered(rows(ROOT / FILE), measures())
    page.write_text(f"{before}{BEGIN}{table}{END}{after}")


if __name__ == "__main__":
    main()

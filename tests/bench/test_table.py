"""The table of docs/benchmarks.md and the history agree."""

from __future__ import annotations

from bench import history, table
from bench.__main__ import ALL

SPEEDS = dict.fromkeys(history.SPEEDS, "0.25")


def row(bench: str, name: str, ratio: str, *, day: int, commit: str = "abc") -> dict[str, str]:
    return {
        "date": f"2026-11-{day:02}T10:00:00Z",
        "commit": commit,
        "bench": bench,
        "name": name,
        "ratio": ratio,
        "low": "",
        "high": "2",
        "verdict": "ok",
        "measured": "",
        "detail": f"{ratio} of it | all",
        "cores": "2",
        **SPEEDS,
    }


def test_the_page_and_the_history_agree() -> None:
    text = (history.ROOT / table.PAGE).read_text()
    shown = text.partition(table.BEGIN)[2].partition(table.END)[0]
    found = history.rows(history.ROOT / history.FILE)
    assert shown == table.rendered(found, table.measures()), "run python -m bench.table"


def test_every_benchmark_says_what_it_measures() -> None:
    said = table.measures()
    assert said.keys() == ALL.keys()
    assert all(len(text) > 20 and not text.endswith(".") for text in said.values())


def test_the_newest_run_of_each_is_shown_whatever_the_order_of_the_lines() -> None:
    found = [
        row("light", "first light", "1.5", day=3),
        row("light", "cold page", "0.5", day=3),
        row("light", "first light", "4.5", day=1),
        row("light", "a result that is no more", "1.25", day=1),
        row("light", "first light", "9.5", day=9, commit="abc-dirty"),
    ]
    shown = table.rendered(found, {"light": "Pictures, painted", "idle": "Nothing"})
    assert (
        "| `light`: Pictures, painted | first light | 1.5 | at most 2 | 1.5 of it \\| all |"
        in shown
    )
    assert "|  | cold page | 0.5 |" in shown
    assert "| `idle`: Nothing |  |  |  | not recorded yet |" in shown
    assert "| light | abc | 2026-11-03 | 2 | 0.25 s, 0.25 s |" in shown
    assert not any(gone in shown for gone in ("4.5", "1.25", "9.5", "dirty"))


def test_what_missed_its_limit_says_so() -> None:
    shown = table.rendered([row("light", "first light", "4.5", day=1)], {"light": "Pictures"})
    assert "| 4.5 (missed) |" in shown

"""What a benchmark prints, and how it is read back."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

_LINE = re.compile(
    r"(?P<name>.+?): ratio (?P<ratio>\S+?)(?:, measured (?P<measured>\S+))? "
    r"\((?P<bounds>[^)]*)\) (?:ok|MISSED): (?P<detail>.*)"
)


@dataclass(frozen=True)
class Result:
    """A figure against its bounds: `low <= ratio <= high`."""

    name: str
    ratio: float
    detail: str
    high: float = math.inf
    low: float = -math.inf
    measured: float | None = None
    """What is compared between two builds where `ratio` would hide it, being one figure of the
    build over another of the same; better on the same side as `ratio`."""

    @property
    def ok(self) -> bool:
        return self.low <= self.ratio <= self.high

    @property
    def verdict(self) -> str:
        return "ok" if self.ok else "MISSED"

    @property
    def bounds(self) -> str:
        found = []
        if self.low > -math.inf:
            found.append(f"at least {self.low:g}")
        if self.high < math.inf:
            found.append(f"at most {self.high:g}")
        return ", ".join(found)

    @property
    def lower_is_better(self) -> bool | None:
        """None where neither is: the figure has bounds on both sides, or none."""
        bounded_above, bounded_below = self.high < math.inf, self.low > -math.inf
        return None if bounded_above == bounded_below else bounded_above

    def line(self) -> str:
        measured = "" if self.measured is None else f", measured {self.measured:.4g}"
        return (
            f"{self.name}: ratio {self.ratio:.3f}{measured} ({self.bounds}) {self.verdict}: "
            f"{self.detail}"
        )

    @classmethod
    def of_line(cls, line: str) -> Result | None:
        """The result that printed this line; None if none did."""
        found = _LINE.fullmatch(line.rstrip("\n"))
        if not found:
            return None
        limits = dict(re.findall(r"at (least|most) (\S+?)(?:,|$)", found["bounds"]))
        return cls(
            found["name"],
            float(found["ratio"]),
            found["detail"],
            high=float(limits.get("most", math.inf)),
            low=float(limits.get("least", -math.inf)),
            measured=float(found["measured"]) if found["measured"] else None,
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile, `share` between 0 and 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]

"""What a benchmark prints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """A figure against its bounds: `low <= ratio <= high`."""

    name: str
    ratio: float
    detail: str
    high: float = math.inf
    low: float = -math.inf

    @property
    def ok(self) -> bool:
        return self.low <= self.ratio <= self.high

    def line(self) -> str:
        bounds = []
        if self.low > -math.inf:
            bounds.append(f"at least {self.low:g}")
        if self.high < math.inf:
            bounds.append(f"at most {self.high:g}")
        verdict = "ok" if self.ok else "MISSED"
        return f"{self.name}: ratio {self.ratio:.2f} ({', '.join(bounds)}) {verdict}: {self.detail}"


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile, `share` between 0 and 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]

"""Coverage in words: figures with their share and where they lead, and the course as a chart."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlencode

from imgapp.services.library.image_query import ImageQuery
from imgapp.services.texts.coverage import DAYS, Coverage, DayCount, DoubtCount
from imgapp.services.texts.doubts import RULES
from imgapp.ui.shell.reason_words import pictures

WIDTH, HEIGHT = 3 * DAYS, 60
"""Of the chart, in units of its own."""


@dataclass
class Figure:
    """How many texts are in a state, and where those pictures are."""

    name: str
    label: str
    number: str
    percent: str
    """Of all pictures, for people."""
    share: str
    """The same as a length of CSS."""
    href: str


@dataclass
class RuleRow:
    """A rule, and how many texts it has a doubt about."""

    rule: str
    sentence: str
    number: str
    href: str


@dataclass
class ReviewerRow:
    email: str
    number: str


@dataclass
class Bar:
    """Of the chart: what was approved, and what was returned above it, on one day."""

    key: str
    x: str
    y: str
    height: str
    kind: str


@dataclass
class DayRow:
    day: str
    approved: str
    returned: str


@dataclass
class CoverageView:
    """How far the texts of some pictures are, as the page says it."""

    pictures: str = ""
    counted_at: str = ""
    figures: list[Figure] = field(default_factory=list)
    further: list[Figure] = field(default_factory=list)
    """Parts of what is approved and of what is not, in sentences."""
    review: str = ""
    """Where the drafts wait for a reviewer; empty if none do."""
    oldest_waiting: str = ""
    rules: list[RuleRow] = field(default_factory=list)
    any_doubt: str = ""
    reviewers: list[ReviewerRow] = field(default_factory=list)
    course: str = ""
    """In a sentence, which is what those hear who do not see the chart."""
    bars: list[Bar] = field(default_factory=list)
    days: list[DayRow] = field(default_factory=list)
    csv: str = ""


_LABELS = {
    "missing": "Missing",
    "draft": "Draft",
    "returned": "Returned",
    "approved": "Approved",
    "decorative": "Approved as decorative",
}
_FURTHER = {
    "stale": "Not approved as they are, while an older wording is approved and holds",
    "by_model": "Approved in a model's own words",
}


def coverage_view(
    found: Coverage, wanted: ImageQuery, off: Collection[str], today: date
) -> CoverageView:
    """What the page says; `off` are rules whose doubts are not shown, `today` is by UTC."""
    numbers = found.model_dump(include={*_LABELS, *_FURTHER})
    # A picture is counted once: those that are decorative are approved, too.
    numbers["approved"] -= found.decorative
    rules = [_rule(one, found.language, wanted) for one in found.doubts if one.rule not in off]
    bars, days = _bars(found.course, today), [_day(one) for one in reversed(found.course)]
    waiting = found.draft + found.returned
    return CoverageView(
        pictures=pictures(found.pictures),
        counted_at=found.counted_at.isoformat(),
        figures=[
            _figure(name, label, numbers[name], found, wanted) for name, label in _LABELS.items()
        ],
        further=[
            _figure(name, label, numbers[name], found, wanted)
            for name, label in _FURTHER.items()
            if numbers[name]
        ],
        review=f"/review?{_address(found.language, wanted, state='draft')}" if found.draft else "",
        oldest_waiting=found.oldest_waiting.isoformat() if found.oldest_waiting and waiting else "",
        rules=rules,
        any_doubt=f"/?{_address(found.language, wanted, doubt='any')}" if rules else "",
        reviewers=[
            ReviewerRow(one.email or "Somebody without an account", f"{one.texts:,}")
            for one in found.reviewers
        ],
        course=course_words(found.course),
        bars=bars,
        days=days,
        csv=f"/api/coverage.csv?{_address(found.language, wanted)}",
    )


def _figure(name: str, label: str, number: int, found: Coverage, wanted: ImageQuery) -> Figure:
    said = {"state": name}
    if name == "decorative":
        said = {"state": "approved", "decorative": "true"}
    elif name == "approved" and found.decorative:
        said["decorative"] = "false"
    share = number / found.pictures if found.pictures else 0.0
    return Figure(
        name=name,
        label=label,
        number=f"{number:,}",
        percent=percent_words(number, found.pictures),
        share=f"{share * 100:.3f}%",
        href=f"/?{_address(found.language, wanted, **said)}",
    )


def percent_words(number: int, of: int) -> str:
    """A share; never 0 % of something, and never 100 % but of all."""
    if not of:
        return ""
    percent = 100 * number / of
    if 0 < percent < 1:
        return "under 1 %"
    return f"{min(round(percent), 99) if number < of else 100} %"


def _address(language: str, wanted: ImageQuery, **said: str) -> str:
    """The query of an address: of these pictures, those of which that is true."""
    # What is said twice is said of the text: a link must not ask for a state beside another one.
    kept = wanted.model_copy(
        update={"language": None, "state": None, "doubt": None}
        | ({"decorative": None} if "decorative" in said else {})
    )
    query = urlencode({"language": language, **said})
    return "&".join(filter(None, [kept.to_query(), query]))


def _rule(one: DoubtCount, language: str, wanted: ImageQuery) -> RuleRow:
    known = RULES.get(one.rule)
    return RuleRow(
        rule=one.rule,
        sentence=known.sentence if known else f"Something is doubtful ({one.rule}).",
        number=f"{one.texts:,}",
        href=f"/?{_address(language, wanted, doubt=one.rule)}",
    )


def course_words(course: list[DayCount]) -> str:
    """What was approved and returned, in a sentence."""
    approved, returned = sum(day.approved for day in course), sum(day.returned for day in course)
    if not course:
        return f"Nothing was approved or returned in the last {DAYS} days."
    most = max(course, key=lambda day: day.approved)
    said = f"{approved:,} approved and {returned:,} returned in the last {DAYS} days"
    if most.approved:
        said += f"; most on {day_words(most.day)}: {most.approved:,}"
    return f"{said}."


def day_words(day: date) -> str:
    """ "7 July 2026"."""
    return f"{day.day} {day:%B %Y}"


def _bars(course: list[DayCount], today: date) -> list[Bar]:
    first = today - timedelta(days=DAYS - 1)
    highest = max((day.approved + day.returned for day in course), default=0)
    bars = []
    for day in course:
        x, base = 3 * (day.day - first).days, float(HEIGHT)
        if not 0 <= x < WIDTH:
            continue
        for kind, number in (("approved", day.approved), ("returned", day.returned)):
            if number:
                tall = max(1.0, HEIGHT * number / highest)
                base -= tall
                bars.append(
                    Bar(f"{day.day} {kind}", str(x), f"{max(base, 0):.2f}", f"{tall:.2f}", kind)
                )
    return bars


def _day(one: DayCount) -> DayRow:
    return DayRow(day_words(one.day), f"{one.approved:,}", f"{one.returned:,}")

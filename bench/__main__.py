"""`python -m bench [NAME …]`: run all benchmarks, or those named.

Exit 1 when one misses its limit. What was found is recorded (see `bench.history`).
"""

from __future__ import annotations

import sys

from bench import (
    analysis,
    cold_page,
    described,
    first_light,
    gallery,
    history,
    idle,
    import_memory,
    independence,
    ingest,
    lists,
    meaning,
    memory,
    million,
    peers,
    push,
    s3_ingest,
    search,
    session_check,
    tabs,
    texts,
)
from bench.report import Result

BENCHES = {
    "ingest": ingest.run,
    "s3_ingest": s3_ingest.run,
    "push": push.run,
    "analysis": analysis.run,
    "described": described.run,
    "independence": independence.run,
    "idle": idle.run,
    "memory": memory.run,
    "import_memory": import_memory.run,
    "first_light": first_light.run,
    "cold_page": cold_page.run,
    "session_check": session_check.run,
    "lists": lists.run,
    "gallery": gallery.run,
    "tabs": tabs.run,
    "search": search.run,
    "meaning": meaning.run,
    "texts": texts.run,
    "million": million.run,
}
NAMED_ONLY = {"peers": peers.run}
"""Not run unless named: these install packages."""
ALL = BENCHES | NAMED_ONLY


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in ALL]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}", file=sys.stderr)
        return 2
    results: list[Result] = []
    record = history.recorder()
    for name in names or BENCHES:
        for result in ALL[name]():
            print(result.line(), flush=True)
            results.append(result)
            if record:
                record(name, result)
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

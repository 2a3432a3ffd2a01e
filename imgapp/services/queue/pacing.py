"""Pacing: keeps analyses within the requests and tokens a minute that administrators set.

A turn is taken before a picture is claimed, so that no lease waits for one, and whoever is first in
line then is served.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from imgapp.adapters import pacing
from imgapp.adapters.pacing import PacingPermit
from imgapp.errors import QueueUnavailable
from imgapp.services.installation.runtime_settings import installation
from imgapp.services.queue import leases
from imgapp.services.queue.leases import ImageClaim

LONGEST_WAIT = 2.5
"""Seconds; a little more than until the sweep issues permits again, so that no turn is missed."""
FREE = PacingPermit(allowed=True, wait=0.0)
"""Where no pace is set."""


def take_turn() -> PacingPermit:
    """The next turn to ask a model. Raises QueueUnavailable, DatabaseUnavailable."""
    limits = installation()
    if not limits.paced:
        return FREE
    return pacing.take(limits.requests_per_minute, limits.tokens_per_minute, LONGEST_WAIT)


@contextmanager
def next_claim() -> Iterator[tuple[ImageClaim | None, list[int]]]:
    """The picture whose turn it is, if any; the tokens that it took are put into the list.

    Raises DatabaseUnavailable, QueueUnavailable, ShuttingDown.
    """
    turn, tokens = take_turn(), list[int]()
    claim = None
    try:
        claim = _claim(turn)
        yield claim, tokens
    finally:
        if turn.allowed and turn is not FREE:
            # At worst, a turn is lost.
            with suppress(QueueUnavailable):
                if claim is not None and claim.asks:
                    pacing.settle(turn, sum(tokens))
                else:
                    pacing.give_back(turn)


def _claim(turn: PacingPermit) -> ImageClaim | None:
    if turn.wait > 0:
        # What needs no model need not wait for one.
        claim = leases.claim(asking=False)
        if claim is not None or not turn.allowed:
            return claim
        leases.pause(turn.wait)
    return leases.claim()


def capacity(seconds: float) -> int | None:
    """How many analyses may begin in the next seconds; None: as many as there are.

    Raises QueueUnavailable, DatabaseUnavailable.
    """
    limits = installation()
    by = []
    if limits.requests_per_minute is not None:
        by.append(limits.requests_per_minute)
    if limits.tokens_per_minute is not None:
        by.append(math.ceil(limits.tokens_per_minute / max(pacing.estimate(), 1)))
    return math.ceil(min(by) * seconds / 60) + 1 if by else None

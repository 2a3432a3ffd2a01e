"""Byte sizes: say in words how large something is (SI units)."""

from __future__ import annotations


def size_words(size: int) -> str:
    """As in 546 MB or 1.55 GB, with three digits at most."""
    if size >= 1_000_000_000:
        return f"{size / 1e9:.3g} GB"
    return f"{size / 1e6:.3g} MB"

"""Phrases by language, and lists of words: what the rules look for (data)."""

from __future__ import annotations


def words(table: str) -> frozenset[str]:
    """The words of a table, which white space separates."""
    return frozenset(table.split())

"""Prices: read what administrators wrote down of models; nobody else's table is right for long."""

from __future__ import annotations

from decimal import Decimal

from imgapp.services.installation.runtime_settings import Price, installation

_MILLION = Decimal(1_000_000)


def price_of(model: str, version: str | None = None) -> Price | None:
    """The price of the version that answered, or of the model that was asked; None if unknown.

    Raises DatabaseUnavailable.
    """
    table = installation().prices
    return (table.get(version) if version else None) or table.get(model)


def cost_of(price: Price, input_tokens: int | None, output_tokens: int | None) -> Decimal:
    """US dollars for so many tokens."""
    # As it was written down: a float's own digits are not money.
    told = Decimal(str(price.input)), Decimal(str(price.output))
    return (told[0] * (input_tokens or 0) + told[1] * (output_tokens or 0)) / _MILLION

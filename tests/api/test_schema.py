"""Every operation of the API answers as its document says; test_long_schema.py asks much more, and
badly."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from imgapp.api.examples import EXAMPLE_ID
from imgapp.services.accounts import tokens
from tests.conftest import Person, shared_api
from tests.support.rows import add_analysis, add_image

ENDLESS = {"/api/events"}
"""The answer never ends; tests/api/routes/test_events.py reads it."""


def test_every_operation_answers_as_the_document_says(
    database: None,
    empty_again: Callable[[], None],
    make_person: Callable[..., Person],
    unhurried: None,
    subtests: pytest.Subtests,
) -> None:
    # What may be refused beyond the schema is told apart in test_long_schema.py.
    checks = {"positive_data_acceptance": {"enabled": False}}
    schema = schemathesis.openapi.from_asgi(
        "/api/openapi.json",
        shared_api(),
        config=SchemathesisConfig.from_dict({"checks": checks}),
    )
    token = None
    for result in schema.exclude(path=sorted(ENDLESS)).get_all_operations():
        operation = result.ok()
        if token is None:
            empty_again()
            admin = make_person("admin@example.org", is_admin=True)
            add_analysis(add_image(admin.user_id, id=UUID(EXAMPLE_ID), tags=["bicycle"]))
            token = tokens.create_token(admin.user_id, "schemathesis").token
        with subtests.test(operation.label):
            ask(operation, token)
        if operation.method not in ("get", "head", "options"):
            token = None


def ask(operation: schemathesis.APIOperation, token: str) -> None:
    """One request with good data."""

    @settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=1,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def send(case: schemathesis.Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"})

    send()

"""The served OpenAPI document against the API itself: schemathesis, with good and bad data.

As all files called `test_long_…` it is not even read where long tests are left out.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from imgapp.api.examples import EXAMPLE_ID
from imgapp.services.accounts import tokens
from tests.conftest import Person, shared_api
from tests.support.rows import add_analysis, add_image

LEFT_OUT = {"/api/events": "the answer never ends; tests/api/routes/test_events.py reads it"}

# 422 is for what the document forbids, 400 for what it cannot tell: a cursor of another list.
TAKEN_OR_NOT = ["2xx", "3xx", "400", "401", "403", "404", "409", "412", "429", "5xx"]
MORE_THAN_A_SCHEMA_SAYS = {
    "POST /api/images/actions": "which members go together depends on the action",
    "POST /api/images/archive": "pictures are named in one of two ways",
    "POST /api/upload": "a file is bytes in the document, and a picture here",
    "POST /api/batches": "a URL has more rules than a pattern tells",
    "POST /api/batches/{batch_id}/urls": "as above",
    "POST /api/webhooks": "as above",
    "PATCH /api/webhooks/{webhook_id}": "as above",
}
CONFIG: dict[str, Any] = {
    "checks": {"positive_data_acceptance": {"expected-statuses": TAKEN_OR_NOT}},
    "operations": [
        {
            "include-name": name,
            "checks": {"positive_data_acceptance": {"expected-statuses": [*TAKEN_OR_NOT, "422"]}},
        }
        for name in MORE_THAN_A_SCHEMA_SAYS
    ],
}
# On a busy machine a dependency may not answer in time, and then the document says 503.
CONFIG["operations"].append(
    {"include-name": "GET /api/health", "checks": {"not_a_server_error": {"enabled": False}}}
)

schema = schemathesis.openapi.from_asgi(
    "/api/openapi.json", shared_api(), config=SchemathesisConfig.from_dict(CONFIG)
)


@schema.hook
def filter_case(_: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """A parameter without a value is as good as none, which schemathesis takes for a bad value."""
    return "" not in (case.query or {}).values()


@pytest.fixture
def token(admin: Person) -> str:
    """Of an administrator who has the picture that the examples name."""
    add_analysis(add_image(admin.user_id, id=UUID(EXAMPLE_ID), tags=["bicycle"]))
    return tokens.create_token(admin.user_id, "schemathesis").token


@pytest.mark.long
@schema.exclude(path=list(LEFT_OUT)).parametrize()
@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=20,
    # The person and the picture are made once for an operation, and may go with it.
    suppress_health_check=list(HealthCheck),
)
def test_the_api_keeps_to_its_document(case: schemathesis.Case, token: str) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {token}"})


def test_what_is_left_out_is_there() -> None:
    assert set(LEFT_OUT) <= set(schema.raw_schema["paths"])

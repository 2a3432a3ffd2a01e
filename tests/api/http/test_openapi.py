"""The OpenAPI document is whole: examples in and out, every code, nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from imgapp.api.examples import EXAMPLES
from imgapp.api.http.openapi import PUBLIC
from imgapp.api.http.problem_codes import CODES, OF_STATUS
from tests.conftest import ROOT, shared_api

DOCUMENT = shared_api().openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = [
    (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
NAMES = [f"{method.upper()} {path}" for method, path, _ in OPERATIONS]

# Never the answer of an operation: of the command line, the forms, single files, analyses and
# webhooks.
ELSEWHERE = frozenset(
    {
        "account_disabled",
        "configuration_error",
        "damaged",
        "describer_error",
        "email_missing",
        "email_not_verified",
        "empty_file",
        "expired_link",
        "first_account",
        "hash_mismatch",
        "interrupted",
        "key_refused",
        "model_not_found",
        "not_configured",
        "invalid_link",
        "invalid_sign_in",
        "lease_lost",
        "lost",
        "model_refused",
        "model_timeout",
        "model_unavailable",
        "not_an_image",
        "not_first",
        "outbound_failed",
        "preview_missing",
        "provider_unavailable",
        "shutting_down",
        "sign_in_expired",
        "sign_in_refused",
        "sign_in_cancelled",
        "sign_up_closed",
        "size_mismatch",
        "too_complex",
        "too_many_pixels",
        "unsupported_format",
    }
)


def shapes(of: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for shape in of.__subclasses__():
        yield shape
        yield from shapes(shape)


def test_every_operation_is_described_with_examples(subtests: pytest.Subtests) -> None:
    for method, path, operation in OPERATIONS:
        with subtests.test(f"{method} {path}"):
            assert operation["summary"]
            assert operation["description"]
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                assert media_type == "multipart/form-data" or content["example"]
            for status, answer in operation["responses"].items():
                for media_type, content in answer.get("content", {}).items():
                    if media_type == "application/json" and status < "300":
                        assert SCHEMAS[content["schema"]["$ref"].rsplit("/")[-1]]["examples"]


def test_every_operation_names_every_problem_with_its_code(subtests: pytest.Subtests) -> None:
    for method, path, operation in OPERATIONS:
        with subtests.test(f"{method} {path}"):
            answers = operation["responses"]
            if path not in PUBLIC:
                assert {"401", "403", "422", "429", "503"} <= answers.keys()
                assert "Retry-After" in answers["429"]["headers"]
            if "requestBody" in operation:
                assert {"408", "413", "415"} <= answers.keys()
            for status, answer in answers.items():
                assert "X-Request-Id" in answer["headers"]
                if status >= "400":
                    assert_problems_are_shown(status, answer)


def assert_problems_are_shown(status: str, answer: dict[str, Any]) -> None:
    examples = answer["content"]["application/problem+json"]["examples"]
    for code, example in examples.items():
        assert example == {"$ref": f"#/components/examples/{code}"}
        shown = DOCUMENT["components"]["examples"][code]["value"]
        assert (shown["code"], str(shown["status"])) == (code, status)
        assert f"`{code}`" in answer["description"]


def test_ids_in_paths_have_examples(subtests: pytest.Subtests) -> None:
    for method, path, operation in OPERATIONS:
        with subtests.test(f"{method} {path}"):
            named = {p["name"]: p for p in operation.get("parameters", []) if p["in"] == "path"}
            assert set(named) == set(re.findall(r"\{(\w+)\}", path))
            for name, parameter in named.items():
                if name.endswith("_id"):
                    assert parameter["schema"]["format"] == "uuid"
                    assert parameter["example"]


def test_every_example_is_what_a_route_answers(subtests: pytest.Subtests) -> None:
    for name, example in EXAMPLES.items():
        with subtests.test(name):
            shape = next(one for one in shapes() if one.__name__ == name and name in SCHEMAS)
            shown = shape.model_validate(example).model_dump(
                mode="json", exclude_none=name == "Problem"
            )
            assert shown == example
            assert SCHEMAS[name]["examples"] == [example]


def test_every_code_in_the_source_is_documented() -> None:
    found: set[str] = set()
    folders = ("api", "services")
    sources = [ROOT / "imgapp/errors.py"]
    sources += [path for folder in folders for path in (ROOT / "imgapp" / folder).rglob("*.py")]
    for source in sources:
        found |= set(re.findall(r'\bcode\s*=\s*"([a-z_]+)"', source.read_text()))
    assert found - ELSEWHERE <= set(CODES)
    assert not ELSEWHERE & set(CODES)
    assert found >= ELSEWHERE
    assert {code for status, code in OF_STATUS.items() if status >= 400} <= set(CODES)


def test_the_page_on_the_api_lists_every_code() -> None:
    page = Path(ROOT / "docs/api.md").read_text()
    for code, (status, said) in CODES.items():
        assert f"| {status} | `{code}` | {said} |" in page


def test_the_page_on_the_api_names_every_operation() -> None:
    page = Path(ROOT / "docs/api.md").read_text()
    for name in NAMES:
        assert f"`{name}" in page

"""What real servers say, word for word, and what is made of it."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imgapp.adapters.imaging import model_copy
from imgapp.adapters.vision import Picture, Server, default_ask
from imgapp.adapters.vision.openai import OpenAIDescriber
from imgapp.adapters.vision.refusals import quoted
from imgapp.adapters.vision.server_capabilities import Dialect
from imgapp.errors import DescriberError, PermanentDescriberError, TransientDescriberError
from tests.support.openai_server import ANSWER, OpenAIServer, Reply

ASK = default_ask()


def said(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


LLAMA_VISION = "image input is not supported - hint: if this is unexpected, you may need to provide"
LITELLM_QUOTA = (
    "litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your current quota, "
    "please check your plan and billing details. Received Model Group=eyes\nAvailable Model Group "
    "Fallbacks=None"
)
GEMINI_QUOTA = (
    "You exceeded your current quota, please check your plan and billing details.\n* Quota "
    "exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, "
    "limit: 15, model: gemini-2.5-flash\nPlease retry in 34.074824224s."
)
VLLM_TOO_LONG = (
    "This model's maximum context length is 2048 tokens. However, you requested 5024 tokens "
    "(1024 in the messages, 4000 in the completion). Please reduce the length of the messages or "
    "completion."
)
LITELLM_CONTEXT = (
    "litellm.BadRequestError: litellm.ContextWindowExceededError: OpenAIException - request too big"
)

STAYS: list[tuple[str, int, Any, str]] = [
    ("llama.cpp", 500, {"error": {"code": 500, "message": LLAMA_VISION}}, "model_without_vision"),
    ("llama.cpp", 500, said("image input is not supported by this server"), "model_without_vision"),
    (
        "llama.cpp before mtmd",
        500,
        said('Failed to parse messages: Unsupported content part type: "image_url"', code=500),
        "model_without_vision",
    ),
    ("llama.cpp", 401, said("Invalid API Key", type="authentication_error"), "key_refused"),
    ("llama.cpp", 400, said("model 'llava-vision' not found"), "model_not_found"),
    ("llama.cpp", 400, said("Failed to load image or audio file", code=400), "request_refused"),
    ("vLLM", 400, said("m/text is not a multimodal model None"), "model_without_vision"),
    (
        "vLLM",
        400,
        said("At most 0 image(s) may be provided in one prompt.", type="BadRequestError"),
        "model_without_vision",
    ),
    (
        "vLLM",
        404,
        said("The model `phi-3.5-vision` does not exist.", type="NotFoundError", code=404),
        "model_not_found",
    ),
    ("vLLM", 401, {"error": "Unauthorized"}, "key_refused"),
    (
        "LiteLLM",
        400,
        said("No connected db.", type="no_db_connection", param=None, code="400"),
        "key_refused",
    ),
    (
        "LiteLLM",
        401,
        said("Authentication Error, Invalid proxy server token passed.", code="401"),
        "key_refused",
    ),
    (
        "LiteLLM",
        400,
        said(
            "{'error': '/chat/completions: Invalid model name passed in model=eyes. Call "
            "`/v1/models` to view available models for your key.'}",
            code="400",
        ),
        "model_not_found",
    ),
    ("LiteLLM", 429, said(LITELLM_QUOTA, type="throttling_error", code="429"), "no_credit"),
    (
        "LiteLLM",
        400,
        said("Budget has been exceeded! Current cost: 12.0, Max budget: 10.0", code="400"),
        "no_credit",
    ),
    (
        "Ollama",
        404,
        said('model "qwen2.5vl:3b" not found, try pulling it first', type="api_error"),
        "model_not_found",
    ),
    (
        "Ollama",
        500,
        said("this model is missing data required for image input", type="api_error"),
        "model_without_vision",
    ),
    ("Ollama", 400, said("invalid image input"), "request_refused"),
    (
        "LM Studio",
        400,
        {"error": "Model does not support images. Please use a model that does."},
        "model_without_vision",
    ),
    (
        "LM Studio",
        404,
        said("No models loaded. Please load a model.", code="model_not_found", param="model"),
        "model_not_found",
    ),
    ("OpenAI", 401, said("Incorrect API key provided", code="invalid_api_key"), "key_refused"),
    (
        "OpenAI",
        429,
        said("You exceeded your current quota", code="insufficient_quota"),
        "no_credit",
    ),
    (
        "OpenAI",
        404,
        said("The model `gpt-9` does not exist or you do not have access to it."),
        "model_not_found",
    ),
    (
        "OpenAI",
        400,
        said("Invalid content type. image_url is only supported by certain models."),
        "model_without_vision",
    ),
    (
        "OpenAI",
        400,
        said(
            "You uploaded an unsupported image. Please make sure your image is valid.",
            code="image_parse_error",
        ),
        "request_refused",
    ),
    (
        "OpenAI",
        400,
        said("Your request was rejected as a result of our safety system."),
        "content_refused",
    ),
    (
        "Gemini",
        400,
        [said("API key not valid. Please pass a valid API key.", status="INVALID_ARGUMENT")],
        "key_refused",
    ),
    (
        "Gemini",
        404,
        [said("models/eyes is not found for API version v1main", status="NOT_FOUND")],
        "model_not_found",
    ),
    (
        "Gemini",
        400,
        [said("Image input modality is not enabled for models/gemma-3-1b-it", code=400)],
        "model_without_vision",
    ),
    (
        "OpenRouter",
        404,
        said("No endpoints found that support image input"),
        "model_without_vision",
    ),
    ("OpenRouter", 402, said("Insufficient credits"), "no_credit"),
]

PASSES: list[tuple[str, int, Any, str, float | None]] = [
    ("llama.cpp", 503, said("Loading model", type="unavailable_error"), "model_unavailable", None),
    ("Ollama", 503, said("server busy, please try again."), "model_unavailable", None),
    (
        "Ollama",
        500,
        said("model requires more system memory (5.6 GiB) than is available (3.2 GiB)"),
        "model_unavailable",
        None,
    ),
    (
        "LM Studio",
        400,
        {"error": "Failed to load model. Error: insufficient system resources."},
        "model_unavailable",
        None,
    ),
    ("OpenAI", 429, said("Rate limit reached. Please try again in 20s."), "rate_limited", 20),
    ("OpenAI", 429, said("Rate limit reached. Please try again in 250ms."), "rate_limited", 0.25),
    ("Gemini", 429, [said(GEMINI_QUOTA, status="RESOURCE_EXHAUSTED")], "rate_limited", 34.07),
    (
        "Gemini",
        503,
        [said("The model is overloaded. Please try again later.", status="UNAVAILABLE")],
        "model_unavailable",
        None,
    ),
]

LOWERS: list[tuple[str, int, Any, str, object]] = [
    ("llama.cpp", 400, said("Failed to parse grammar", code=400), "form", 1),
    (
        "llama.cpp",
        500,
        said("Jinja Exception: System role not supported", code=500),
        "system",
        False,
    ),
    (
        "llama.cpp",
        400,
        said(
            "request (5013 tokens) exceeds the available context size (4096 tokens)",
            type="exceed_context_size_error",
        ),
        "tokens",
        1_333,
    ),
    ("vLLM", 400, said(VLLM_TOO_LONG, code=400), "tokens", 1_333),
    (
        "vLLM",
        400,
        said("'max_tokens' or 'max_completion_tokens' is too large: 4000."),
        "tokens",
        1_333,
    ),
    (
        "vLLM",
        400,
        said("The decoder prompt (length 5000) is longer than the maximum model length of 4096."),
        "tokens",
        1_333,
    ),
    (
        "vLLM",
        400,
        said("The provided JSON schema contains features not supported by xgrammar."),
        "form",
        1,
    ),
    ("LiteLLM", 400, said(LITELLM_CONTEXT, code="400"), "tokens", 1_333),
    (
        "LiteLLM",
        400,
        said(
            "litellm.UnsupportedParamsError: ollama does not support parameters: "
            "['response_format'], for model=llama3.2-vision."
        ),
        "form",
        1,
    ),
    ("LM Studio", 400, {"error": "'response_format.type' must be 'text'"}, "form", 1),
    (
        "LM Studio",
        400,
        {"error": "The number of tokens is greater than the context length."},
        "tokens",
        1_333,
    ),
    (
        "OpenAI",
        400,
        said(
            "Unsupported parameter: 'max_completion_tokens' is not supported with this model.",
            code="unsupported_parameter",
        ),
        "limit",
        1,
    ),
    (
        "OpenAI",
        400,
        said("max_tokens is too large: 4000. This model supports at most 2048 completion tokens"),
        "tokens",
        1_333,
    ),
    (
        "OpenAI",
        400,
        said("'response_format' of type 'json_schema' is not supported with this model."),
        "form",
        1,
    ),
    (
        "Gemini",
        400,
        [said("Developer instruction is not enabled for models/gemma-3-27b-it")],
        "system",
        False,
    ),
    ("Gemini", 400, [said("JSON mode is not enabled for models/gemma-3-27b-it")], "form", 1),
    (
        "OpenRouter",
        404,
        said("No endpoints found that can handle the requested parameters."),
        "form",
        1,
    ),
]


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


@pytest.fixture
def describer(server: OpenAIServer) -> OpenAIDescriber:
    server.reset()
    # A model of its own for each test: what a server rejects is remembered by its name.
    server.model = f"eyes-{uuid.uuid4().hex[:8]}"
    return OpenAIDescriber(Server(server.url, "sk-secret-key"), server.model)


@pytest.fixture
def picture(picture_file: Callable[..., Path]) -> Picture:
    preview = io.BytesIO()
    with Image.open(picture_file(size=(640, 480))) as image:
        image.save(preview, "WEBP")
    return Picture(model_copy(preview.getvalue()), 640, 480)


@pytest.mark.parametrize(("name", "status", "body", "code"), STAYS)
def test_what_no_other_form_would_mend_is_called_what_it_is_at_once(
    server: OpenAIServer,
    describer: OpenAIDescriber,
    picture: Picture,
    name: str,
    status: int,
    body: Any,
    code: str,
) -> None:
    server.default = Reply(status, body=json.dumps(body))
    with pytest.raises(PermanentDescriberError) as caught:
        describer.describe(picture, ASK)
    assert caught.value.code == code, name
    assert caught.value.said is not None
    assert caught.value.said.startswith(f"HTTP {status}: ")
    assert len(server.calls) == 1
    assert describer.dialect == Dialect()


@pytest.mark.parametrize(("name", "status", "body", "code", "after"), PASSES)
def test_what_passes_is_asked_again_when_the_server_says(
    server: OpenAIServer,
    describer: OpenAIDescriber,
    picture: Picture,
    name: str,
    status: int,
    body: Any,
    code: str,
    after: float | None,
) -> None:
    server.default = Reply(status, body=json.dumps(body))
    with pytest.raises(TransientDescriberError) as caught:
        describer.describe(picture, ASK)
    assert caught.value.code == code, name
    assert caught.value.retry_after == (None if after is None else pytest.approx(after, abs=0.01))
    assert describer.dialect == Dialect()


@pytest.mark.parametrize(("name", "status", "body", "part", "value"), LOWERS)
def test_what_names_the_form_lowers_that_alone(
    server: OpenAIServer,
    describer: OpenAIDescriber,
    picture: Picture,
    name: str,
    status: int,
    body: Any,
    part: str,
    value: object,
) -> None:
    server.script(Reply(status, body=json.dumps(body)))
    assert describer.describe(picture, ASK).alt_text == ANSWER["alt_text"]
    assert len(server.calls) == 2
    found = {one: getattr(describer.dialect, one) for one in ("form", "limit", "tokens", "system")}
    first = {one: getattr(Dialect(), one) for one in found}
    assert found == first | {part: value}, name


def test_the_name_of_the_model_says_nothing(server: OpenAIServer, picture: Picture) -> None:
    server.reset()
    server.model = "vision not supported"
    describer = OpenAIDescriber(Server(server.url, None), server.model)
    server.default = Reply(400, error={"message": f"{server.model}: is not a valid model ID"})
    with pytest.raises(DescriberError) as caught:
        describer.describe(picture, ASK)
    assert caught.value.code == "request_refused"


def test_litellm_passes_on_when_to_come_back_under_a_name_of_its_own(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    headers = {"llm_provider-retry-after": "17"}
    server.default = Reply(429, headers=headers, body=json.dumps(said(LITELLM_QUOTA, code="429")))
    with pytest.raises(TransientDescriberError) as caught:
        describer.describe(picture, ASK)
    assert (caught.value.code, caught.value.retry_after) == ("rate_limited", 17)


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcDEF123456",
        "sk-or-v1-0123456789abcdef",
        "hf_abcdefGHIJKL123456",
        "AIzaSyA1234567890abcdefghijklmnopqrstu",
        "gsk_abcdef123456",
        "0123456789abcdef0123456789abcdef",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    ],
)
@pytest.mark.parametrize(
    "sentence",
    ["Incorrect API key provided: {}.", "Authorization: Bearer {}", "api_key={} is wrong", "({})"],
)
def test_what_looks_like_a_key_is_not_quoted(sentence: str, secret: str) -> None:
    line = quoted(sentence.format(secret))
    assert secret not in line
    assert secret[-12:] not in line


def test_neither_what_was_sent_nor_credentials_are_quoted_and_it_is_one_short_line() -> None:
    assert quoted("The key is short", "short") == "The key is …"
    assert "pass" not in quoted("POST http://user:pass@host/v1 failed")
    line = quoted("one\r\ntwo\x1b[31m \u202eeno " + "word " * 200)
    assert line.startswith("one two [31m eno word")
    assert len(line) == 300

from __future__ import annotations

import io
import json
import logging
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import redis
from PIL import Image

from imgapp.adapters.imaging import decode, model_copy
from imgapp.adapters.vision import Picture, Server, default_ask, server_hints
from imgapp.adapters.vision.openai import OpenAIDescriber
from imgapp.adapters.vision.prompt import PROMPT_VERSION
from imgapp.adapters.vision.server_capabilities import Dialects
from imgapp.errors import DescriberError, PermanentDescriberError, TransientDescriberError
from tests.conftest import Servers
from tests.support.openai_server import ANSWER, OpenAIServer, Reply

ASK = default_ask()


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    # A model of its own for each test: what a server rejects is remembered by its name.
    with OpenAIServer(model=f"model-{uuid.uuid4().hex[:8]}") as running:
        yield running


@pytest.fixture
def describer(server: OpenAIServer) -> OpenAIDescriber:
    return OpenAIDescriber(Server(server.url, "sk-secret-key"), server.model)


@pytest.fixture
def picture(picture_file: Callable[..., Path]) -> Picture:
    preview = io.BytesIO()
    with Image.open(picture_file(size=(1440, 960), gps=True)) as image:
        image.save(preview, "WEBP", exif=image.getexif().tobytes())
    return Picture(model_copy(preview.getvalue()), 3000, 2000)


def another_process(server: OpenAIServer) -> OpenAIDescriber:
    """A describer that remembers nothing itself."""
    describer = OpenAIDescriber(Server(server.url, "k"), server.model)
    describer.dialects = Dialects()
    return describer


def test_asks_once_with_a_strict_schema_and_a_small_picture_without_metadata(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    found = describer.describe(picture, ASK)

    [call] = server.calls
    assert call.problems == []
    assert call.form == "json_schema"
    assert (call.image_format, call.size) == ("JPEG", (1024, 683))
    assert call.headers["authorization"] == "Bearer sk-secret-key"
    assert found.alt_text == ANSWER["alt_text"]
    assert found.description == ANSWER["description"]
    assert found.tags == ["bicycle", "wall", "shadow"]
    assert (found.visible_text, found.decorative, found.language) == (None, False, "en")
    assert found.model_version == f"{server.model}-test"
    assert (found.prompt_version, found.input_tokens, found.output_tokens) == (
        PROMPT_VERSION,
        900,
        80,
    )


def test_a_server_of_ones_own_needs_no_key(server: OpenAIServer, picture: Picture) -> None:
    describer = OpenAIDescriber(Server(server.url, None), server.model)
    assert describer.describe(picture, ASK).alt_text == ANSWER["alt_text"]
    assert "authorization" not in server.calls[0].headers


@pytest.mark.parametrize(
    ("rejects", "form"),
    [({"json_schema"}, "json_object"), ({"json_schema", "json_object"}, None)],
)
def test_falls_back_to_what_the_server_supports_and_remembers_it(
    server: OpenAIServer,
    describer: OpenAIDescriber,
    picture: Picture,
    rejects: set[str],
    form: str | None,
) -> None:
    server.rejects = rejects

    assert describer.describe(picture, ASK).tags == ["bicycle", "wall", "shadow"]
    assert len(server.calls) == len(rejects) + 1
    describer.describe(picture, ASK)
    assert len(server.calls) == len(rejects) + 2
    assert server.calls[-1].form == form


@pytest.fixture
def long_picture(picture_file: Callable[..., Path], tmp_path: Path) -> Picture:
    decoded = decode(picture_file("long.png", size=(600, 6000)), tmp_path)
    return Picture(decoded.model.read_bytes(), 600, 6000, facts=decoded.facts)


def test_a_long_picture_is_sent_in_parts_and_the_model_is_told(
    server: OpenAIServer, describer: OpenAIDescriber, long_picture: Picture
) -> None:
    describer.describe(long_picture, ASK)
    [call] = server.calls
    assert call.problems == []
    assert len(call.sizes) == 6
    assert {width for width, _ in call.sizes} == {512}
    assert "in 6 parts, in order" in call.said


@pytest.mark.parametrize("proven", [False, True])
def test_a_server_that_takes_one_picture_gets_the_whole(
    server: OpenAIServer,
    describer: OpenAIDescriber,
    picture: Picture,
    long_picture: Picture,
    proven: bool,
) -> None:
    server.rejects = {"several"}
    if proven:
        describer.describe(picture, ASK)
    server.calls.clear()

    describer.describe(long_picture, ASK)
    assert [len(call.sizes) for call in server.calls] == [6, 1]
    assert server.calls[-1].size == (102, 1024)
    assert server.calls[-1].form == "json_schema"
    assert "parts" not in server.calls[-1].said
    server.calls.clear()
    describer.describe(long_picture, ASK)
    assert [len(call.sizes) for call in server.calls] == [1]


@pytest.mark.parametrize(
    "rejection",
    [
        Reply(status=413),
        Reply(status=400, error={"message": "You may upload at most 5 images"}),
        Reply(status=400, error={"message": "Multiple images are not supported"}),
        Reply(status=400, error={"code": "exceed_context_size_error", "message": "context size"}),
        Reply(status=422, error={"message": "Too many image inputs"}),
    ],
)
def test_whatever_says_that_parts_are_too_much_is_followed_by_the_whole(
    server: OpenAIServer, describer: OpenAIDescriber, long_picture: Picture, rejection: Reply
) -> None:
    server.script(rejection)
    assert describer.describe(long_picture, ASK).alt_text == ANSWER["alt_text"]
    assert [len(call.sizes) for call in server.calls] == [6, 1]


def test_the_model_is_told_of_a_ground_that_was_added(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    describer.describe(replace(picture, facts={"has_alpha": True}), ASK)
    describer.describe(picture, ASK)
    told = ["background is transparent" in call.said for call in server.calls]
    assert told == [True, False]


def test_never_repeats_a_token_limit_that_was_rejected(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    server.rejects = {"max_completion_tokens", "max_tokens"}

    describer.describe(picture, ASK)
    describer.describe(picture, ASK)

    limits = [
        sorted({"max_tokens", "max_completion_tokens"} & call.body.keys()) for call in server.calls
    ]
    assert limits == [["max_completion_tokens"], ["max_tokens"], [], []]
    assert server.calls[-1].form == "json_schema"


def test_a_model_that_takes_no_system_message_gets_it_beside_the_picture(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    server.rejects = {"system"}

    describer.describe(picture, ASK)
    describer.describe(picture, ASK)

    roles = [[message["role"] for message in call.body["messages"]] for call in server.calls]
    assert roles == [["system", "user"], ["user"], ["user"]]
    assert ASK.instructions in server.calls[-1].said
    assert server.calls[-1].form == "json_schema"


def test_what_one_process_has_found_another_one_knows(
    server: OpenAIServer, picture: Picture, servers: Servers, set_env: Callable[..., None]
) -> None:
    set_env(REDIS_URL=servers.redis_url)
    server.rejects = {"json_schema", "max_completion_tokens"}
    first, second = (another_process(server) for _ in range(2))

    first.describe(picture, ASK)
    tries = len(server.calls)
    second.describe(picture, ASK)

    assert tries == 3
    assert len(server.calls) == tries + 1
    assert server.calls[-1].form == "json_object"
    assert "max_tokens" in server.calls[-1].body


@pytest.mark.parametrize("hint", ["nonsense", "[]", '{"form": 9}', '{"form": 1, "limit": true}'])
def test_a_hint_that_makes_no_sense_is_none(
    server: OpenAIServer,
    picture: Picture,
    servers: Servers,
    set_env: Callable[..., None],
    hint: str,
) -> None:
    set_env(REDIS_URL=servers.redis_url)
    with redis.Redis.from_url(servers.redis_url) as client:
        client.set(server_hints._key(server.url, server.model), hint)

    assert another_process(server).describe(picture, ASK).alt_text == ANSWER["alt_text"]
    assert server.calls[-1].form == "json_schema"


def test_without_redis_it_finds_out_by_itself(
    server: OpenAIServer, picture: Picture, set_env: Callable[..., None]
) -> None:
    set_env(REDIS_URL="redis://127.0.0.1:9/0")
    server.rejects = {"json_schema"}
    describer = another_process(server)

    describer.describe(picture, ASK)
    describer.describe(picture, ASK)

    assert [call.form for call in server.calls] == ["json_schema", "json_object", "json_object"]


def test_a_server_that_ignores_the_form_is_asked_once_more_and_then_taken_at_its_word(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    server.default = Reply(content="Two dogs run along a beach. One of them carries a stick.")

    with pytest.raises(TransientDescriberError):
        describer.describe(picture, ASK)
    found = describer.describe(picture, replace(ASK, previous="unusable_answer"))

    assert found.alt_text == "Two dogs run along a beach."
    assert "JSON object alone" in server.calls[-1].said
    assert "JSON object alone" not in server.calls[0].said


def test_neither_file_name_nor_facts_are_sent(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    private = replace(picture, filename="our-holiday.jpg", facts={"camera_make": "Pentacon"})
    describer.describe(private, ASK)
    sent = json.dumps(server.calls[-1].body)
    assert "our-holiday" not in sent
    assert "Pentacon" not in sent


@pytest.mark.parametrize(
    "reply",
    [
        Reply(content="", tokens=(700, 60)),
        Reply(refusal="No", tokens=(700, 60)),
        Reply(answer={"description": "a dog and a cat and " * 60}, tokens=(700, 60)),
    ],
)
def test_a_failed_answer_says_what_it_cost(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture, reply: Reply
) -> None:
    server.default = reply
    with pytest.raises(DescriberError) as caught:
        describer.describe(picture, ASK)
    error = caught.value
    assert (error.input_tokens, error.output_tokens) == (700, 60)
    assert error.model_version == f"{server.model}-test"


def test_a_server_that_reports_no_tokens_costs_an_unknown_number(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    server.default = Reply(tokens=None)
    found = describer.describe(picture, ASK)
    assert (found.input_tokens, found.output_tokens) == (None, None)


def test_a_plain_model_may_answer_in_prose(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    server.rejects = {"json_schema", "json_object"}
    server.default = Reply(content="An image of **two dogs** on a beach. They run after a ball.")

    found = describer.describe(picture, ASK)

    assert found.alt_text == "Two dogs on a beach."
    assert found.description == "An image of two dogs on a beach. They run after a ball."
    assert found.tags == []


@pytest.mark.parametrize(
    "content",
    [
        "<think>A bicycle {not json}.</think>\n" + json.dumps(ANSWER),
        "It seems to be a bicycle.</think>" + json.dumps(ANSWER),
        "```json\n" + json.dumps(ANSWER, indent=2) + "\n```",
        "Here you are: " + json.dumps(ANSWER) + " Anything else?",
    ],
)
def test_finds_the_answer_behind_thoughts_fences_and_chatter(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture, content: str
) -> None:
    server.default = Reply(content=content)

    assert describer.describe(picture, ASK).description == ANSWER["description"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(content=""),
        Reply(content="<think>Nothing but thoughts, and the limit is reached"),
        Reply(content="asdf qwer yxcv tzui"),
        Reply(content=json.dumps(ANSWER)[:-40], finish_reason="length"),
        Reply(content='{"alt_text": 7}'),
        Reply(content="[" * 50_000),
        Reply(answer={"alt_text": "", "description": " "}),
        Reply(answer={"description": "a dog and a cat and " * 60}),
        Reply(body="{}"),
        Reply(body='{"choices": []}'),
        Reply(body='{"choices": [{"index": 0}]}'),
        Reply(body='{"choices"'),
        Reply(body="<html>Welcome to nginx</html>", headers={"content-type": "text/html"}),
        Reply(body='{"error": {"message": "overloaded", "code": 502}}'),
    ],
)
def test_an_answer_that_cannot_be_used_is_worth_another_attempt(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture, reply: Reply
) -> None:
    server.default = reply

    with pytest.raises(TransientDescriberError) as caught:
        describer.describe(picture, ASK)
    assert caught.value.code == "unusable_answer"
    assert len(server.calls) == 1


def test_an_answer_that_was_cut_off_gets_more_room_next_time(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    server.script(Reply(content="", finish_reason="length"))

    with pytest.raises(TransientDescriberError):
        describer.describe(picture, ASK)
    describer.describe(picture, ASK)

    first, second = (call.body["max_completion_tokens"] for call in server.calls)
    assert second == 2 * first


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(408), "model_timeout"),
        (Reply(409), "model_unavailable"),
        (Reply(429), "rate_limited"),
        (Reply(500), "model_unavailable"),
        (Reply(503, body="<html>busy</html>"), "model_unavailable"),
        (Reply(drop=True), "model_unreachable"),
    ],
)
def test_what_passes_is_transient(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture, reply: Reply, code: str
) -> None:
    server.default = reply

    with pytest.raises(TransientDescriberError) as caught:
        describer.describe(picture, ASK)
    assert caught.value.code == code
    assert caught.value.retry_after is None
    assert len(server.calls) == 1


def test_a_server_that_is_not_there_is_transient(picture: Picture) -> None:
    with OpenAIServer() as gone:
        url = gone.url

    with pytest.raises(TransientDescriberError) as caught:
        OpenAIDescriber(Server(url, "sk-secret-key"), "any").describe(picture, ASK)
    assert caught.value.code == "model_unreachable"


def test_a_server_that_does_not_answer_in_time_is_transient(
    server: OpenAIServer,
    describer: OpenAIDescriber,
    picture: Picture,
) -> None:
    describer = OpenAIDescriber(Server(server.url, None, 0.2), server.model)
    server.delay = 1.0

    with pytest.raises(TransientDescriberError) as caught:
        describer.describe(picture, ASK)
    assert caught.value.code == "model_timeout"


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"Retry-After": "7"}, 7, 7),
        ({"Retry-After": "0.5"}, 0.5, 0.5),
        ({"retry-after-ms": "1500"}, 1.5, 1.5),
        ({"Retry-After": timedelta(days=1)}, 86_000, 86_400),
        ({"Retry-After": timedelta(days=-1)}, 0, 0),
    ],
)
def test_carries_how_long_the_server_wants_to_be_left_alone(
    server: OpenAIServer,
    describer: OpenAIDescriber,
    picture: Picture,
    headers: dict[str, str | timedelta],
    low: float,
    high: float,
) -> None:
    as_sent = {
        # A date, counted from when the test runs.
        name: format_datetime(datetime.now(UTC) + value) if isinstance(value, timedelta) else value
        for name, value in headers.items()
    }
    server.default = Reply(429, headers=as_sent)

    with pytest.raises(TransientDescriberError) as caught:
        describer.describe(picture, ASK)
    assert caught.value.retry_after is not None
    assert low <= caught.value.retry_after <= high


def test_a_retry_after_that_makes_no_sense_is_ignored(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    server.default = Reply(503, headers={"Retry-After": "soon"})

    with pytest.raises(TransientDescriberError) as caught:
        describer.describe(picture, ASK)
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("reply", "code", "advice"),
    [
        (Reply(401), "key_refused", "OPENAI_API_KEY"),
        (Reply(403), "access_denied", "API key"),
        (Reply(404), "model_not_found", "IMGAPP_VISION_MODEL"),
        (Reply(429, error={"code": "insufficient_quota"}), "no_credit", "billing"),
        (Reply(400, error={"message": "Invalid image data"}), "request_refused", "HTTP 400"),
        (
            Reply(400, error={"message": "This model does not support image input"}),
            "model_without_vision",
            "IMGAPP_VISION_MODEL",
        ),
        (Reply(400, error={"code": "content_filter"}), "content_refused", "yourself"),
        (Reply(finish_reason="content_filter"), "content_refused", "yourself"),
        (Reply(refusal="I cannot help with that"), "content_refused", "yourself"),
        (Reply(content="I'm sorry, I can't help with that."), "content_refused", "yourself"),
    ],
)
def test_what_stays_is_permanent_and_comes_with_advice(
    server: OpenAIServer,
    describer: OpenAIDescriber,
    picture: Picture,
    reply: Reply,
    code: str,
    advice: str,
) -> None:
    server.default = reply

    with pytest.raises(PermanentDescriberError) as caught:
        describer.describe(picture, ASK)
    assert caught.value.code == code
    assert advice in caught.value.detail
    assert len(server.calls) == 1


def test_only_a_refusal_that_names_the_form_lowers_it(
    server: OpenAIServer, describer: OpenAIDescriber, picture: Picture
) -> None:
    # Wrong names, contexts and keys made servers be asked without form for a week.
    for said in ("Bad request", "model 'x' not found", "Invalid image data"):
        server.script(Reply(400, error={"message": said}))
        with pytest.raises(PermanentDescriberError):
            describer.describe(picture, ASK)
    describer.describe(picture, ASK)
    assert [call.form for call in server.calls] == ["json_schema"] * 4


def test_neither_messages_nor_logs_hold_the_key_or_the_address(
    picture: Picture, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with OpenAIServer() as server:
        echo = {"message": "Incorrect API key provided: sk-secret-key", "code": "invalid_api_key"}
        server.default = Reply(401, error=echo)
        url = server.url.replace("http://", "http://user:pass-word@")
        with pytest.raises(PermanentDescriberError) as caught:
            OpenAIDescriber(Server(url, "sk-secret-key"), "any").describe(picture, ASK)
    said = f"{caught.value.detail} {caplog.text} {caught.value.__cause__}"
    assert "vision_call_failed" in said
    assert "sk-secret" not in said
    assert "pass-word" not in said

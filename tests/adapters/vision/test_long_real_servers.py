"""Real servers, and what is made of what they say: llama.cpp, and LiteLLM's proxy before others."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from imgapp.adapters.vision import Picture, Server, default_ask
from imgapp.adapters.vision.model_list import ListedModel, list_models
from imgapp.adapters.vision.openai import OpenAIDescriber
from imgapp.errors import DescriberError, PermanentDescriberError, TransientDescriberError
from tests.support.litellm_proxy import MASTER_KEY, litellm_proxy
from tests.support.llama_server import llama_server
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.pictures import picture
from tests.support.tiny_model import SENTENCES, tiny_model

pytestmark = pytest.mark.long
ASK = default_ask()
KEY = "sk-behind"


class Proxy(NamedTuple):
    """LiteLLM before two of llama.cpp and one that says what it is told."""

    url: str
    behind: OpenAIServer


@pytest.fixture(scope="module")
def llamas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Base URLs: one that sees, one that does not, one with too little room for any question."""
    folder = tmp_path_factory.mktemp("models")
    seeing, blind = (tiny_model(folder, vision=sees, name=f"sees-{sees}") for sees in (True, False))
    with ExitStack() as stack:
        yield {
            "eyes": stack.enter_context(llama_server(seeing, key=KEY)),
            "blind": stack.enter_context(llama_server(blind, key=KEY)),
            "short": stack.enter_context(llama_server(seeing, key=KEY, context=512)),
        }


@pytest.fixture(scope="module")
def proxy(litellm: Path, llamas: dict[str, str]) -> Iterator[Proxy]:
    with OpenAIServer(model="tiny") as behind:
        models = {name: (url, KEY) for name, url in llamas.items()} | {
            "scripted": (behind.url, KEY)
        }
        with litellm_proxy(litellm, models) as url:
            yield Proxy(url, behind)


def describe(url: str, model: str, key: str = KEY) -> str:
    """The alt text of a picture."""
    data = io.BytesIO()
    drawn = picture(1)
    drawn.save(data, "JPEG")
    told = OpenAIDescriber(Server(url, key), model).describe(
        Picture(data.getvalue(), *drawn.size), ASK
    )
    return (told.alt_text or "").strip(" .").lower()


def failure(url: str, model: str, key: str = KEY) -> DescriberError:
    with pytest.raises(DescriberError) as caught:
        describe(url, model, key)
    return caught.value


def is_a_sentence(text: str) -> bool:
    return any(text in sentence for sentence in SENTENCES)


def test_llama_cpp_sees(llamas: dict[str, str]) -> None:
    assert is_a_sentence(describe(llamas["eyes"], "tiny"))


def test_llama_cpp_without_a_projector_cannot_see(llamas: dict[str, str]) -> None:
    error = failure(llamas["blind"], "tiny")
    assert isinstance(error, PermanentDescriberError)
    assert error.code == "model_without_vision"
    assert "image input is not supported" in error.said
    (listed,) = list_models(Server(llamas["blind"], KEY), "llamacpp") or []
    assert listed.sees is False


def test_llama_cpp_says_which_model_sees(llamas: dict[str, str]) -> None:
    (listed,) = list_models(Server(llamas["eyes"], KEY), "llamacpp") or []
    assert listed.sees is True


def test_llama_cpp_with_another_key_is_a_key_refused(llamas: dict[str, str]) -> None:
    error = failure(llamas["eyes"], "tiny", "sk-wrong")
    assert (type(error), error.code) == (PermanentDescriberError, "key_refused")


def test_llama_cpp_with_too_small_a_context_is_one(llamas: dict[str, str]) -> None:
    error = failure(llamas["short"], "tiny")
    assert (type(error), error.code) == (PermanentDescriberError, "context_too_small")


def test_litellm_passes_pictures_on(proxy: Proxy) -> None:
    assert is_a_sentence(describe(proxy.url, "eyes", MASTER_KEY))
    proxy.behind.script()
    assert describe(proxy.url, "scripted", MASTER_KEY) == "a red bicycle leans on a white wall"
    assert proxy.behind.calls[-1].form == "json_schema"


def test_litellm_lists_its_models(proxy: Proxy) -> None:
    listed = list_models(Server(proxy.url, MASTER_KEY), "litellm")
    assert sorted(listed or [], key=lambda one: one.name) == [
        ListedModel(name) for name in ("blind", "eyes", "scripted", "short")
    ]


@pytest.mark.parametrize(
    ("model", "key", "code"),
    [
        ("eyes", "sk-wrong", "key_refused"),
        ("nobody", MASTER_KEY, "model_not_found"),
        ("blind", MASTER_KEY, "model_without_vision"),
        ("short", MASTER_KEY, "context_too_small"),
    ],
)
def test_litellm_says_what_is_wrong(proxy: Proxy, model: str, key: str, code: str) -> None:
    error = failure(proxy.url, model, key)
    assert (type(error), error.code) == (PermanentDescriberError, code)


QUOTA = {
    "message": "You exceeded your current quota, please check your plan and billing details.",
    "type": "insufficient_quota",
    "code": "insufficient_quota",
}


def test_a_used_up_quota_behind_litellm_is_no_pace(proxy: Proxy) -> None:
    proxy.behind.script(Reply(429, error=QUOTA))
    error = failure(proxy.url, "scripted", MASTER_KEY)
    assert (type(error), error.code) == (PermanentDescriberError, "no_credit")


def test_a_pace_behind_litellm_says_how_long_to_wait_in_words(proxy: Proxy) -> None:
    said = "Rate limit reached for requests. Please try again in 17s."
    proxy.behind.script(Reply(429, headers={"Retry-After": "5"}, error={"message": said}))
    error = failure(proxy.url, "scripted", MASTER_KEY)
    assert isinstance(error, TransientDescriberError)
    # The header does not come through (findings/litellm-drops-retry-after.sh).
    assert (error.code, error.retry_after) == ("rate_limited", 17)


def test_a_server_away_behind_litellm_is_a_trouble_that_passes(proxy: Proxy) -> None:
    proxy.behind.script(Reply(503, error={"message": "overloaded"}), Reply(drop=True))
    for _ in range(2):
        assert isinstance(failure(proxy.url, "scripted", MASTER_KEY), TransientDescriberError)
    assert describe(proxy.url, "scripted", MASTER_KEY)


def test_a_form_that_the_server_behind_litellm_does_not_take_is_asked_otherwise(
    proxy: Proxy,
) -> None:
    proxy.behind.rejects = {"json_schema"}
    try:
        assert describe(proxy.url, "scripted", MASTER_KEY)
        assert proxy.behind.calls[-1].form == "json_object"
    finally:
        proxy.behind.rejects = set()
